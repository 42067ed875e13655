from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

Style = Literal[
    "plain", "error", "warning", "strong", "location", "gutter", "source", "primary", "secondary", "help"
]
Segment = tuple[str, Style]
"""A piece of output and what it is, so that a terminal can give it a colour."""

TAB = 4

_COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What commands a terminal, breaks or reorders a line, or is half a letter; tabs and line feeds are layout."""

_UNPRINTED = re.compile(f"[\t\n]|{_COMMANDS.pattern}")


def plain_text(segments: Iterable[Segment]) -> str:
    """Return segments as text without styles."""
    return "".join(text for text, _ in segments)


def cells(text: str) -> list[tuple[str, int]]:
    """Return, for each code point, what a terminal is to show and how many columns that takes.

    Tabs become spaces; control characters, which could command a terminal or hide text, become visible.
    """
    shown: list[tuple[str, int]] = []
    column = 0
    for letter in text:
        if letter == "\t":
            cell = (" " * (TAB - column % TAB), TAB - column % TAB)
        elif letter < " ":
            cell = (chr(0x2400 + ord(letter)), 1)
        else:
            cell = _cell(letter)
        shown.append(cell)
        column += cell[1]
    return shown


def visible(text: str) -> str:
    """Return text in which whatever commands a terminal, or reorders or hides text, is replaced by a visible letter.

    Each takes one column; tabs and line feeds stay. For text of one line see `printable`.
    """
    return _COMMANDS.sub(lambda found: _shown(found[0]), text)


def escaped(text: str) -> str:
    r"""Return JSON, or Python's source, with what `visible` replaces written as `\u001b` in its strings."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _shown(letter: str) -> str:
    return chr(0x2400 + ord(letter)) if letter < " " else "\ufffd"


def _cell(letter: str) -> tuple[str, int]:
    if letter.isascii() and letter != "\x7f":
        return letter, 1
    if _COMMANDS.match(letter):
        return "\ufffd", 1
    category = unicodedata.category(letter)
    if category in {"Mn", "Me", "Cf"}:
        return letter, 0
    return letter, 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def printable(text: str) -> str:
    r"""Return text on one line, in which what `visible` replaces, a tab and a line feed are escaped: `\t`, `\x1b`."""
    return _UNPRINTED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def width_of(text: str) -> int:
    """Return how many columns of a terminal a string takes."""
    return sum(width for _, width in cells(text))


def wrapped(text: str, width: int) -> list[str]:
    """Return text in lines of at most so many columns, broken at blanks where there are any."""
    lines: list[str] = []
    line = ""
    for word in _fitting(text.split(" "), max(width, 1)):
        longer = f"{line} {word}" if line else word
        if line and width_of(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]


def _fitting(words: Sequence[str], width: int) -> Iterable[str]:
    for word in words:
        rest = word
        while width_of(rest) > width:
            end, used = 0, 0
            for _, cell in cells(rest):
                if used + cell > width and end:
                    break
                used += cell
                end += 1
            yield rest[:end]
            rest = rest[end:]
        yield rest
