"""What can be read of a document in spite of its syntax errors."""

from __future__ import annotations

import json
import tomllib
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from specnet.diagnostics import KeyPath

if TYPE_CHECKING:
    from specnet.language.positions import PositionEntry, Positions


class _Unread(Enum):
    """Stands for a value that a document has and that cannot be read; no field takes it."""

    UNREAD = "a value with a syntax error"


UNREAD = _Unread.UNREAD


@dataclass(frozen=True, slots=True)
class Lost:
    """What syntax errors leave unknown."""

    paths: frozenset[KeyPath] = frozenset()
    """The entries with a syntax error, of whatever effect."""
    incomplete: frozenset[KeyPath] = frozenset()
    """The tables and arrays that may have more entries than could be read."""
    around: frozenset[KeyPath] = frozenset()
    """All of these, and the tables and arrays around them."""


def lost_entries(positions: Positions) -> Lost:
    """Return what the syntax errors of a text leave unknown."""
    paths = positions.lost.union(duplicate.path for duplicate in positions.duplicates)
    incomplete = positions.incomplete
    around = {path[:depth] for path in paths | incomplete for depth in range(len(path) + 1)}
    return Lost(paths, incomplete, frozenset(around))


def readable_data(positions: Positions, syntax: Literal["toml", "json"]) -> Any:
    """Return the data of a text with syntax errors, and UNREAD in place of what has one.

    What has none within it is read by Python's own parser, in one piece.
    """
    return _Reader(positions, syntax).data(positions.root)


class _Reader:
    def __init__(self, positions: Positions, syntax: Literal["toml", "json"]) -> None:
        self._text = positions.text
        self._toml = syntax == "toml"
        self._faults = sorted(_offsets(positions))

    def data(self, entry: PositionEntry) -> Any:
        if entry.unread:
            return UNREAD
        opening = "" if entry.value is None else self._text[entry.value[0]]
        if entry.value is not None and (opening not in ("[", "{") or self._is_sound(entry)):
            return self._piece(self._text[slice(*entry.value)])
        if opening == "[" or any(isinstance(step, int) for step in entry.children):
            return [self.data(child) for child in entry.children.values()]
        return {str(step): self.data(child) for step, child in entry.children.items()}

    def _is_sound(self, entry: PositionEntry) -> bool:
        """Return whether a container has no fault within it, and nothing that was added to it elsewhere."""
        start, end = entry.value or (0, 0)
        first = bisect_left(self._faults, start)
        if first < len(self._faults) and self._faults[first] <= end:
            return False
        last = next(reversed(entry.children.values()), None)
        place = None if last is None else last.place()
        return place is None or place[1] <= end

    def _piece(self, text: str) -> Any:
        try:
            return tomllib.loads(f"k={text}")["k"] if self._toml else json.loads(text)
        except ValueError:
            return UNREAD


def _offsets(positions: Positions) -> Iterable[int]:
    yield from (fault.at for fault in positions.faults)
    yield from (duplicate.second[0] for duplicate in positions.duplicates)
