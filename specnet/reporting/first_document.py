"""The document of a first model for data that a program passes, with the choices of `specnet init`."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.tables.column_survey import ColumnSurvey
from specnet.data.tables.frames import frame_columns
from specnet.reporting.column_uses import column_use, draft_error
from specnet.reporting.draft_texts import VECTOR, DraftTexts
from specnet.reporting.first_model import FirstModel, task_of
from specnet.reporting.first_network import Document, embedding, hidden_layers, training
from specnet.reporting.surveying import survey_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray


def has_cells(frame: Any) -> bool:
    """Return whether a frame has columns of anything but numbers, such as names and texts."""
    return any(kind not in ("number", "boolean", None) for kind in frame_columns(frame).kinds.values())


def array_document(rows: int, width: int, classes: int | None, targets: NDArray[Any]) -> Document:
    """Return the document of a first model for rows of arrays; `classes` is their number, None for numbers."""
    first = FirstModel(rows, width, width, task_of(classes))
    data: Document = {"type": "arrays", "transforms": [{"type": "standardize"}]}
    return _document(first, data, [embedding()] if first.embedded else [], classes, targets)


def frame_document(frame: Any, classes: int | None, targets: NDArray[Any]) -> Document:
    """Return the document of a first model for a frame, whose columns of text are read word by word.

    Columns that say nothing about new rows are left out, as by `specnet init`. Raises SpecError where none is left.
    """
    table = survey_frame(frame)
    names = _target_names([column.name for column in table.columns], targets)
    aim = ColumnSurvey.of(
        len(table.columns), names[0], list(map(str, targets.reshape(len(targets), -1)[:, 0]))
    )
    # Without classes, no column is left out for being the target in other words: the program has chosen its columns.
    uses = [column_use(table, column, aim, None) for column in table.columns]
    facts = [use.column for use in uses if use.role == "input" and not use.text]
    texts = DraftTexts(table, [use.column for use in uses if use.text], facts)
    if not facts and not texts:
        reasons = "; ".join(f"`{use.column.name}`: {use.why}" for use in uses)
        raise draft_error(table, "SN509", f"no column of `{table.path}` is left to predict from: {reasons}")
    width = sum(1 if c.numeric else c.unlike for c in facts) + VECTOR * len(texts.texts)
    first = FirstModel(table.rows, width, sum(c.numeric for c in facts), task_of(classes))
    written = tomllib.loads(
        "\n".join([*texts.settings(), *texts.inputs(), *texts.layers(embedded=first.embedded)])
    )
    data: Document = {
        "type": "frame",
        "target": names if len(names) > 1 else names[0],
        "exclude": [use.column.name for use in uses if use.role != "input"],
        "categories": [c.name for c in facts if c.mixed],
        "scale": "standardize",
        "unknown": "zeros",
        "columns": written.get("data", {}).get("columns", {}),
    }
    if any(c.missing for c in facts):
        data["missing"] = "mean"
    before = written.get("layers", [])
    if first.embedded and not texts:
        before = [embedding()]
    document = _document(first, data, before, classes, targets)
    return document | ({"inputs": written["inputs"]} if "inputs" in written else {})


def _document(
    first: FirstModel, data: Document, before: list[Document], classes: int | None, targets: NDArray[Any]
) -> Document:
    """Return a document with a network behind some layers."""
    layers = [*before, *hidden_layers(first, classes or np.shape(targets)[1])]
    if classes is None:
        data = {**data, "transforms": [*data.get("transforms", []), {"type": "standardize", "on": "targets"}]}
    if first.share is not None:
        enough = classes is not None and np.bincount(targets).min() >= 5
        data = {**data, "split": {"validation": first.share, **({"stratify": True} if enough else {})}}
    loss = "mse" if classes is None else "cross_entropy"
    # Arrays come in float64, and predictions of the same rows agree in it whichever others are predicted with them.
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": data,
        "layers": layers,
        "loss": loss,
        "training": training(first),
    }


def _target_names(taken: list[str], targets: NDArray[Any]) -> list[str]:
    """Return names for the columns of the targets that no other column has."""
    count = 1 if targets.ndim == 1 else targets.shape[1]
    start = "target"
    while any(name.startswith(start) for name in taken):
        start = f"_{start}"
    return [start] if count == 1 else [f"{start}_{number}" for number in range(1, count + 1)]
