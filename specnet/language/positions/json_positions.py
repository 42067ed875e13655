from __future__ import annotations

import json
import re

from specnet.diagnostics import KeyPath
from specnet.language.parsers import HALF_LETTER, MAX_DEPTH, NestingError
from specnet.language.positions.cursor import Cursor
from specnet.language.positions.tree import Duplicate, Offsets, PositionEntry, Positions

_FILLER = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\n]*|#[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_TEXT = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
_LINE_TEXT = re.compile(r'"(?:[^"\\\n]++|\\[^\n])*+"')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_CONTROL = re.compile(r"[\x00-\x1f]")
_QUOTED = re.compile(r"'[^'\n]*+'")
_WORD = re.compile(r"[^\s,:\]}\[{\"]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_KEY_LINE = re.compile(r'\s*"[^"\n]*"[ \t]*:')
_COLON = re.compile(r"[ \t\r\n]*:")
_JUNK = re.compile(r'"(?:[^"\\\n]++|\\[^\n])*+"?|[\[\]{},\n]|[^\[\]{},\n"]+')


def locate_json(text: str) -> Positions:
    """Return where each key and value of a JSON document lies, its syntax errors, and the keys given twice.

    After an error, reading goes on behind the entry that has it: with the next element of its array or the next key
    of its object. What the error leaves unknown is marked in the result. Of a key given twice the last counts, as it
    does for `json`. The time is linear in the text. Raises NestingError where arrays and objects nest too deep.
    """
    return _JsonScanner(text).document()


class _JsonScanner(Cursor):
    def document(self) -> Positions:
        self.value(self.root, ())
        if self.skip() and not self.faults:
            self.fault("extra", self.at)
        self.faults.sort(key=lambda fault: fault.at)
        return self.positions()

    def skip(self) -> str:
        """Skip blanks and comments, which are faults, and return what follows."""
        while True:
            found = _FILLER.match(self.text, self.at)
            self.at = found.end() if found is not None else self.at
            head = self.text[self.at : self.at + 1]
            comment = _COMMENT.match(self.text, self.at) if head in ("/", "#") else None
            if comment is None:
                return head
            self.fault("comment", self.at)
            self.at = comment.end()

    def value(self, entry: PositionEntry, path: KeyPath) -> None:
        head = self.skip()
        start = self.at
        if head in ("{", "["):
            if len(self.open) >= MAX_DEPTH:
                raise NestingError(start)
            self.open.append(head)
            if head == "{":
                self.object(entry, path)
            else:
                self.array(entry, path)
            self.open.pop()
        elif head == '"':
            self.string(entry, path)
        else:
            self.word(entry, path)
        entry.value = (start, self.at)

    def string(self, entry: PositionEntry, path: KeyPath) -> str | None:
        """Read a string; return it if it is a valid one."""
        start = self.at
        found = _TEXT.match(self.text, start)
        if found is not None:
            self.at = found.end()
            if HALF_LETTER.search(found.group()) is not None:
                string = str(json.loads(found.group()))
                try:
                    string.encode()
                except UnicodeEncodeError:
                    self.lose("half", start, entry, path)
                    return None
            return found.group()
        found = _LINE_TEXT.match(self.text, start)
        if found is None:
            end = self.text.find("\n", start)
            self.at = len(self.text) if end < 0 else end
            self.lose("open-string" if end < 0 else "control", start if end < 0 else end, entry, path)
            return None
        self.at = found.end()
        self.lose(*self.string_fault(*found.span()), entry, path)
        return None

    def string_fault(self, start: int, end: int) -> tuple[str, int]:
        at = self.text.find("\\", start, end)
        while at >= 0:
            escape = _ESCAPE.match(self.text, at)
            if escape is None:
                return "escape", at
            at = self.text.find("\\", escape.end(), end)
        found = _CONTROL.search(self.text, start, end)
        return "control", start if found is None else found.start()

    def word(self, entry: PositionEntry, path: KeyPath) -> None:
        """Read a value that is neither a string nor made of others."""
        start = self.at
        found = _QUOTED.match(self.text, start) or _WORD.match(self.text, start)
        if found is None:
            self.lose("value", self.mark(), entry, path)
            return
        self.at = found.end()
        word = found.group()
        if word in ("true", "false", "null"):
            return
        if word in ("NaN", "Infinity", "-Infinity"):
            self.lose("constant", start, entry, path)
        elif _NUMBER.fullmatch(word) is None:
            self.lose("quotes" if word[0] == "'" else "value", start, entry, path)
            self.resync()
        else:
            try:
                json.loads(word)
            except ValueError:
                self.lose("digits", start, entry, path)

    def object(self, entry: PositionEntry, path: KeyPath) -> None:
        self.at += 1
        begun = len(self.faults)
        while True:
            head = self.skip()
            if head == "}":
                self.at += 1
                return
            if head == "" or (head == "]" and "[" in self.open):
                self.cut_off(begun, "open-object", path, path)
                return
            before = len(self.faults)
            self.member(entry, path)
            if not self.separator("}", before, path):
                self.incomplete.add(path)

    def member(self, entry: PositionEntry, path: KeyPath) -> None:
        key = self.key(path)
        if key is None:
            self.incomplete.add(path)
            self.resync()
            return
        name, offsets = key
        earlier = entry.children.get(name)
        if earlier is not None and earlier.key is not None:
            self.duplicates.append(Duplicate((*path, name), earlier.key, offsets))
        child = entry.children[name] = PositionEntry(key=offsets)
        if self.skip() != ":":
            self.lose("colon", self.mark(), child, (*path, name))
            self.resync()
            return
        self.at += 1
        self.value(child, (*path, name))

    def key(self, path: KeyPath) -> tuple[str, Offsets] | None:
        """Read a key; one without double quotes is a fault, but known."""
        start = self.at
        if self.text.startswith('"', start):
            text = self.string(PositionEntry(), path)
            return None if text is None else (str(json.loads(text)), (start, self.at))
        found = _QUOTED.match(self.text, start) or _WORD.match(self.text, start)
        known = found is not None and _COLON.match(self.text, found.end()) is not None
        self.fault("key", start, None if known else path)
        if found is None or not known:
            return None
        self.at = found.end()
        return found.group().strip("'"), found.span()

    def array(self, entry: PositionEntry, path: KeyPath) -> None:
        self.at += 1
        begun = len(self.faults)
        place = 0
        while True:
            head = self.skip()
            if head == "]":
                self.at += 1
                return
            if head == "" or (head == "}" and "{" in self.open):
                self.cut_off(begun, "open-array", (*path, place), path)
                return
            start, before = self.at, len(self.faults)
            child = entry.children[place] = PositionEntry()
            self.value(child, (*path, place))
            if head == '"' and self.skip() == ":" and "{" in self.open:
                # It is a key: the array before it is not closed.
                del entry.children[place]
                self.at = start
                self.cut_off(begun, "array-key", (*path, place), path)
                return
            place += 1
            if not self.separator("]", before, path):
                entry.unread = True

    def separator(self, end: str, before: int, path: KeyPath) -> bool:
        """Go past the comma behind an entry; return whether it is certain where the entry ends."""
        head = self.skip()
        if head == ",":
            comma = self.at
            self.at += 1
            if self.skip() == end:
                self.fault("trailing-comma", comma)
            return True
        if head in ("]", "}", ""):
            if head not in (end, "") and ("{" if head == "}" else "[") not in self.open:
                if len(self.faults) == before:
                    self.fault("closer", self.at, path)
                self.at += 1
            return True
        if len(self.faults) > before:
            self.resync()
            if self.text.startswith(",", self.at):
                self.at += 1
            return True
        certain = _KEY_LINE.match(self.text, self.at) is not None if end == "}" else head in "[{"
        self.fault("comma", self.at, None if certain else path)
        if not certain:
            self.resync()
            self.at += self.text.startswith(",", self.at)
        return certain

    def resync(self) -> None:
        """Go to the end of an entry that cannot be read: a comma, a closing bracket, or a line with a key."""
        self.skip_entry(
            _JUNK, lambda _, end: self.open[-1:] == ["{"] and _KEY_LINE.match(self.text, end) is not None
        )
