"""What reading a text with syntax errors needs in every syntax: a place that moves on, and the faults on its way."""

from __future__ import annotations

import re
from collections.abc import Callable

from specnet.diagnostics import KeyPath
from specnet.language.positions.tree import Duplicate, PositionEntry, Positions, SyntaxFault


class Cursor:
    """A place in a text that moves on, and the faults on its way."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.root = PositionEntry()
        self.duplicates: list[Duplicate] = []
        self.open: list[str] = []
        """The brackets and braces that are open."""
        self.faults: list[SyntaxFault] = []
        self.lost: set[KeyPath] = set()
        self.incomplete: set[KeyPath] = set()

    def positions(self) -> Positions:
        """Return what has been found."""
        return Positions(
            self.text,
            self.root,
            tuple(self.duplicates),
            tuple(self.faults),
            frozenset(self.lost),
            frozenset(self.incomplete),
        )

    def fault(self, kind: str, at: int, lost: KeyPath | None = None) -> None:
        """Note a fault; see `SyntaxFault`."""
        self.faults.append(SyntaxFault(kind, at, lost))
        if lost is not None:
            self.lost.add(lost)

    def lose(self, kind: str, at: int, entry: PositionEntry, path: KeyPath) -> None:
        """Note a fault for which an entry's value is unknown."""
        self.fault(kind, at, path)
        entry.unread = True

    def skip_entry(self, junk: re.Pattern[str], ends_line: Callable[[int, int], bool]) -> None:
        """Go on to the comma or the bracket that ends the entry here, or to a line's end that does.

        `junk` matches brackets, commas, line ends, and all between them. `ends_line` is called at each line's end with
        the number of brackets that the entry has open and the place of the next line.
        """
        depth = 0
        while (found := junk.match(self.text, self.at)) is not None:
            piece = found.group()
            if piece == "\n":
                if ends_line(depth, found.end()):
                    return
            elif piece == "," and depth == 0:
                return
            elif piece in ("[", "{"):
                depth += 1
            elif piece in ("]", "}"):
                if depth == 0:
                    return
                depth -= 1
            self.at = found.end()

    def mark(self) -> int:
        """Return where a fault here is marked: at the end of a text, behind its last character that is no blank."""
        return self.at if self.at < len(self.text) else len(self.text.rstrip())

    def cut_off(self, begun: int, kind: str, lost: KeyPath, path: KeyPath) -> None:
        """Note that an array or a table is not closed, unless a fault after the first `begun` explains it."""
        self.incomplete.add(path)
        self.lost.add(lost)
        if len(self.faults) == begun:
            self.fault(kind, self.mark(), lost)
