"""Frames of pandas and Polars as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from specnet.data.tables.cells import absent
from specnet.data.tables.table import Chunk, DataTable

if TYPE_CHECKING:
    from specnet.data.files import FilePlace
    from specnet.data.tables.cells import CellParser

ABSENT_TYPES = ("NoneType", "NAType", "NaTType")
"""What missing values are called in Python, in pandas, and among its dates."""


class FrameColumns(NamedTuple):
    """The columns of a frame as Python's values."""

    names: tuple[str, ...]
    kinds: dict[str, str | None]
    """What each column holds: see `DataTable.kinds`."""
    columns: list[list[Any]]


class FrameTable(DataTable):
    """A pandas or Polars frame as a table: its columns have names and types."""

    def __init__(self, place: FilePlace, parser: CellParser, frame: Any) -> None:
        self.frame = frame_columns(frame)
        super().__init__(place, parser, [name.strip() for name in self.frame.names])

    @property
    def kinds(self) -> Mapping[str, str | None]:
        """What columns hold by their types."""
        return self.frame.kinds

    def read(self, records: int) -> Iterator[Chunk]:
        """Yield the rows: all at once, since they are in memory already."""
        columns = self.frame.columns
        if columns and columns[0]:
            yield Chunk(columns, range(1, len(columns[0]) + 1))


def frame_columns(frame: Any) -> FrameColumns:
    """Return the columns of a frame. Of a name that several columns have, all are there."""
    names = tuple(map(str, frame.columns))
    columns: list[list[Any]] = []
    kinds: dict[str, str | None] = {}
    for label, name in zip(frame.columns, names, strict=True):
        if names.count(name) > 1:
            columns.append([None] * len(frame))
            continue
        values, kinds[name] = plain(frame[label].to_list())
        columns.append(values)
    return FrameColumns(names, kinds, columns)


def plain(values: list[Any]) -> tuple[list[Any], str | None]:
    """Return a column's values, missing ones as None, and what they are: see `DataTable.kinds`."""
    types = set(map(type, values))
    if any(kind.__name__ in ABSENT_TYPES for kind in types) or len(types) > 1:
        values = [None if _absent(value) else value for value in values]
        types = set(map(type, values)) - {type(None)}
    names = {_name(kind) for kind in types}
    if len(names) == 1:
        return values, names.pop()
    odd = sorted(names - {"number", "text", "boolean"})
    return values, odd[0] if odd else None


def _absent(value: Any) -> bool:
    return type(value).__name__ in ABSENT_TYPES or absent(value)


def _name(kind: type) -> str:
    if issubclass(kind, str):
        return "text"
    if kind.__name__ in ("bool", "bool_"):
        return "boolean"
    if issubclass(kind, int | float | Decimal) or (kind.__module__ == "numpy" and hasattr(kind, "__float__")):
        return "number"
    return kind.__name__


def is_frame(rows: Any) -> bool:
    """Return whether something is a frame: columns with names, each of which can be made a list."""
    return hasattr(rows, "columns") and hasattr(rows, "__getitem__") and hasattr(rows, "dtypes")
