from __future__ import annotations

import json
import re

from specnet.language.positions.tree import Duplicate, Offsets, PositionEntry, Positions

_FILLER = re.compile(r"[ \t\r\n]*")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_WORD = re.compile(r"[^\s,\]}]+")


def locate_json(text: str) -> Positions:
    """Return where each key and value of a JSON document lies, and each key that an object gives twice.

    The text is one that `json` accepts, so nothing is checked here. Of a key given twice the last counts, as
    it does for `json`.
    """
    scanner = _JsonScanner(text)
    root = PositionEntry()
    scanner.value(root, ())
    return Positions(text, root, tuple(scanner.duplicates))


class _JsonScanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.duplicates: list[Duplicate] = []

    def skip(self) -> str:
        found = _FILLER.match(self.text, self.at)
        self.at = found.end() if found is not None else self.at
        return self.text[self.at : self.at + 1]

    def take(self, pattern: re.Pattern[str]) -> Offsets:
        found = pattern.match(self.text, self.at)
        start, self.at = self.at, len(self.text) if found is None else found.end()
        return start, self.at

    def value(self, entry: PositionEntry, path: tuple[str | int, ...]) -> None:
        head = self.skip()
        start = self.at
        if head == "{":
            self.object(entry, path)
        elif head == "[":
            self.array(entry, path)
        else:
            self.take(_TEXT if head == '"' else _WORD)
        entry.value = (start, self.at)

    def object(self, entry: PositionEntry, path: tuple[str | int, ...]) -> None:
        self.at += 1
        while self.skip() == '"':
            start, end = self.take(_TEXT)
            name = str(json.loads(self.text[start:end]))
            earlier = entry.children.get(name)
            if earlier is not None and earlier.key is not None:
                self.duplicates.append(Duplicate((*path, name), earlier.key, (start, end)))
            self.skip()
            self.at += 1
            child = entry.children[name] = PositionEntry(key=(start, end))
            self.value(child, (*path, name))
            self.comma()
        self.at += 1

    def array(self, entry: PositionEntry, path: tuple[str | int, ...]) -> None:
        self.at += 1
        place = 0
        while self.skip() not in ("]", ""):
            child = entry.children[place] = PositionEntry()
            self.value(child, (*path, place))
            place += 1
            self.comma()
        self.at += 1

    def comma(self) -> None:
        if self.skip() == ",":
            self.at += 1
