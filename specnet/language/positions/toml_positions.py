from __future__ import annotations

import re
import tomllib

from specnet.language.positions.tree import Duplicate, Offsets, PositionEntry, Positions

_BLANK = re.compile(r"[ \t]*")
_FILLER = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE = re.compile(r"[^\s=.\]\[{},#\"']+")
_SHORT_TEXT = re.compile(r"""\"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_LONG_PIECE = re.compile(r'\\.|[^\\"]+|"""|"', re.DOTALL)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]*")
_WORD = re.compile(r"[^\s,\]}#]+")

Key = list[tuple[str, Offsets]]


def locate_toml(text: str) -> Positions:
    """Return where each key and value of a TOML document lies.

    The text is one that `tomllib` accepts, so nothing is checked here; only a key written twice is noted,
    because a refused text is read up to that key in order to name both places. Line breaks and trailing
    commas in inline tables, which TOML 1.1 allows, are read too.
    """
    return _TomlScanner(text).document()


class _TomlScanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.root = PositionEntry()
        self.table = self.root
        self.table_path: tuple[str | int, ...] = ()
        self.arrays: dict[int, int] = {}
        """Length of each array of tables, by the identity of its entry, which `root` keeps alive."""
        self.duplicates: list[Duplicate] = []

    def document(self) -> Positions:
        while True:
            self.skip(_FILLER)
            if self.at >= len(self.text):
                return Positions(self.text, self.root, tuple(self.duplicates))
            if self.text.startswith("[", self.at):
                self.header()
            else:
                self.assignment(self.table, self.table_path)

    def skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()

    def take(self, pattern: re.Pattern[str]) -> Offsets:
        found = pattern.match(self.text, self.at)
        # Only a string that tomllib refused can fail to match; going on by a character always ends.
        end = found.end() if found is not None and found.end() > self.at else self.at + 1
        offsets = (self.at, min(end, len(self.text)))
        self.at = end
        return offsets

    def key(self) -> Key:
        parts: Key = []
        while True:
            self.skip(_BLANK)
            if self.text[self.at : self.at + 1] in ('"', "'"):
                start, end = self.take(_SHORT_TEXT)
                name = str(tomllib.loads(f"k={self.text[start:end]}")["k"])
            else:
                start, end = self.take(_BARE)
                name = self.text[start:end]
            parts.append((name, (start, end)))
            self.skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def header(self) -> None:
        start = self.at
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        parts = self.key()
        self.skip(_BLANK)
        self.at = min(self.at + brackets, len(self.text))
        whole = (start, self.at)
        entry = self.root
        path: tuple[str | int, ...] = ()
        for name, offsets in parts[:-1]:
            entry, path = self.descend(entry, path, name, offsets)
        name, offsets = parts[-1]
        if brackets == 2:
            self.table, self.table_path = self.element(entry, (*path, name), offsets, whole)
            return
        child = entry.children.setdefault(name, PositionEntry())
        if child.header is not None or child.value is not None:
            self.note((*path, name), child, offsets)
        child.key, child.header = offsets, child.header or whole
        self.table, self.table_path = child, (*path, name)

    def element(
        self, parent: PositionEntry, path: tuple[str | int, ...], key: Offsets, whole: Offsets
    ) -> tuple[PositionEntry, tuple[str | int, ...]]:
        """Begin the next table of an array of tables."""
        array = parent.children.setdefault(path[-1], PositionEntry())
        if array.value is not None or (array.header is not None and id(array) not in self.arrays):
            self.note(path, array, key)
        if array.header is None:
            array.key, array.header = key, whole
        place = self.arrays.get(id(array), 0)
        self.arrays[id(array)] = place + 1
        element = array.children[place] = PositionEntry(header=whole)
        return element, (*path, place)

    def descend(
        self, entry: PositionEntry, path: tuple[str | int, ...], name: str, offsets: Offsets
    ) -> tuple[PositionEntry, tuple[str | int, ...]]:
        """Go into a table on a header's way, into the last element of an array of tables."""
        child = entry.children.setdefault(name, PositionEntry(key=offsets))
        path = (*path, name)
        if child.value is not None:
            self.note(path, child, offsets)
        if id(child) in self.arrays:
            last = self.arrays[id(child)] - 1
            return child.children[last], (*path, last)
        return child, path

    def assignment(self, table: PositionEntry, path: tuple[str | int, ...]) -> None:
        parts = self.key()
        self.skip(_BLANK)
        self.at += 1
        self.skip(_BLANK)
        start = parts[0][1][0]
        for name, offsets in parts[:-1]:
            table = table.children.setdefault(name, PositionEntry(key=offsets, header=(start, offsets[1])))
            path = (*path, name)
            if table.value is not None:
                self.note(path, table, offsets)
        name, offsets = parts[-1]
        path = (*path, name)
        entry = table.children.setdefault(name, PositionEntry())
        if entry.place() is not None:
            self.note(path, entry, offsets)
            entry = PositionEntry()  # the first of two stays in the tree
        entry.key = offsets
        self.value(entry, path)

    def value(self, entry: PositionEntry, path: tuple[str | int, ...]) -> None:
        start = self.at
        head = self.text[start : start + 3]
        if head in ('"""', "'''"):
            self.long_text(head)
        elif head[:1] in ('"', "'"):
            self.take(_SHORT_TEXT)
        elif head[:1] == "[":
            self.array(entry, path)
        elif head[:1] == "{":
            self.inline_table(entry, path)
        else:
            self.take(_MOMENT if _MOMENT.match(self.text, start) else _WORD)
        entry.value = (start, self.at)

    def long_text(self, quotes: str) -> None:
        self.at += 3
        if quotes == "'''":
            end = self.text.find(quotes, self.at)
            self.at = len(self.text) if end < 0 else end + 3
        else:
            while self.at < len(self.text):
                start, end = self.take(_LONG_PIECE)
                if self.text[start:end] == quotes:
                    break
        # Up to two more quotes belong to the text and stand right before the closing three.
        for _ in range(2):
            if self.text.startswith(quotes[0], self.at):
                self.at += 1

    def array(self, entry: PositionEntry, path: tuple[str | int, ...]) -> None:
        self.at += 1
        place = 0
        while True:
            self.skip(_FILLER)
            if self.at >= len(self.text) or self.text[self.at] == "]":
                self.at = min(self.at + 1, len(self.text))
                return
            child = entry.children[place] = PositionEntry()
            self.value(child, (*path, place))
            place += 1
            self.comma()

    def inline_table(self, entry: PositionEntry, path: tuple[str | int, ...]) -> None:
        self.at += 1
        while True:
            self.skip(_FILLER)
            if self.at >= len(self.text) or self.text[self.at] == "}":
                self.at = min(self.at + 1, len(self.text))
                return
            self.assignment(entry, path)
            self.comma()

    def comma(self) -> None:
        self.skip(_FILLER)
        if self.text.startswith(",", self.at):
            self.at += 1

    def note(self, path: tuple[str | int, ...], first: PositionEntry, second: Offsets) -> None:
        place = first.key or first.place()
        if place is not None:
            self.duplicates.append(Duplicate(path, place, second))
