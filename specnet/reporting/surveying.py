"""What a table in a file of any kind holds, for a first document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from specnet.data.collector import Collector
from specnet.data.files import DataContext, FilePlace
from specnet.data.formats import FORMATS, SUFFIXES
from specnet.data.formats.csv.dialect import Dialect
from specnet.data.formats.csv.survey import Survey, survey
from specnet.data.tables.cells import TypedCellParser, absent, spelled
from specnet.data.tables.column_survey import column_surveys
from specnet.data.tables.frames import FrameTable
from specnet.data.tables.numbers import PLAIN
from specnet.data.tables.rules import DATE_KINDS
from specnet.data.tables.settings import MARKERS

if TYPE_CHECKING:
    from specnet.data.tables.table import DataTable
    from specnet.data.tables.tabular import Tabular


def survey_file(path: Path, encoding: str | None = None) -> Survey:
    """Return what a CSV or Parquet file holds, by its suffix; raise SpecError where it is not a table.

    `encoding` is that of a CSV file, which is found out where it is not given.
    """
    kind = SUFFIXES.get(path.suffix.lower(), "csv")
    if kind == "csv":
        return survey(path, encoding)
    return _typed(path, kind)


def survey_frame(frame: Any) -> Survey:
    """Return what a pandas or Polars frame holds; raise SpecError where it has no rows."""
    place = FilePlace(Path(), "the frame", (), DataContext(Path(), Collector(())))
    table = FrameTable(place, TypedCellParser(frozenset(MARKERS), {}), frame)
    return _of_table(table, Path("the frame"), "frame")


def _typed(path: Path, kind: str) -> Survey:
    place = FilePlace(path, str(path), (), DataContext(Path(), Collector(())))
    table = cast("type[Tabular]", FORMATS.kinds[kind]).model_construct().table(place)
    return _of_table(table, path, kind)


def _of_table(table: DataTable, path: Path, kind: str) -> Survey:
    columns: list[list[str]] = [[] for _ in table.names]
    for chunk in table.chunks():
        for column, cells in zip(columns, chunk.columns, strict=True):
            column.extend(map(_cell, cells))
    rows = len(columns[0]) if columns else 0
    if not rows:
        raise table.place.error("SN506", f"`{path}` has no rows of data")
    text = [i for i, name in enumerate(table.names) if table.kinds.get(name) == "text"]
    surveys = (
        replace(column, other=_other(table, column.name))
        for column in column_surveys(table.names, columns, text=text)
    )
    return Survey(path, Dialect(), PLAIN, True, rows, tuple(surveys), kind)


def _other(table: DataTable, name: str) -> str | None:
    kind = table.kinds.get(name)
    return None if kind in ("number", "text", "boolean", None) or kind.startswith(DATE_KINDS) else kind


def _cell(value: Any) -> str:
    """Return a cell as a CSV file would have it."""
    if absent(value):
        return ""
    return value.strip() if isinstance(value, str) else spelled(value)
