from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from math import isnan
from typing import TYPE_CHECKING, Any

from specnet.data.tables.dialect import Dialect, spelled

if TYPE_CHECKING:
    from specnet.data.files import FilePlace
    from specnet.data.formats.table import Tabular

ABSENT_TYPES = ("NoneType", "NAType", "NaTType")
"""What missing values are called in Python, in pandas, and among its dates."""

Batches = Callable[[], Iterator[Sequence[Sequence[Any]]]]
"""Opens a table: gives its columns, batch by batch."""


@dataclass(frozen=True, slots=True)
class TypedTable:
    """A table whose columns have names and types: of a Parquet file, or a frame in memory."""

    names: tuple[str, ...]
    kinds: dict[str, str | None]
    """What each column holds: `number`, `text`, `boolean`, None where its cells decide, or what it is called that
    is none of these."""
    batches: Batches


@dataclass(frozen=True, slots=True)
class TypedDialect(Dialect):
    """How the cells of a table with types are to be understood: each as what it is.

    Of what a file of text needs, its columns have names, and nothing else matters.
    """

    open: Callable[[FilePlace], TypedTable | None] = lambda _: None
    """Returns the table; None where a fault was noted."""

    @property
    def typed(self) -> bool:
        """Whether cells are Python's values, and not texts."""
        return True

    @property
    def word(self) -> str:
        """What a row is called in messages, by its place from 1."""
        return "row"

    def kinds(self, place: FilePlace) -> Mapping[str, str | None]:
        """Return what columns hold by their types."""
        table = self.open(place)
        return {} if table is None else table.kinds

    @contextmanager
    def records(self, place: FilePlace) -> Iterator[TypedLines]:  # type: ignore[override]
        """Open the table as records of cells, the first of them the names."""
        table = self.open(place)
        yield TypedLines(table)

    def read(self, cell: Any) -> float | str | None:
        """Return what a cell says: a number, a string, or None for a missing value."""
        if isinstance(cell, str):
            return Dialect.read(self, cell)
        if cell is None or (isinstance(cell, float) and isnan(cell)):
            return None
        text = spelled(cell)
        if text in self.special:
            return Dialect.read(self, text)
        return float(cell)

    def text(self, cell: Any) -> str | None:
        """Return what a cell of a column of text says, or None for a missing value."""
        if cell is None or (isinstance(cell, float) and isnan(cell)):
            return None
        return Dialect.text(self, cell if isinstance(cell, str) else spelled(cell))


class TypedLines:
    """The records of a table with types, and where each stands: 0 for the names, rows from 1."""

    def __init__(self, table: TypedTable | None) -> None:
        self.table = table

    def __iter__(self) -> Iterator[Any]:
        if self.table is None:
            return
        yield list(self.table.names)
        for columns in self.table.batches():
            yield from zip(*columns, strict=True)

    def numbered(self) -> Iterator[tuple[int, Any]]:
        """Yield each record with its place."""
        return enumerate(iter(self))


def plain(values: list[Any]) -> tuple[list[Any], str | None]:
    """Return a column's values, missing ones as None, and what they are: see `TypedTable.kinds`."""
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
    return type(value).__name__ in ABSENT_TYPES or (isinstance(value, float) and isnan(value))


def _name(kind: type) -> str:
    if issubclass(kind, str):
        return "text"
    if kind.__name__ in ("bool", "bool_"):
        return "boolean"
    if issubclass(kind, int | float | Decimal) or (kind.__module__ == "numpy" and hasattr(kind, "__float__")):
        return "number"
    return kind.__name__


def frame_dialect(data_format: Tabular, frame: Any) -> TypedDialect:
    """Return how a pandas or Polars frame is read: column by column, under its own names."""
    table = frame_table(frame)
    return typed_dialect(data_format, lambda _: table)


def typed_dialect(data_format: Tabular, open_: Callable[[FilePlace], TypedTable | None]) -> TypedDialect:
    """Return how the cells of a table with types are understood under a document's table."""
    return TypedDialect(",", "", True, frozenset(data_format.missing_markers), data_format.replace, open_)


def frame_table(frame: Any) -> TypedTable:
    """Return a frame as a table. Of a name that several columns have, all are there."""
    names = tuple(map(str, frame.columns))
    columns: list[list[Any]] = []
    kinds: dict[str, str | None] = {}
    for label, name in zip(frame.columns, names, strict=True):
        if names.count(name) > 1:
            columns.append([None] * len(frame))
            continue
        values, kinds[name] = plain(frame[label].to_list())
        columns.append(values)
    return TypedTable(names, kinds, lambda: iter([columns] if columns and len(frame) else []))


def is_frame(rows: Any) -> bool:
    """Return whether something is a frame: columns with names, each of which can be made a list."""
    return hasattr(rows, "columns") and hasattr(rows, "__getitem__") and hasattr(rows, "dtypes")


def frames_of(data: Any) -> dict[str, Any]:
    """Return frames by split: of one frame, or of a mapping of them. Raises TypeError for anything else."""
    frames = dict(data) if isinstance(data, Mapping) else {"train": data}
    strange = sorted(set(map(str, frames)) - {"train", "validation", "test"})
    if strange or "train" not in frames or not all(map(is_frame, frames.values())):
        raise TypeError(
            "data are a frame of pandas or Polars, or a mapping of such from `train`, `validation` and `test`"
        )
    return frames
