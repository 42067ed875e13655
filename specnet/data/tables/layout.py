from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from specnet.data.files import FilePlace
from specnet.data.tables.dialect import Dialect, number
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, counted, listed

if TYPE_CHECKING:
    from specnet.data.collector import Collector
    from specnet.data.formats.table import ColumnSettings
    from specnet.diagnostics import KeyPath, Part

ColumnRef = str | int


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns of a file are used, and as what; all by place, from 0."""

    names: tuple[str, ...]
    """Every column's name; its place as text where the file has no names."""
    features: tuple[int, ...]
    targets: tuple[int, ...]
    categories: frozenset[int]
    """Columns whose cells are names even where they look like numbers."""
    settings: Mapping[int, ColumnSettings] = field(default_factory=dict)
    """What the document says of single columns."""
    keys: Mapping[int, str] = field(default_factory=dict)
    """How it names them there."""

    @property
    def used(self) -> tuple[int, ...]:
        """All columns that are read."""
        return (*self.features, *self.targets)


def first_record(place: FilePlace, dialect: Dialect) -> list[str] | None:
    """Return the first record of a file, its cells stripped, or note why there is none."""
    record: list[str] | None = None
    before = len(place.context.collector.found)
    with dialect.records(place) as lines:
        record = next(iter(lines), None)
    if record is not None:
        return [str(cell).strip() for cell in record]
    if len(place.context.collector.found) == before:
        place.context.collector.add("SN506", f"`{place.name}` is empty", *place.key)
    return None


class Resolver:
    """Finds the columns that a document names in the first record of a file."""

    def __init__(
        self, first: Sequence[str], place: FilePlace, dialect: Dialect, collector: Collector
    ) -> None:
        self.place = place
        self.header = dialect.header
        self.delimiter = dialect.delimiter
        self.first = first
        self.names = tuple(first) if dialect.header else tuple(map(str, range(len(first))))
        self.collector = collector

    def suspect(self) -> bool:
        """Note a first line that looks like data rather than names."""
        odd = [name for name in self.names if number(name) is not None]
        if not odd:
            return False
        self.collector.add(
            "SN507",
            f"the first line of `{self.place.name}` looks like data, not like names of columns"
            + (f": it holds {listed(odd, 3)}" if self.place.quotable else ""),
            *self.place.key,
            help="write `header = false` if it is data, and name columns by index, from 0; "
            "write `header = true` if these are names",
        )
        return True

    def one(
        self, ref: ColumnRef, key: KeyPath, part: Part = "value", *, of_training: bool = False
    ) -> int | None:
        """Return the place of the column that a document means, or note why it means none.

        `of_training` says that the name is not the document's but that of a column of the training file.
        """
        width = len(self.names)
        if isinstance(ref, int):
            if -width <= ref < width:
                return ref % width
            message = f"there is no column {ref}: `{self.place.name}` has {counted(width, 'column')}"
            self.collector.add(
                "SN509", message, *key, help=self._delimiter() or f"they go from 0 to {width - 1}"
            )
            return None
        if not self.header:
            message = f"there is no column `{ref}`: without a header, columns have no names"
            self.collector.add(
                "SN509", message, *key, help="give the column's index, from 0, or write `header = true`"
            )
            return None
        places = [i for i, name in enumerate(self.names) if name == ref]
        if len(places) == 1:
            return places[0]
        if places:
            message = f"`{self.place.name}` has {len(places)} columns {self._called(ref, of_training)}"
            help = None if part == "key" else f"give an index: {' or '.join(map(str, places))}"
            self.collector.add("SN508", message, *key, part=part, help=help)
            return None
        near = closest(ref, self.names) if self.place.quotable else None
        there = f"did you mean `{clipped(near)}`?" if near else self.place.known("it has", self.names)
        hidden = of_training and not self.place.quotable
        what = "that the training file has" if hidden else f"`{clipped(ref)}`"
        message = f"`{self.place.name}` has no column {what}"
        self.collector.add("SN509", message, *key, part=part, help=self._delimiter() or there)
        return None

    def _called(self, name: str, of_training: bool) -> str:
        """Return which name a sentence speaks of, without it where it may not be quoted."""
        return "of one name" if of_training and not self.place.quotable else f"called `{clipped(name)}`"

    def settings(self, columns: Mapping[str, ColumnSettings]) -> dict[int, tuple[str, ColumnSettings]]:
        """Return what a document says of single columns, with its names for them, by their places."""
        places = {key: self._named(key) for key in columns}
        return {i: (key, columns[key]) for key, i in places.items() if i is not None}

    def _named(self, key: str) -> int | None:
        """Return the place of the column that has settings of its own, or note why there is none."""
        path, width = ("columns", key), len(self.names)
        if self.header:
            return self.one(key, path, part="key")
        if key.isdecimal() and int(key) < width:
            return int(key)
        message = (
            f"there is no column `{key}`: `{self.place.name}` has no header, and {counted(width, 'column')}"
        )
        help = f"name a column by its index, from `0` to `{width - 1}`, or write `header = true`"
        self.collector.add("SN509", message, *path, part="key", help=help)
        return None

    def many(self, refs: Sequence[ColumnRef], key: KeyPath) -> list[int]:
        """Return the places of several columns, each named once."""
        places: list[int] = []
        for i, ref in enumerate(refs):
            place = self.one(ref, (*key, i))
            if place in places:
                self.collector.add("SN510", f"column `{ref}` is named twice", *key, i)
            elif place is not None:
                places.append(place)
        return places

    def check_names(self, used: Sequence[int]) -> None:
        """Note used columns that have no name, or share one."""
        if not self.header:
            return
        for i in used:
            if not self.names[i]:
                message = f"column {i} (from 0) of `{self.place.name}` has no name"
                help = f"leave it out with `exclude = [{i}]`, or list the `features` by index"
                self.collector.add("SN508", message, *self.place.key, help=help)
        for name, count in Counter(self.names[i] for i in used).items():
            if name and count > 1:
                message = f"`{self.place.name}` has {count} columns {self._called(name, True)}"
                places = [i for i in used if self.names[i] == name]
                help = f"leave out all but one with `exclude = {places[1:]}`"
                self.collector.add("SN508", message, *self.place.key, help=help)

    def _delimiter(self) -> str | None:
        if len(self.first) > 1:
            return None
        found = next((sign for sign in (";", "\t", "|", ",") if sign in self.first[0]), None)
        if found is None or found == self.delimiter:
            return None
        shown = "\\t" if found == "\t" else found
        return f'its first line is one cell that holds `{shown}`: write `delimiter = "{shown}"`'
