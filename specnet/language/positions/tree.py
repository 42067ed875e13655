from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from specnet.diagnostics import KeyPath, Part, Position, TextSpan

_LINE_END = re.compile(r"\n")

Offsets = tuple[int, int]
"""A piece of a string by the offsets of its first character and of what follows its last."""


@dataclass(slots=True)
class PositionEntry:
    """Where one key, array element or table was written.

    `value` is set where the value is written in one piece, and `header` where a table is opened by a line of
    its own (`[training]`, `[[layers]]`) or by the first part of a dotted key.
    """

    key: Offsets | None = None
    value: Offsets | None = None
    header: Offsets | None = None
    children: dict[str | int, PositionEntry] = field(default_factory=dict)
    unread: bool = False
    """Whether its value cannot be read because of a syntax error."""

    def place(self) -> Offsets | None:
        """Return the piece of text that stands for the entry as a whole."""
        return self.value or self.header or self.key


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key that a string gives a second time."""

    path: KeyPath
    first: Offsets
    second: Offsets


@dataclass(frozen=True, slots=True)
class SyntaxFault:
    """A syntax error: what is wrong at an offset, and what cannot be read because of it."""

    kind: str
    """The name of the sentence that describes it."""
    at: int
    lost: KeyPath | None = None
    """The entry whose value is unknown, or the table or array that may lack entries; None if all is readable."""


class Positions:
    """The places of all keys and values of one text, and its syntax errors."""

    def __init__(
        self,
        text: str,
        root: PositionEntry,
        duplicates: tuple[Duplicate, ...] = (),
        faults: tuple[SyntaxFault, ...] = (),
        lost: frozenset[KeyPath] = frozenset(),
        incomplete: frozenset[KeyPath] = frozenset(),
    ) -> None:
        self.text = text
        self.root = root
        self.duplicates = duplicates
        self.faults = faults
        self.lost = lost
        """What is unknown because of the faults: see `SyntaxFault`."""
        self.incomplete = incomplete
        """The tables and arrays that may have more entries than could be read."""
        self._lines: list[int] | None = None

    def find(self, path: KeyPath) -> PositionEntry | None:
        """Return the entry at a key path, or None where the text says nothing there."""
        entry: PositionEntry | None = self.root
        for step in path:
            if entry is None:
                return None
            entry = entry.children.get(step)
        return entry

    def offsets(self, path: KeyPath, part: Part = "value") -> Offsets | None:
        """Return the piece of text that a finding at a key path points at.

        Where the path leads beyond what is written, as that of a missing key does, this is the table which
        it would lie in. None stands for the document as a whole.
        """
        entry = self.root
        for depth, step in enumerate(path):
            child = entry.children.get(step)
            if child is None:
                return self._table(entry) if depth else None
            entry = child
        if part == "key":
            return entry.key or self._table(entry)
        if part == "type":
            kind = entry.children.get("type")
            return (kind and kind.place()) or self._table(entry)
        if part == "table":
            return self._table(entry)
        return entry.place()

    def span(self, path: KeyPath, part: Part = "value") -> TextSpan | None:
        """Return the span of `offsets`, in lines and columns."""
        found = self.offsets(path, part)
        return None if found is None else self.span_of(found)

    def span_of(self, offsets: Offsets) -> TextSpan:
        """Return a piece of the text in lines and columns."""
        return TextSpan(self.position(offsets[0]), self.position(offsets[1]))

    def position(self, offset: int) -> Position:
        """Return the line and column of an offset."""
        if self._lines is None:
            self._lines = [0, *(found.end() for found in _LINE_END.finditer(self.text))]
        line = bisect_right(self._lines, offset)
        return Position(line, offset - self._lines[line - 1] + 1)

    def walk(self) -> Iterator[tuple[KeyPath, PositionEntry]]:
        """Yield every entry below the root with its key path."""
        pending: list[tuple[KeyPath, PositionEntry]] = [((), self.root)]
        while pending:
            path, entry = pending.pop()
            for step, child in entry.children.items():
                yield (*path, step), child
                pending.append(((*path, step), child))

    def _table(self, entry: PositionEntry) -> Offsets | None:
        """Return the place of a table: its header, or itself if one line holds it, or else what opens it."""
        if entry.header is not None or entry.value is None:
            return entry.header or entry.key
        start, end = entry.value
        if "\n" not in self.text[start:end]:
            return entry.value
        return entry.key or (start, start + 1)
