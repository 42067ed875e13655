"""What figures are called on axes and in titles, with their units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specnet.data.transforms import CURVES

UNITS, SQUARED = "units of the target", "squared units of the target"

LOSSES = {
    "cross_entropy": ("cross-entropy", "nats"),
    "kl_divergence": ("KL divergence", "nats"),
    "binary_cross_entropy": ("binary cross-entropy", "nats"),
    "hinge": ("hinge loss", ""),
    "squared_hinge": ("squared hinge loss", ""),
    "cosine_similarity": ("cosine loss", ""),
    "ctc": ("CTC loss", "nats"),
    "triplet": ("triplet loss", ""),
    "contrastive": ("contrastive loss", ""),
    "focal": ("focal loss", "nats"),
    "binary_focal": ("binary focal loss", "nats"),
    "gaussian_nll": ("Gaussian negative log-likelihood", "nats"),
    "dice": ("Dice loss", ""),
    "binary_dice": ("binary Dice loss", ""),
    "mse": ("MSE", SQUARED),
    "mae": ("MAE", UNITS),
    "huber": ("Huber loss", ""),
    "log_cosh": ("log-cosh loss", ""),
    "poisson": ("Poisson loss", "nats"),
    "quantile": ("quantile loss", UNITS),
}
"""The name and the unit of each loss, by its type."""

METRICS = {
    "accuracy": ("accuracy", "fraction correct"),
    "top_k": ("top-k accuracy", "fraction correct"),
    "precision": ("precision", "fraction"),
    "recall": ("recall", "fraction"),
    "f1": ("F1", ""),
    "iou": ("intersection over union", ""),
    "dice": ("Dice coefficient", ""),
    "confusion": ("confusion", "rows"),
    "auc": ("AUC", ""),
    "edit_distance": ("edit distance", "edits for each class"),
    "exact_match": ("exact matches", "fraction of sequences"),
    "perplexity": ("perplexity", ""),
    "bits_per_character": ("bits per character", "bits"),
    "mse": ("MSE", SQUARED),
    "rmse": ("RMSE", UNITS),
    "mae": ("MAE", UNITS),
    "r2": ("R²", ""),
    "mase": ("MASE", ""),
    "smape": ("sMAPE", ""),
    "wql": ("weighted quantile loss", ""),
    "quantile_coverage": ("quantile coverage", "fraction of targets"),
    "cosine_similarity": ("cosine similarity", ""),
}
"""The same for metrics."""

RATE = "learning_rate"

LONG = 32
"""Letters that find room beside an axis; of more, the unit has a line of its own."""


@dataclass(frozen=True, slots=True)
class FigureName:
    """What one figure is called."""

    name: str
    unit: str = ""

    @property
    def title(self) -> str:
        """The name at the beginning of a title."""
        return self.name[:1].upper() + self.name[1:]

    @property
    def axis(self) -> str:
        """The name with its unit."""
        if not self.unit:
            return self.name
        gap = " " if len(self.name) + len(self.unit) < LONG else "\n"
        return f"{self.name}{gap}({self.unit})"


def figure_name(label: str, spec: Mapping[str, Any]) -> FigureName:
    """Return what a figure is called that a run of a spec, as plain data, reports as `label`."""
    if label == RATE:
        return FigureName("learning rate")
    outputs = spec.get("outputs") or {}
    output, dot, rest = label.partition(".")
    if dot and output in outputs:
        own = outputs[output]
        name, unit = _own(rest, own.get("loss"), scaled=_scaled(spec, own.get("target") == "inputs", rest))
        return FigureName(f"{name} of {output}", unit)
    if label == "loss" and outputs:
        return FigureName("weighted sum of the losses")
    reproduces = (spec.get("data") or {}).get("target") == "inputs"
    return FigureName(*_own(label, spec.get("loss"), scaled=_scaled(spec, reproduces, label)))


def _own(label: str, loss: Any, *, scaled: bool) -> tuple[str, str]:
    """Return the name and the unit of a figure of one output; `scaled` says that its targets are transformed."""
    name, unit = _of_loss(loss) if label == "loss" else _of_metric(label)
    return name, unit.replace("target", "transformed target") if scaled else unit


def _of_metric(label: str) -> tuple[str, str]:
    top = re.fullmatch(r"top_(\d+)", label)
    if top is not None:
        return f"top-{top[1]} accuracy", METRICS["top_k"][1]
    for kind, (name, unit) in METRICS.items():
        if label == kind:
            return name, unit
        if label.startswith(f"{kind}_"):
            return f"{name} ({label.removeprefix(f'{kind}_').replace('_', ' ')})", unit
    return label.replace("_", " "), ""


def _of_loss(loss: Any) -> tuple[str, str]:
    loss = loss if isinstance(loss, Mapping) else {"type": loss}
    kind = str(loss.get("type", "loss"))
    name, unit = LOSSES.get(kind, (kind.replace("_", " "), ""))
    if loss.get("scale", 1.0) != 1.0:
        return f"{loss['scale']:g} times {name}", ""
    return (f"sum of {name}", "") if loss.get("reduction") == "sum" else (name, unit)


def _scaled(spec: Mapping[str, Any], of_inputs: bool, label: str) -> bool:
    """Return whether a figure is measured after the transforms of its targets.

    Metrics are where the targets are inputs, and where a transform is more than a scale and an offset.
    """
    data = spec.get("data") or {}
    target = data.get("target")
    targets = target if isinstance(target, list) else [target]

    def of(on: Any) -> str:
        if isinstance(on, str):
            return on
        return "targets" if any(name in targets for name in on) else "inputs"

    on = "inputs" if of_inputs else "targets"
    own = [each for each in data.get("transforms") or () if of(each.get("on", "inputs")) == on]
    if of_inputs or label == "loss":
        return bool(own)
    return any(each["type"] in CURVES for each in own)
