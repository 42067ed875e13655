"""Which columns of a table a document, or a training file, means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, counted, listed

if TYPE_CHECKING:
    from specnet.data.collector import Collector
    from specnet.data.tables.column_settings import ColumnSettings
    from specnet.data.tables.table import DataTable
    from specnet.diagnostics import KeyPath, Part

ColumnRef = str | int


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns of a file are used, and as what; all by position, from 0."""

    names: tuple[str, ...]
    """Every column's name; its position as text where the file has no names."""
    features: tuple[int, ...]
    targets: tuple[int, ...]
    weights: tuple[int, ...] = ()
    """The column of sample weights, if there is one."""
    categories: frozenset[int] = frozenset()
    """Columns whose cells are names even where they look like numbers."""
    settings: Mapping[int, ColumnSettings] = field(default_factory=dict)
    """What the document says of single columns."""
    keys: Mapping[int, str] = field(default_factory=dict)
    """How it names them there."""
    split: Mapping[str, int] = field(default_factory=dict)
    """The columns by which rows are split, by the key of `[data.split]` that names them."""

    @property
    def used(self) -> tuple[int, ...]:
        """All columns that are read."""
        return (*self.features, *self.targets, *self.weights)

    @property
    def held(self) -> tuple[int, ...]:
        """The columns that are held also where rows stay in their file: one number per row each."""
        return (*self.targets, *self.weights)


class Resolver:
    """Finds the columns that a document names among those of a table."""

    def __init__(self, table: DataTable) -> None:
        self.table, self.place, self.names = table, table.place, table.names
        self.collector = table.place.context.collector

    def check_header(self) -> None:
        """Raise SpecError for a first line that looks like data rather than names."""
        numbers = self.table.parser.numbers
        odd = [name for name in self.names if numbers.value(name) is not None]
        if odd:
            message = f"the first line of `{self.place.name}` looks like data, not like names of columns"
            message += f": it holds {listed(odd, 3)}" if self.place.quotable else ""
            help = (
                "write `header = false` if it is data, and name columns by index, from 0; "
                "write `header = true` if these are names"
            )
            raise self.place.error("SN507", message, help=help)

    def one(self, ref: ColumnRef, key: KeyPath, part: Part = "value", *, of_training: bool = False) -> int:
        """Return the position of the column that a document means; raises SpecError where it means none.

        `of_training` says that the name is not the document's but that of a column of the training file.
        """
        width = len(self.names)
        if isinstance(ref, int):
            if -width <= ref < width:
                return ref % width
            message = f"there is no column {ref}: `{self.place.name}` has {counted(width, 'column')}"
            help = self._delimiter() or f"they go from 0 to {width - 1}"
            raise self.collector.error("SN509", message, *key, help=help)
        if not self.table.header:
            message = f"there is no column `{ref}`: without a header, columns have no names"
            help = "give the column's index, from 0, or write `header = true`"
            raise self.collector.error("SN509", message, *key, help=help)
        places = [i for i, name in enumerate(self.names) if name == ref]
        if len(places) == 1:
            return places[0]
        if places:
            message = f"`{self.place.name}` has {len(places)} columns {self._called(ref, of_training)}"
            which = None if part == "key" else f"give an index: {' or '.join(map(str, places))}"
            raise self.collector.error("SN508", message, *key, part=part, help=which)
        near = closest(ref, self.names) if self.place.quotable else None
        there = f"did you mean `{clipped(near)}`?" if near else self.place.known("it has", self.names)
        hidden = of_training and not self.place.quotable
        what = "that the training file has" if hidden else f"`{clipped(ref)}`"
        message = f"`{self.place.name}` has no column {what}"
        raise self.collector.error("SN509", message, *key, part=part, help=self._delimiter() or there)

    def all(self, names: Sequence[str]) -> tuple[int, ...]:
        """Return the positions of columns of the training file; raises SpecError with all that are lacking."""
        places = []
        with self.collector.together() as faults:
            for name in names:
                with faults.catch():
                    places.append(self.one(name, self.place.key, of_training=True))
        return tuple(places)

    def many(self, refs: Sequence[ColumnRef], key: KeyPath, faults: Collector) -> list[int]:
        """Return the positions of several columns, each named once; add what is wrong to `faults`."""
        places: list[int] = []
        for i, ref in enumerate(refs):
            with faults.catch():
                place = self.one(ref, (*key, i))
                if place in places:
                    raise faults.error("SN510", f"column `{ref}` is named twice", *key, i)
                places.append(place)
        return places

    def settings(
        self, columns: Mapping[str, ColumnSettings], faults: Collector
    ) -> dict[int, tuple[str, ColumnSettings]]:
        """Return what a document says of single columns, with its names for them, by their positions."""
        named = {}
        for key, column in columns.items():
            with faults.catch():
                named[self._named(key)] = key, column
        return named

    def _named(self, key: str) -> int:
        """Return the position of the column that has settings of its own."""
        path, width = ("columns", key), len(self.names)
        if self.table.header:
            return self.one(key, path, part="key")
        if key.isdecimal() and int(key) < width:
            return int(key)
        message = (
            f"there is no column `{key}`: `{self.place.name}` has no header, and {counted(width, 'column')}"
        )
        help = f"name a column by its index, from `0` to `{width - 1}`, or write `header = true`"
        raise self.collector.error("SN509", message, *path, part="key", help=help)

    def check_names(self, used: Sequence[int], faults: Collector) -> None:
        """Add to `faults` the used columns that have no name, or share one."""
        if not self.table.header:
            return
        for i in used:
            if not self.names[i]:
                message = f"column {i} (from 0) of `{self.place.name}` has no name"
                help = f"leave it out with `exclude = [{i}]`, or list the `features` by index"
                faults.add("SN508", message, *self.place.key, help=help)
        for name, count in Counter(self.names[i] for i in used).items():
            if name and count > 1:
                message = f"`{self.place.name}` has {count} columns {self._called(name, True)}"
                places = [i for i in used if self.names[i] == name]
                help = f"leave out all but one with `exclude = {places[1:]}`"
                faults.add("SN508", message, *self.place.key, help=help)

    def _called(self, name: str, of_training: bool) -> str:
        """Return which name a sentence speaks of, without it where it may not be quoted."""
        return "of one name" if of_training and not self.place.quotable else f"called `{clipped(name)}`"

    def _delimiter(self) -> str | None:
        first = self.table.first
        if len(first) > 1:
            return None
        found = next((sign for sign in (";", "\t", "|", ",") if sign in first[0]), None)
        if found is None or found == self.table.delimiter:
            return self.table.dialect_help()
        shown = "\\t" if found == "\t" else found
        return f'its first line is one cell that holds `{shown}`: write `delimiter = "{shown}"`'
