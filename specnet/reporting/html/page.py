from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from specnet.analysis.curves import place_of, unit_of
from specnet.data import Dataset
from specnet.data.opening import open_regular
from specnet.diagnostics import RunError
from specnet.diagnostics.text import sized
from specnet.model.compiled import CompiledModel
from specnet.reporting.certainty import certainty
from specnet.reporting.drawing import Drawing, InapplicableError
from specnet.reporting.drawings.activations import activations_drawing
from specnet.reporting.drawings.boundary import boundary_drawing
from specnet.reporting.drawings.covering import covering_drawing, coverings
from specnet.reporting.drawings.curves import History, curves_drawing, figure_labels
from specnet.reporting.drawings.forecasts import forecast_drawing, forecasts_of
from specnet.reporting.drawings.judging import calibration_drawing, residuals_drawing, scatter_drawing
from specnet.reporting.drawings.reconstructions import reconstructions_drawing
from specnet.reporting.drawings.weights import filters_drawing
from specnet.reporting.html.embedded import PagePictures
from specnet.reporting.html.folds import fold_facts, out_of_fold
from specnet.reporting.html.importance import explained_columns, importance_facts
from specnet.reporting.html.language import attention_maps, samples_of, worst_sequences
from specnet.reporting.html.layers import network_facts
from specnet.reporting.html.parameters import parameter_facts
from specnet.reporting.html.rendering import rendered
from specnet.reporting.html.repeating import repeating
from specnet.reporting.html.worst import worst
from specnet.reporting.outcome import outcome
from specnet.reporting.predictions import Predicted, calibration, confusion, confusions, predicted
from specnet.runs.directory import DOCUMENTS, REPORT
from specnet.runs.evaluating import located_data
from specnet.runs.extras import needed
from specnet.runs.kept import KeptRun, read_run
from specnet.runs.loading import load_model
from specnet.storage.files import write_bytes
from specnet.storage.resolved import UnimportedPluginsError

MAXIMUM_CLASSES = 20
"""Classes of a confusion matrix that is shown whole; of a larger one, the most frequent confusions are."""

MAXIMUM_CONFUSIONS = 15

CURVE_ROWS = 12
"""Epochs in the table beside the curves."""


def write_report(run: Path, path: Path | None = None) -> Path:
    """Write one page about a run, and return where it is: `report.html` in the run's directory.

    The page is one file that needs no network. Where the run's data are missing or have changed, or where it
    has no model, the page says so in the place of what needs them. Raises RunError where there is no run,
    where the extra is not installed, where the run's plugins are not imported, or where the file cannot be written.
    """
    needed("jinja2", "report", "a report")
    facts = _facts(read_run(run), PagePictures())
    filters = {"figure": _figure, "seconds": _seconds, "bytes": sized}
    text = rendered("specnet.reporting.html", filters, facts)
    target = run / REPORT if path is None else path
    write_bytes(target, text.encode())
    return target


def _facts(kept: KeptRun, pictures: PagePictures) -> dict[str, Any]:
    """Return all that the page's template names."""
    missing: list[str] = []
    model: CompiledModel | None = None
    data, base = None, Path()
    if not kept.fold_count:
        model = _model(kept, missing)
    if model is not None:
        data, base = _data(kept, model, missing)
    spec, history = kept.made_of["spec"], kept.history()
    best = place_of(history, (kept.result or {}).get("best_epoch"))
    facts: dict[str, Any] = {
        "run": kept,
        "result": kept.result or {},
        "made_of": kept.made_of,
        "spec": spec,
        "missing": missing,
        "outcome": outcome(kept),
        "curves": [
            pictures.embedded(curves_drawing(kept, history, label)) for label in figure_labels(history)
        ],
        "epochs": _epochs(history),
        "unit": unit_of(history),
        "kept": "" if best is None else "{} {}".format(*best),
        "scalars": _scalars(kept),
        "document": _document(kept.path),
        "resolved": json.dumps(spec, indent=2, ensure_ascii=False),
        "repeating": repeating(kept),
        "outputs": [],
        "samples": None,
        "attention": [],
        "boundary": None,
        "activations": None,
        "importance": None,
        "filters": None,
        "parameters": None,
        "network": None,
        "rows": {},
        "folds": [],
        "std": kept.std,
        "by_target": kept.by_target,
        "certainty": certainty((kept.result or {}).get("uncertainty", {})),
        "uncalibrated": (kept.result or {}).get("uncalibrated", {}),
    }
    if kept.fold_count:
        facts |= fold_facts(kept, missing)
        facts["outputs"] = [predictions_facts(given, None, pictures) for given in out_of_fold(kept, missing)]
    if model is not None:
        filters = filters_drawing(model)
        facts["filters"] = None if filters is None else pictures.embedded(filters)
    if model is not None and data is not None:
        split = next(name for name in ("test", "validation", "train") if name in data.splits)
        with np.errstate(all="ignore"):
            if model.network.spec.loss.targets != "groups":
                facts["outputs"] = _outputs(model, data, base, split, pictures)
            facts["importance"] = importance_facts(model, data, pictures)
            facts["boundary"] = _if_any(lambda: boundary_drawing(model, data, "train"), pictures)
            facts["activations"] = _if_any(lambda: activations_drawing(model, data, split), pictures)
            facts["parameters"] = parameter_facts(model, data)
            facts["network"] = network_facts(model, data)
            facts["samples"] = samples_of(model, data.splits[split])
            facts["attention"] = attention_maps(model, data.splits[split])
        facts["rows"] = {name: len(part) for name, part in data.splits.items()}
    return facts


