from __future__ import annotations

import re

from specnet.diagnostics import KeyPath
from specnet.language.positions.toml_cursor import BLANK, CONTROL, Key, Refused
from specnet.language.positions.toml_entries import TomlEntries
from specnet.language.positions.tree import Offsets, PositionEntry, Positions

_COMMENT = re.compile(r"#[^\n]*")
_CLOSING = re.compile(r"\]+")


def locate_toml(text: str) -> Positions:
    """Return where each key and value of a TOML document lies, its syntax errors, and the keys written twice.

    After an error, reading goes on behind the entry that has it: the next element of its array, the next key of its
    inline table, or the next statement. What the error leaves unknown is marked in the result. The time is linear in
    the text. Raises NestingError where arrays and tables nest too deep.
    """
    return _TomlScanner(text).document()


class _TomlScanner(TomlEntries):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.table = self.root
        self.table_path: KeyPath = ()
        self.arrays: dict[int, int] = {}
        """Length of each array of tables, by the identity of its entry, which `root` keeps alive."""

    def document(self) -> Positions:
        while True:
            self.filler()
            if self.at >= len(self.text):
                break
            before = len(self.faults)
            if self.text.startswith("[", self.at):
                self.header()
                self.end_of_line(before, None, self.table_path)
            elif self.text.startswith("{", self.at) and self.root.place() is None and not self.root.children:
                self.fault("statement", self.at, ())  # JSON: every line of it would be an error
                self.incomplete.add(())
                break
            else:
                entry, path = self.assignment(self.table, self.table_path)
                self.end_of_line(before, entry, path)
        return self.positions()

    def end_of_line(self, before: int, entry: PositionEntry | None, path: KeyPath) -> None:
        """Go to the end of a statement's line, on which nothing else may stand."""
        if self.statement_ahead():  # what is not closed ends where the next statement begins
            return
        self.skip(BLANK)
        if self.peek() == "#":
            start = self.at
            self.skip(_COMMENT)
            self.controls(start, self.at)
        elif self.at < len(self.text) and not self.text.startswith(("\n", "\r\n"), self.at):
            if len(self.faults) == before:
                kind = "character" if CONTROL.match(self.text, self.at) else "newline"
                if entry is not None:
                    self.lose(kind, self.at, entry, path)
                else:
                    self.fault(kind, self.at)
            if self.peek() == "\r":  # no line ends so, and what follows may be all of the document
                self.incomplete.add(())
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end

    def header(self) -> None:
        start = self.at
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        parts: Key = []
        self.repeated = False
        try:
            self.key("key", (), parts)
        except Refused:
            self.unknown_table()
            return
        self.skip(BLANK)
        if not self.text.startswith("]" * brackets, self.at):
            self.fault("header" if brackets == 1 else "headers", self.at)
            self.skip(_CLOSING)
            self.skip(BLANK)
            if self.peek() not in ("\n", "\r", "#", ""):
                self.unknown_table()
                return
        else:
            self.at += brackets
        whole = (start, self.at)
        entry = self.root
        path: KeyPath = ()
        for name, offsets in parts[:-1]:
            entry, path = self.descend(entry, path, name, offsets)
        name, offsets = parts[-1]
        if brackets == 2:
            self.table, self.table_path = self.element(entry, (*path, name), offsets, whole)
            return
        child = entry.children.setdefault(name, PositionEntry())
        if child.header is not None or child.value is not None:
            self.note((*path, name), child, offsets)
            self.repeated = child.header is not None and self.text[child.header[0]] == "["
        else:
            child.key = offsets
        child.header = child.header or whole
        self.table, self.table_path = child, (*path, name)
        if id(child) in self.arrays:
            last = self.arrays[id(child)] - 1
            self.table, self.table_path = child.children[last], (*path, name, last)

    def unknown_table(self) -> None:
        """Begin a table whose name cannot be read."""
        self.incomplete.add(())
        self.table, self.table_path = PositionEntry(), ()

    def element(
        self, parent: PositionEntry, path: KeyPath, key: Offsets, whole: Offsets
    ) -> tuple[PositionEntry, KeyPath]:
        """Begin the next table of an array of tables."""
        array = parent.children.setdefault(path[-1], PositionEntry())
        opened = array.value or array.header or array.children
        if opened and id(array) not in self.arrays:
            self.note(path, array, key)
            if array.value is None or not self.text.startswith("[", array.value[0]):
                return PositionEntry(), path
            self.arrays.setdefault(id(array), len(array.children))
        if array.header is None:
            array.key, array.header = array.key or key, whole
        place = self.arrays.get(id(array), 0)
        self.arrays[id(array)] = place + 1
        element = array.children[place] = PositionEntry(header=whole)
        return element, (*path, place)

    def descend(
        self, entry: PositionEntry, path: KeyPath, name: str, offsets: Offsets
    ) -> tuple[PositionEntry, KeyPath]:
        """Go into a table on a header's way, into the last element of an array of tables."""
        child = entry.children.setdefault(name, PositionEntry(key=offsets))
        path = (*path, name)
        if child.value is not None:
            self.note(path, child, offsets)
        if id(child) in self.arrays:
            last = self.arrays[id(child)] - 1
            return child.children[last], (*path, last)
        return child, path
