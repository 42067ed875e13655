from __future__ import annotations

import json
import math
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from specnet.data import Dataset
from specnet.diagnostics import RunError
from specnet.diagnostics.text import sized
from specnet.model.model import Model
from specnet.reporting.html.figures import INK, RATE, TRAIN, VALIDATION, Curve, Figures
from specnet.reporting.html.layers import network_facts
from specnet.reporting.html.parameters import parameter_facts
from specnet.reporting.html.predictions import Predicted, calibration, confusion, predicted, worst
from specnet.reporting.html.repeating import repeating
from specnet.runs.directory import DOCUMENTS, REPORT, load_run
from specnet.runs.evaluating import own_data
from specnet.runs.extras import needed
from specnet.runs.files import write_bytes
from specnet.runs.kept import KeptRun, read_run

MAXIMUM_CLASSES = 20
"""Classes of a confusion matrix that is shown whole; of a larger one, the most frequent confusions are."""

MAXIMUM_CONFUSIONS = 15

MAXIMUM_DOTS = 800
"""Rows drawn as dots."""

CURVE_ROWS = 12
"""Epochs in the table beside the curves."""


def write_report(run: Path, path: Path | None = None) -> Path:
    """Write one page about a run, and return where it is: `report.html` in the run's directory.

    The page is one file that needs no network. Where the run's data are missing or have changed, or where it
    has no model, the page says so in the place of what needs them. Raises RunError where there is no run,
    where the extra is not installed, or where the file cannot be written.
    """
    jinja = needed("jinja2", "report", "a report")
    figures = Figures()
    kept = read_run(run)
    folder = files("specnet.reporting.html")
    environment = jinja.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja.StrictUndefined
    )
    environment.filters |= {
        "figure": _figure,
        "seconds": _seconds,
        "bytes": sized,
        "svg": jinja.utils.markupsafe.Markup,
    }
    template = environment.from_string((folder / "page.html.j2").read_text(encoding="utf-8"))
    style = jinja.utils.markupsafe.Markup((folder / "page.css").read_text(encoding="utf-8"))
    text = template.render(style=style, **_facts(kept, figures))
    target = run / REPORT if path is None else path
    write_bytes(target, text.encode())
    return target


def _facts(kept: KeptRun, figures: Figures) -> dict[str, Any]:
    """Return all that the page's template names."""
    missing: list[str] = []
    model, data = _model(kept, missing), None
    if model is not None:
        data = _data(kept, model, missing)
    spec = kept.made_of["spec"]
    facts: dict[str, Any] = {
        "run": kept,
        "result": kept.result or {},
        "made_of": kept.made_of,
        "spec": spec,
        "missing": missing,
        "curves": _curves(kept, figures),
        "epochs": _epochs(kept.history()),
        "scalars": _scalars(kept),
        "document": _document(kept.path),
        "resolved": json.dumps(spec, indent=2, ensure_ascii=False),
        "repeating": repeating(kept.made_of),
        "outputs": [],
        "parameters": None,
        "network": None,
        "rows": {},
    }
    if model is not None and data is not None:
        split = next(name for name in ("test", "validation", "train") if name in data.splits)
        with np.errstate(all="ignore"):
            if model.network.spec.loss.targets != "groups":
                made = predicted(model, data, split)
                facts["outputs"] = [_predictions(given, data, figures) for given in made]
            facts["parameters"] = parameter_facts(model, data)
            facts["network"] = network_facts(model, data)
        facts["rows"] = {name: len(part) for name, part in data.splits.items()}
    return facts


def _model(kept: KeptRun, missing: list[str]) -> Model | None:
    try:
        return load_run(kept.path)
    except RunError as error:
        missing.append(f"What needs the trained model is left out: {error}.")
        return None


def _data(kept: KeptRun, model: Model, missing: list[str]) -> Dataset | None:
    try:
        return own_data(kept.path, model.network)
    except RunError as error:
        missing.append(f"Predictions, gradients and times are left out: {error}.")
        return None


def _curves(kept: KeptRun, figures: Figures) -> list[dict[str, str]]:
    history = kept.history()
    chosen = (kept.result or {}).get("best_epoch")
    names = dict.fromkeys(name for row in history for name in row.get("validation", {}))
    shown = []
    for name in dict.fromkeys(("loss", *names)):
        curves = [
            curve
            for split, colour, style in (("train", TRAIN, "-"), ("validation", VALIDATION, "--"))
            if (curve := _curve(history, split, name, colour, style)) is not None
        ]
        if curves:
            shown.append(_drawn(figures, curves, name, chosen))
    rates = np.array([row["learning_rate"] for row in history])
    if len(rates) and rates.min() < rates.max():
        epochs = np.array([row["epoch"] for row in history])
        shown.append(_drawn(figures, [Curve(RATE, epochs, rates, INK)], RATE, None))
    return shown


def _drawn(figures: Figures, curves: Sequence[Curve], name: str, chosen: int | None) -> dict[str, str]:
    described = "; ".join(_reported(each) for each in curves)
    kept = "" if chosen is None else f"; the parameters of epoch {chosen} were kept"
    caption = f"{name.capitalize()} by epoch"
    return {
        "svg": figures.curves(curves, name, chosen),
        "label": f"{caption}: {described}{kept}.",
        "caption": caption,
    }


