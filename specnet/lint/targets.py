"""What is learnt against what the loss and the metrics take it for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from specnet.diagnostics import Label
from specnet.lint.ending import ending
from specnet.lint.rule import Finding, Subject, rule
from specnet.vocabulary.losses import NUMBERS

if TYPE_CHECKING:
    from specnet.data.transforms.fixed import Scale
    from specnet.data.transforms.statistics import MinMax

RANGES = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, float("inf")),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, float("inf")),
}
"""The values that an activation can give."""


LARGE = 1000.0
"""The size of targets from which on a training from usual initial weights has a long way to go."""


@rule("SN711", "network")
def classes_as_numbers(subject: Subject) -> Iterator[Finding]:
    """A loss of distances on the indices of classes."""
    spec, signature = subject.spec, subject.network.signature
    count = signature.class_count
    if spec.loss.targets != "real" or signature.target_kind != "class" or not signature.integers:
        return
    if count is not None and count > 2:
        yield Finding(
            f"the targets are {count} classes, and {spec.loss.type} treats their alphabetical order "
            "as a quantity",
            ("loss",),
            "type",
            f'loss = "cross_entropy" with {count} units, or a `one_hot` transform on the targets',
        )


@rule("SN712", "network")
def decisions_on_numbers(subject: Subject) -> Iterator[Finding]:
    """A metric of classes on targets that are amounts."""
    spec, network = subject.spec, subject.network
    if spec.loss.targets != "real" or spec.metrics is None or network.signature.target_kind == "class":
        return
    from specnet.vocabulary.metrics.decisions import Deciding

    shape = network.outputs[""].shape
    outputs = shape[-1] if shape else 1
    count = network.signature.class_count
    if outputs != 1 or (count is not None and count <= 2):
        return
    for figure in network.figures:
        metric = figure.metric
        if isinstance(metric, Deciding):
            yield Finding(
                f"{metric.label} tests whether values are above {metric.threshold or 0:g}, and the targets of "
                f"{spec.loss.type} are amounts",
                figure.path,
                "type",
                'metrics = ["rmse", "mae", "r2"] say how far off numbers are',
                (Label("the loss", ("loss",), "type"),),
            )


@rule("SN713", "data")
def out_of_reach(subject: Subject) -> Iterator[Finding]:
    """Targets that the last activation cannot give."""
    spec, last = subject.spec, ending(subject.spec)
    if last is None or last.function.type not in RANGES or spec.loss.output_activation not in NUMBERS:
        return
    span = target_range(subject)
    if span is None or spec.loss.targets != "real":
        return
    low, high = RANGES[last.function.type]
    margin = 1e-6 * max(1.0, abs(span[0]), abs(span[1]))
    if span[0] >= low - margin and span[1] <= high + margin:
        return
    limits = f"from {low:g} to {high:g}" if high < float("inf") else f"of at least {low:g}"
    yield Finding(
        f"{last.function.type} gives values {limits}, and targets go from {span[0]:.4g} to {span[1]:.4g}",
        last.path,
        "type",
        "a linear last layer, or a `minmax` transform on the targets",
    )


@rule("SN714", "data")
def large_targets(subject: Subject) -> Iterator[Finding]:
    """Amounts far from where the outputs start."""
    spec = subject.spec
    if spec.loss.targets != "real" or spec.loss.output_activation not in NUMBERS:
        return
    span = target_range(subject)
    if span is not None and max(map(abs, span)) >= LARGE:
        yield Finding(
            f"targets go from {span[0]:.4g} to {span[1]:.4g}, and outputs start near 0: the first gradients are "
            "as many times too large, and steps of a usual size hardly get there",
            ("data",),
            "type",
            '[[data.transforms]] with type = "standardize" and on = "targets"; predictions stay in the data\'s units',
        )


def target_range(subject: Subject) -> tuple[float, float] | None:
    """Return the least and the largest target among the sampled training rows, after the transforms."""
    sample = subject.samples.get("train")
    if sample is None or not sample.targets or any(column.kind == "text" for column in sample.targets):
        return None
    if any(column.name in names for column in sample.targets for names in _listed(subject)):
        return None
    import numpy as np

    values = np.concatenate([np.asarray(column.few(), np.float64) for column in sample.targets])
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    for transform in subject.spec.data.transforms:
        if transform.on != "targets" or transform.type in ("flatten", "reshape"):
            continue
        if transform.type == "minmax" and cast("MinMax", transform).per != "all":
            low, high = cast("MinMax", transform).range
        elif transform.type == "scale":
            scale = cast("Scale", transform)
            ends = sorted((low * scale.factor + scale.offset, high * scale.factor + scale.offset))
            low, high = ends
        elif transform.type == "standardize" and low < high:
            with np.errstate(all="ignore"):
                mean, spread = float(values.mean()), float(values.std())
            if not 0.0 < spread < float("inf"):
                return None
            low, high = (low - mean) / spread, (high - mean) / spread
            values = (values - mean) / spread
        else:
            return None
    return low, high


def _listed(subject: Subject) -> list[tuple[str, ...]]:
    """Return the lists of columns that transforms are on."""
    return [t.on for t in subject.spec.data.transforms if not isinstance(t.on, str)]
