"""A cursor over the text of a TOML document: its keys, its single values, and where to read on after an error."""

from __future__ import annotations

import re
import tomllib

from specnet.diagnostics import KeyPath
from specnet.language.parsers import MAX_DEPTH, NestingError
from specnet.language.positions.cursor import Cursor
from specnet.language.positions.toml_values import is_value
from specnet.language.positions.tree import Offsets, PositionEntry

BLANK = re.compile(r"[ \t]*")
_FILLER = re.compile(r"(?:[ \t\n]+|\r\n|#[^\n]*)*")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SHORT = r"""\"(?:[^"\\\n]++|\\[^\n])*+"|'[^'\n]*+'"""
_SHORT_TEXT = re.compile(_SHORT)
_LONG_TEXT = re.compile(r'"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}' + r"|'''(?:[^']++|'(?!''))*+'{3,5}", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:[btnfr\"\\]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[ \t]*\r?\n)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]*")
_WORD = re.compile(r"[^\s,\]}#]+")
_ASSIGNED = rf"""(?:{_BARE.pattern}|{_SHORT})[ \t]*(?:\.[^\n=,\[{{\]#]*)?="""
STATEMENT = re.compile(
    rf"""[ \t]*(?:{_ASSIGNED}"""
    r"""|\[\[?[ \t]*(?!(?:true|false|inf|nan)[ \t]*\])[A-Za-z_][\w-]*[ \t]*(?:\.[^\n,=]*)?\]\]?[ \t]*"""
    r"""(?:\#[^\n]*)?\r?$)""",
    re.MULTILINE,
)
"""A line that begins a statement, as no line within an array can."""
_ASSIGNMENT = re.compile(_ASSIGNED)
_JUNK = re.compile(r"""\"(?:[^"\\\n]++|\\[^\n])*+"?|'[^'\n]*+'?|#[^\n]*|[\[\]{},\n]|[^\[\]{},\n"'#]+""")

Key = list[tuple[str, Offsets]]


class Refused(Exception):  # noqa: N818  no error, but the way out of an entry with one
    """An entry cannot be read on; its fault is noted."""


class TomlCursor(Cursor):
    """A cursor that knows the tokens of TOML."""

    def peek(self) -> str:
        """Return the next character, or an empty string at the end."""
        return self.text[self.at : self.at + 1]

    def skip(self, pattern: re.Pattern[str]) -> None:
        """Go past what a pattern matches here."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()

    def filler(self) -> None:
        """Go past blanks, line ends and comments."""
        start = self.at
        self.skip(_FILLER)
        if "#" in self.text[start : self.at]:
            self.controls(start, self.at)

    def controls(self, start: int, end: int) -> None:
        """Note the first control character of a comment; nothing else is lost by it."""
        found = CONTROL.search(self.text, start, end)
        if found is not None and not self.text.startswith("\r\n", found.start()):
            self.fault("character", found.start())

    def statement_ahead(self) -> bool:
        """Return whether a line begins here, and a statement with it."""
        last = self.at - 1
        while last >= 0 and self.text[last] in " \t":
            last -= 1
        return (last < 0 or self.text[last] == "\n") and STATEMENT.match(self.text, self.at) is not None

    def goes_on(self, *, awaiting: bool) -> bool:
        """Return whether an inline table goes on behind a line break, rather than that its `}` is missing.

        `awaiting` says whether an entry must come next, as after a comma.
        """
        found = _FILLER.match(self.text, self.at)
        end = self.at if found is None else found.end()
        if self.text[end : end + 1] in ("}", ","):
            return True
        return awaiting and _ASSIGNMENT.match(self.text, end) is not None

    def resync(self) -> None:
        """Go to the end of an entry that cannot be read: a comma, a closing bracket, or the end of the line."""
        if not self.open:
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
            return
        self.skip_entry(
            _JUNK,
            lambda depth, end: (
                depth == 0 or self.open[-1] == "{" or STATEMENT.match(self.text, end) is not None
            ),
        )

    def key(self, kind: str, path: KeyPath, partial: Key) -> Key:
        """Read a key into `partial`; a fault in it leaves the parts before."""
        start = self.at
        while True:
            self.skip(BLANK)
            head = self.peek()
            if head in ('"', "'") and head:
                found = _SHORT_TEXT.match(self.text, self.at)
                if found is None:
                    end = self.text.find("\n", self.at)
                    self.fault("open-line", len(self.text) if end < 0 else end, path)
                    raise Refused
                name = self.short_text(found.group(), path)
            else:
                found = _BARE.match(self.text, self.at)
                if found is None:
                    control = CONTROL.match(self.text, self.at)
                    self.fault("character" if control else "key" if partial else kind, self.at, path)
                    raise Refused
                name = found.group()
            self.at = found.end()
            partial.append((name, found.span()))
            if len(partial) > MAX_DEPTH:
                raise NestingError(start)
            following = self.peek()
            if following > "\x7f":
                self.fault("key-letter", self.at, path)
                raise Refused
            self.skip(BLANK)
            if self.peek() != ".":
                return partial
            self.at += 1

    def short_text(self, quoted: str, path: KeyPath) -> str:
        """Return the string of a quoted key."""
        if not is_value(quoted):
            self.fault(*self.string_fault(self.at, self.at + len(quoted)), path)
            self.at += len(quoted)
            raise Refused
        return str(tomllib.loads(f"k={quoted}")["k"])

    def string_fault(self, start: int, end: int) -> tuple[str, int]:
        """Return what is wrong with a string that is closed: an escape sequence, or a control character."""
        if self.text[start] == '"':
            at = self.text.find("\\", start, end)
            while at >= 0:
                escape = _ESCAPE.match(self.text, at)
                if escape is None or self.surrogate(escape.group()):
                    return "escape", at
                at = self.text.find("\\", escape.end(), end)
        found = CONTROL.search(self.text, start, end)
        return ("character", found.start()) if found is not None else ("value", start)

    @staticmethod
    def surrogate(escape: str) -> bool:
        """Return whether an escape stands for a code that is no character's."""
        code = int(escape[2:], 16) if escape[1] in "uU" else 0  # noqa: FURB166  no prefix of Python's
        return 0xD800 <= code <= 0xDFFF or code > 0x10FFFF

    def single(self, entry: PositionEntry, path: KeyPath) -> None:
        """Read a value without parts: a string on one line, a number, a boolean or a date."""
        start = self.at
        quoted = self.peek() in ('"', "'") and self.peek() != ""
        if quoted:
            found = _SHORT_TEXT.match(self.text, start)
        else:
            found = _MOMENT.match(self.text, start) or _WORD.match(self.text, start)
        if found is None:
            if quoted:
                end = self.text.find("\n", start)
                self.at = len(self.text) if end < 0 else end
            self.lose("open-line" if quoted else "value", self.at, entry, path)
            raise Refused
        try:
            accepted = is_value(found.group())
        except ValueError:
            self.lose("digits", start, entry, path)
            raise Refused from None
        if not accepted:
            self.lose(*(self.string_fault(*found.span()) if quoted else ("value", start)), entry, path)
            self.at = found.end() if quoted else start
            raise Refused
        self.at = found.end()

    def long_text(self, entry: PositionEntry, path: KeyPath) -> None:
        """Read a multi-line string."""
        found = _LONG_TEXT.match(self.text, self.at)
        if found is None:
            self.lose("unterminated", len(self.text.rstrip()), entry, path)
            self.at = len(self.text)
            return
        start, self.at = self.at, found.end()
        if not is_value(found.group()):
            self.lose(*self.string_fault(start, self.at), entry, path)
