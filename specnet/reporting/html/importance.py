"""The importance of columns in a report."""

from __future__ import annotations

from typing import Any

from specnet.analysis.input_columns import UnexplainedError
from specnet.analysis.permutation import ImportanceSettings
from specnet.data import Dataset
from specnet.diagnostics import SpecError
from specnet.model.compiled import CompiledModel
from specnet.reporting.drawings.importance import dependence_drawing, importance_drawing
from specnet.reporting.html.embedded import PagePictures
from specnet.runs.importance import MeasuredRows, MeasuredRun, column_count

ROWS = 2000
"""Rows that importance is measured on in a report, which `evaluate --importance` measures with more."""

MAXIMUM_COLUMNS = 100
"""Columns up to which a report measures their importance: it takes a pass over the rows for each."""

CURVES = 6
"""Columns whose partial dependence is drawn, the most important ones."""


def explained_columns(model: CompiledModel) -> int:
    """Return how many columns the inputs of a model have, whose importance needs the raw rows; 0 of images."""
    try:
        return column_count(model)
    except UnexplainedError:
        return 0


def importance_facts(model: CompiledModel, data: Dataset, pictures: PagePictures) -> dict[str, Any] | None:
    """Return the importance of columns as a page shows it, or `why` it is left out; None where there are no columns."""
    count = explained_columns(model)
    if not count:
        return None
    if count > MAXIMUM_COLUMNS:
        command = "specnet evaluate RUN --importance measures it"
        return {"why": f"{count:,} columns take too long for a report: {command}."}
    rows = MeasuredRun(MeasuredRows(model, data.splits, data.raw))
    try:
        found = rows.importance(ImportanceSettings(maximum_rows=ROWS, dependences=CURVES))
    except SpecError as error:
        # Transforms of whole rows may not take a row with a value of another.
        return {"why": "; ".join(diagnostic.message for diagnostic in error.diagnostics)}
    curves = [
        pictures.embedded(dependence_drawing(each, each.dependence))
        for each in found.columns
        if each.dependence is not None
    ]
    return {
        "why": None,
        "found": found,
        "bars": pictures.embedded(importance_drawing(found)),
        "curves": curves,
    }
