"""Columns of dates in a first document: left out, with lines to uncomment that make numbers of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from specnet.data.formats.csv.survey import Survey
from specnet.data.tables.column_survey import ColumnSurvey
from specnet.diagnostics.segments import printable
from specnet.reporting.column_uses import ColumnUse
from specnet.reporting.draft_names import has_settings, key_of, shown


def date_lines(table: Survey, uses: Iterable[ColumnUse]) -> list[str]:
    """Return comments that say how columns of dates would be read, if nothing but their being dates keeps them out."""
    uses = tuple(uses)
    dates = [use.column for use in uses if use.role == "left out" and use.column.date_formats]
    scaled = any(use.role == "input" and use.column.numeric for use in uses)
    lines: list[str] = []
    for column in (column for column in dates if column.unlike > 1 and has_settings(table, column)):
        lines += [*_settings(table, column, scaled=scaled), ""]
    return lines


def _settings(table: Survey, column: ColumnSurvey, *, scaled: bool) -> Iterator[str]:
    yield f"# To use the dates of {printable(shown(table, column))}, take it out of `exclude` and uncomment:"
    yield f"# [data.columns.{key_of(table, column)}]"
    yield '# type = "date"  # its year, month, day, weekday and days since 1970 as numbers'
    first, *others = column.date_formats
    if first is not None:
        yield f"# format = {json.dumps(first)}" + (
            f"  # or {json.dumps(others[0])}: both read it" if others else ""
        )
    if column.missing:
        yield f'# missing = "median"  # {column.missing:,} cells without a date'
    if not scaled:
        yield '# scale = "standardize"'
