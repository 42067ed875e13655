"""How a first document names the columns of a table."""

from __future__ import annotations

import json
import re

from specnet.data.formats.csv.survey import Survey
from specnet.data.tables.column_survey import ColumnSurvey
from specnet.diagnostics.segments import escaped

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A key that TOML takes without quotes."""


def has_settings(table: Survey, column: ColumnSurvey) -> bool:
    """Return whether a document can name a column under `columns`: not where others have its name."""
    names = [c.name for c in table.columns]
    return not table.header or (bool(column.name) and names.count(column.name) == 1)


def key_of(table: Survey, column: ColumnSurvey) -> str:
    """Return a column as a key under `columns`."""
    name = column.name if table.header else str(column.place)
    return name if BARE.fullmatch(name) else quoted(name)


def reference(table: Survey, column: ColumnSurvey) -> str:
    """Return a column as a value: its name, or its index where it has no name of its own."""
    return quoted(column.name) if table.header and has_settings(table, column) else str(column.place)


def shown(table: Survey, column: ColumnSurvey) -> str:
    """Return a column as a message names it."""
    return column.name if table.header else f"column {column.place}"


def quoted(text: str) -> str:
    """Return a string as TOML writes it, with nothing in it that a terminal would act on."""
    return escaped(json.dumps(text, ensure_ascii=False))
