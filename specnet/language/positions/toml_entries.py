from __future__ import annotations

from specnet.diagnostics import KeyPath
from specnet.language.parsers import MAX_DEPTH, NestingError
from specnet.language.positions.toml_cursor import BLANK, STATEMENT, Key, Refused, TomlCursor
from specnet.language.positions.tree import Duplicate, Offsets, PositionEntry

_BREAKS = ("\n", "\r", "#")
_ENDS = (*_BREAKS, "]", "")


class TomlEntries(TomlCursor):
    """Reads `key = value`, and the arrays and inline tables that a value may be."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated = False
        """Whether the current table was opened before: its keys may be those of the first, and are no news."""
        self.broken: set[int] = set()
        """Where the inline tables begin that go on over lines."""

    def assignment(self, table: PositionEntry, path: KeyPath) -> tuple[PositionEntry, KeyPath]:
        """Read `key = value`, and return its entry and path."""
        parts: Key = []
        owner = path
        try:
            self.key("key" if ("{" in self.open) else "statement", path, parts)
        except Refused:
            self.incomplete.add(owner)
            self.resync()
            return PositionEntry(), owner
        self.skip(BLANK)
        assigned = self.peek() == "="
        if not assigned and self.peek() not in (":", "\n", "\r", ""):
            # Of several words, any may be the key.
            self.fault("equals", self.at, owner)
            self.incomplete.add(owner)
            self.resync()
            return PositionEntry(), owner
        start = parts[0][1][0]
        for name, offsets in parts[:-1]:
            table = table.children.setdefault(name, PositionEntry(key=offsets, header=(start, offsets[1])))
            path = (*path, name)
            opened = table.header is not None and self.text[table.header[0]] == "["
            if table.value is not None or opened:
                self.note(path, table, offsets)
        name, offsets = parts[-1]
        path = (*path, name)
        entry = table.children.setdefault(name, PositionEntry())
        if entry.place() is not None:
            self.note(path, entry, offsets)
            entry = PositionEntry()  # the first of two stays in the tree
        entry.key = offsets
        if not assigned:
            self.lose("equals", self.at, entry, path)
            self.resync()
            return entry, path
        self.at += 1
        self.skip(BLANK)
        self.value(entry, path)
        return entry, path

    def value(self, entry: PositionEntry, path: KeyPath) -> None:
        """Read a value, and set where it lies."""
        start = self.at
        head = self.text[start : start + 3]
        if head[:1] in ("[", "{"):
            if len(path) > MAX_DEPTH:
                raise NestingError(start)
            self.open.append(head[0])
            if head[0] == "[":
                self.array(entry, path)
            else:
                self.inline_table(entry, path)
            self.open.pop()
        else:
            try:
                if head in ('"""', "'''"):
                    self.long_text(entry, path)
                else:
                    self.single(entry, path)
            except Refused:
                self.resync()
        entry.value = (start, self.at)

    def array(self, entry: PositionEntry, path: KeyPath) -> None:
        """Read an array, from its bracket."""
        self.at += 1
        begun = len(self.faults)
        place = 0
        while True:
            self.filler()
            head = self.peek()
            if head == "]":
                self.at += 1
                return
            ahead = self.statement_ahead()
            if head == "" or ahead or (head == "}" and ("{" in self.open)):
                kind = "value" if ahead and head != "[" else "open-array"
                self.cut_off(begun, kind, (*path, place), path)
                return
            child = entry.children[place] = PositionEntry()
            before = len(self.faults)
            self.value(child, (*path, place))
            place += 1
            self.filler()
            head = self.peek()
            if head == ",":
                self.at += 1
            elif head in ("]", "") or self.statement_ahead() or (head == "}" and ("{" in self.open)):
                continue
            else:
                if len(self.faults) == before:
                    certain = head in "[{" and "{" not in self.open
                    self.fault("array", self.at, None if certain else path)
                    # `[1 5]` may have been one element, or its bracket be missing.
                    entry.unread |= not certain
                self.at += head == "}"  # it closes nothing

    def inline_table(self, entry: PositionEntry, path: KeyPath) -> None:
        """Read an inline table, from its brace."""
        start = self.at
        self.at += 1
        begun = len(self.faults)
        while True:
            head = self.within(start, awaiting=True)
            if head == "}":
                self.at += 1
                return
            if head in _ENDS:
                self.cut_off(begun, "open-table", path, path)
                return
            if head == ",":
                self.fault("key", self.at)
                self.at += 1
                continue
            before = len(self.faults)
            child, _ = self.assignment(entry, path)
            head = self.within(start, awaiting=False)
            if head == ",":
                comma = self.at
                self.at += 1
                if self.within(start, awaiting=True) == "}":
                    self.fault("trailing-comma", comma)
            elif head in _ENDS:
                self.cut_off(begun, "open-table", path, path)
                return
            elif head != "}" and len(self.faults) == before:
                goes_on = STATEMENT.match(self.text, self.at) is not None
                self.fault("inline-table", self.at, None if goes_on else path)
                if not goes_on:
                    child.unread = True
                    self.incomplete.add(path)
                    self.resync()
                    self.at += self.peek() == ","

    def within(self, start: int, *, awaiting: bool) -> str:
        """Skip what is blank in an inline table, and return what follows.

        Where the table goes on in the next line, which TOML 1.1 allows, that is noted once, and all of it is read.
        """
        self.skip(BLANK)
        if self.peek() in _BREAKS and self.goes_on(awaiting=awaiting):
            if start not in self.broken:
                self.broken.add(start)
                self.fault("line-break", self.at)
            self.filler()
        return self.peek()

    def note(self, path: KeyPath, first: PositionEntry, second: Offsets) -> None:
        """Note a key that is written twice."""
        place = first.key or first.place()
        if place is not None and not (self.repeated and first.header is None):
            self.duplicates.append(Duplicate(path, place, second))
