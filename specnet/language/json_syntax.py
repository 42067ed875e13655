"""What `json` found wrong, in the words of someone who wrote a document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from specnet.diagnostics import Diagnostic
from specnet.diagnostics.text import clipped
from specnet.language.positions.tree import PositionEntry, Positions
from specnet.language.source import SourceText

_WORD = re.compile(r"[^\s,:\]}\[{\"]+")
Fault = tuple[str, str | None]
"""A message and its help."""

_CONSTANTS = {"True": "true", "False": "false", "None": "null"}


def json_fault(source: SourceText, error: json.JSONDecodeError) -> Diagnostic:
    """Return the finding that a JSONDecodeError stands for."""
    text = source.text
    offset = min(error.pos, len(text))
    if not text[offset:].strip():
        offset = len(text.rstrip())
    offset = _trailing_comma(error.msg, text, offset)
    said, help = _explain(error.msg, text, offset)
    found = _WORD.match(text, offset)
    width = int(text[offset : offset + 1] not in {"\n", "\r"} and bool(text[offset:].strip()))
    end = found.end() if found else offset + width
    span = Positions(text, PositionEntry()).span_of((offset, end))
    return Diagnostic("SN101", said, help=help, file=source.file, span=span)


def _explain(message: str, text: str, offset: int) -> Fault:
    """Return message and help for what the parser says about a place in a string."""
    rest = text[offset : offset + 60]
    if not rest.strip():
        return "the document ends here, with something still open", 'close every `{`, `[` and `"`'
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments", "remove it, or write the document in TOML"
    if rest.startswith("'"):
        return "JSON strings are written in double quotes", None
    if _comma_before_nothing(message, rest, text[max(0, offset - 200) : offset].rstrip()):
        return "trailing comma", "remove the comma"
    found = _WORD.match(rest)
    word = clipped(found.group()) if found else ""
    for start, explanation in _EXPLANATIONS:
        if message.startswith(start):
            return explanation(word) if callable(explanation) else explanation
    return message[:1].lower() + message[1:], None


def _trailing_comma(message: str, text: str, offset: int) -> int:
    """Return the place of a comma before a closing bracket, as Python from 3.13 on does; else the place given."""
    before = text[:offset].rstrip()
    expected = message.startswith(("Expecting property name", "Expecting value"))
    return (
        len(before) - 1
        if expected and before.endswith(",") and text[offset : offset + 1] in ("]", "}")
        else offset
    )


def _comma_before_nothing(message: str, rest: str, before: str) -> bool:
    if message.startswith("Illegal trailing comma") or (
        rest[0] == "," and rest[1:].lstrip()[:1] in ("]", "}")
    ):
        return True
    expected = message.startswith(("Expecting property name", "Expecting value"))
    return expected and rest[0] in "]}," and before.endswith((",", "["))


def _key(word: str) -> Fault:
    return "a key in double quotes is missing here", f'write "{word}": ...' if word else None


def _value(word: str) -> Fault:
    if word in _CONSTANTS:
        return f"`{word}` is not a value", f"write {_CONSTANTS[word]}"
    if word:
        return f"`{word}` is not a value", f'strings are written in quotes: "{word}"'
    return "a value is missing here", None


_EXPLANATIONS: tuple[tuple[str, Fault | Callable[[str], Fault]], ...] = (
    ("Expecting property name", _key),
    ("Expecting value", _value),
    ("Expecting ',' delimiter", ("a comma is missing before this", None)),
    (
        "Expecting ':' delimiter",
        ("a colon is missing after a key", 'JSON writes "key": value'),
    ),
    ("Extra data", ("this follows the end of the document", "a document is one JSON object")),
    ("Unterminated string", ("the string that starts here is not closed", 'close it with `"`')),
    (
        "Invalid control character",
        ("a string cannot contain a line break or another control character", "write \\n for a line break"),
    ),
    ("Invalid \\", ("a backslash starts an escape sequence, and this is not a valid one", "double it: \\\\")),
)