def _curve(history: Sequence[dict[str, Any]], split: str, name: str, colour: str, style: str) -> Curve | None:
    points = [
        (row["epoch"], math.nan if row[split][name] is None else row[split][name])
        for row in history
        if not isinstance(row.get(split, {}).get(name, []), list)
    ]
    if not points:
        return None
    epochs, values = zip(*points, strict=True)
    return Curve(split, np.array(epochs), np.array(values, np.float64), colour, style)


def _reported(curve: Curve) -> str:
    first, last = float(curve.values[0]), float(curve.values[-1])
    start, end = int(curve.epochs[0]), int(curve.epochs[-1])
    return f"{curve.name} from {first:.4g} at epoch {start} to {last:.4g} at epoch {end}"


def _epochs(history: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return some epochs, spread evenly, as a table: what the curves show, for those who cannot see them."""
    names = dict.fromkeys(name for row in history for name in row.get("validation", {}))
    scalar = [
        n for n in names if not any(isinstance(row.get("validation", {}).get(n), list) for row in history)
    ]
    places = sorted(set(np.linspace(0, max(len(history) - 1, 0), CURVE_ROWS).astype(int).tolist()))
    rows = [
        [
            history[n]["epoch"],
            history[n]["train"]["loss"],
            *[history[n].get("validation", {}).get(name) for name in scalar],
        ]
        for n in places
        if n < len(history)
    ]
    return {"heads": ["epoch", "train loss", *[f"validation {name}" for name in scalar]], "rows": rows}


def _scalars(kept: KeptRun) -> list[str]:
    first = next(iter(kept.splits.values()), {})
    return [name for name, value in first.items() if not isinstance(value, list)]


def _predictions(given: Predicted, data: Dataset, figures: Figures) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "output": given.output,
        "split": given.split,
        "kind": given.kind,
        "names": given.names,
        "worst": worst(given, data),
        "matrix": None,
        "confusions": [],
        "figures": [],
        "calibration": None,
    }
    if given.kind == "numbers":
        facts["figures"] = _off(given, figures)
        return facts
    matrix = confusion(given)
    facts["right"] = int(np.trace(matrix)), int(matrix.sum())
    if len(given.names) <= MAXIMUM_CLASSES:
        largest = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        facts["matrix"] = [
            [(int(n), float(share)) for n, share in zip(row, shares, strict=True)]
            for row, shares in zip(matrix, matrix / largest, strict=True)
        ]
    off = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-off, axis=None, kind="stable")[:MAXIMUM_CONFUSIONS]
    pairs = [divmod(int(place), len(matrix)) for place in order]
    facts["confusions"] = [(given.names[a], given.names[b], int(off[a, b])) for a, b in pairs if off[a, b]]
    found = calibration(given)
    if found is not None:
        label = (
            f"How often predictions of the {given.split} split come true, by how sure the model is; "
            f"the expected calibration error is {found.error:.3f}."
        )
        facts["calibration"] = {
            "svg": figures.calibration(found.confidence, found.share, "probability given"),
            "label": label,
            "error": found.error,
            "rows": list(zip(found.confidence.tolist(), found.share.tolist(), found.rows, strict=True)),
        }
    return facts


def _off(given: Predicted, figures: Figures) -> list[dict[str, str]]:
    """Return predictions over targets, and what they are off by, of every output together."""
    places = np.linspace(0, given.targets.size - 1, min(MAXIMUM_DOTS, given.targets.size)).astype(np.intp)
    targets, outputs = given.targets.reshape(-1)[places], given.outputs.reshape(-1)[places]
    off = given.outputs.astype(np.float64) - given.targets
    spread = f"The residuals have mean {off.mean():.4g} and standard deviation {off.std():.4g}."
    return [
        {
            "svg": figures.scatter(targets, outputs),
            "caption": "Predictions over targets",
            "label": f"Predictions over targets of the {given.split} split.",
        },
        {
            "svg": figures.residuals(targets, outputs),
            "caption": f"Residuals over predictions. {spread}",
            "label": f"Residuals over predictions of the {given.split} split. {spread}",
        },
    ]


def _document(run: Path) -> tuple[str, str]:
    for name in DOCUMENTS:
        if (run / name).exists():
            return name, (run / name).read_text(encoding="utf-8-sig", errors="replace")
    return "", ""


def _figure(value: float | None) -> str:
    """Return a number as it is read in a table."""
    if value is None or not math.isfinite(value):
        return "-" if value is None else str(value)
    if isinstance(value, int) or value == 0 or (float(value).is_integer() and abs(value) < 1e6):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _seconds(value: float) -> str:
    if value < 1e-3:
        return f"{value * 1e6:.1f} µs"
    if value < 1:
        return f"{value * 1e3:.1f} ms"
    minutes, rest = divmod(value, 60)
    return f"{int(minutes)} min {rest:.0f} s" if minutes else f"{value:.2f} s"