def _model(kept: KeptRun, missing: list[str]) -> CompiledModel | None:
    try:
        return load_model(kept.path)
    except UnimportedPluginsError:
        raise  # a flag helps, and then nothing is left out
    except RunError as error:
        missing.append(f"What needs the trained model is left out: {error}.")
        return None


def _data(kept: KeptRun, model: CompiledModel, missing: list[str]) -> tuple[Dataset | None, Path]:
    """Return the data of a run, if they can still be read, and the folder that their paths start from."""
    try:
        return located_data(kept.path, model.network, raw=explained_columns(model) > 0)
    except RunError as error:
        missing.append(f"Predictions, gradients and times are left out: {error}.")
        return None, Path()


def _if_any(make: Callable[[], Drawing], pictures: PagePictures) -> dict[str, object] | None:
    """Return a picture where there is such a thing to draw, and None elsewhere."""
    try:
        return pictures.embedded(make())
    except InapplicableError:
        return None


def _epochs(history: History) -> dict[str, Any]:
    """Return some epochs (or steps), spread evenly, as a table: what the curves show, for those who cannot see them."""
    unit = unit_of(history)
    names = dict.fromkeys(name for row in history for name in row.get("validation", {}))
    scalar = [
        n for n in names if not any(isinstance(row.get("validation", {}).get(n), list) for row in history)
    ]
    places = sorted(set(np.linspace(0, max(len(history) - 1, 0), CURVE_ROWS).astype(int).tolist()))
    rows = [
        [
            history[n][unit],
            history[n]["train"]["loss"],
            *[history[n].get("validation", {}).get(name) for name in scalar],
        ]
        for n in places
        if n < len(history)
    ]
    return {"heads": [unit, "train loss", *[f"validation {name}" for name in scalar]], "rows": rows}


def _scalars(kept: KeptRun) -> list[str]:
    first = next(iter(kept.splits.values()), {})
    return [name for name, value in first.items() if not isinstance(value, list)]


def _outputs(
    model: CompiledModel, data: Dataset, base: Path, split: str, pictures: PagePictures
) -> list[dict[str, Any]]:
    """Return what the page shows of the predictions for a split."""
    made = predicted(model, data, split)
    before: list[Predicted | None] = [None] * len(made)
    if model.calibrators:
        raw = predicted(model, data, split, calibrated=False)
        before = [each if each.output in model.calibrators else None for each in raw]
    found = coverings(model, data, made)
    return [
        {
            **predictions_facts(given, data, pictures, earlier),
            "sequences": worst_sequences(model, given, data),
            "forecasts": _forecasts(model, base, given, pictures),
            "covering": pictures.embedded(covering_drawing(found[given.output]))
            if given.output in found
            else None,
        }
        for given, earlier in zip(made, before, strict=True)
    ]


def _forecasts(
    model: CompiledModel, base: Path, given: Predicted, pictures: PagePictures
) -> dict[str, Any] | None:
    """Return pictures of forecasts, and the windows with the highest loss; None for a model of anything else."""
    found = forecasts_of(model, base, given)
    if found is None:
        return None
    shown = [pictures.embedded(forecast_drawing(each)) for each in found.shown]
    return {"shown": shown, "worst": found.worst}


def predictions_facts(
    given: Predicted, data: Dataset | None, pictures: PagePictures, before: Predicted | None = None
) -> dict[str, Any]:
    """Return what the page shows of an output's predictions; without data, those of all folds.

    `before` are the same predictions without the calibration of the model, if it has one.
    """
    facts: dict[str, Any] = {
        "output": given.output,
        "rows": "all folds" if data is None else f"the {given.split} split",
        "kind": given.kind,
        "unit": "rows" if given.places == 1 else "classes",
        "names": given.names,
        "worst": None if data is None else worst(given, data),
        "sequences": None,
        "forecasts": None,
        "matrix": None,
        "confusions": [],
        "figures": [],
        "calibration": None,
        "reconstructions": None,
        "covering": None,
    }
    if given.of_inputs and data is not None:
        drawing = reconstructions_drawing([given], data.encoding)
        facts["reconstructions"] = pictures.embedded(drawing)
    if given.kind == "numbers":
        facts["figures"] = [pictures.embedded(each(given)) for each in (scatter_drawing, residuals_drawing)]
        return facts
    true, read, counts = confusions(given)
    facts["right"] = int(counts[true == read].sum()), int(counts.sum())
    if len(given.names) <= MAXIMUM_CLASSES:
        matrix = confusion(given)
        largest = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        facts["matrix"] = [
            [(int(n), float(share)) for n, share in zip(row, shares, strict=True)]
            for row, shares in zip(matrix, matrix / largest, strict=True)
        ]
    off = np.flatnonzero(true != read)
    most = off[np.argsort(-counts[off], kind="stable")[:MAXIMUM_CONFUSIONS]]
    facts["confusions"] = [(given.names[true[i]], given.names[read[i]], int(counts[i])) for i in most]
    found = calibration(given)
    if found is not None:
        earlier = None if before is None else calibration(before)
        facts["calibration"] = {
            **pictures.embedded(calibration_drawing(given, found, earlier)),
            "error": found.error,
            "before": None if earlier is None else earlier.error,
            "rows": list(zip(found.confidence.tolist(), found.share.tolist(), found.rows, strict=True)),
        }
    return facts


def _document(run: Path) -> tuple[str, str]:
    for name in DOCUMENTS:
        if (run / name).exists():
            with open_regular(run / name) as file:
                return name, file.read().decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
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
