"""Syntax errors of JSON, in the words of someone who wrote a document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from specnet.diagnostics.text import clipped
from specnet.language.wording import TYPOGRAPHIC, straight_quotes

_WORD = re.compile(r"[^\s,:\]}\[{\"]+")
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"')
Fault = tuple[str, str | None]
"""A message and its help."""

_CONSTANTS = {"True": "true", "False": "false", "None": "null"}


def explain(kind: str, text: str, offset: int) -> Fault:
    """Return message and help for a fault at a place in a text."""
    rest = text[offset : offset + 60]
    if kind != "comment" and not rest.strip() and not text[offset:].strip():
        return "the document ends here, with something still open", 'close every `{`, `[` and `"`'
    if kind == "half":
        return f"`{_half(text, offset)}` is half of a surrogate pair, without the other half", None
    found = _WORD.match(rest)
    explanation = _EXPLANATIONS[kind]
    return explanation(clipped(found.group()) if found else "") if callable(explanation) else explanation


def width(kind: str, text: str, offset: int) -> int:
    """Return how many characters of a text a fault at a place in it covers."""
    if kind == "half":
        whole = _TEXT.match(text, offset)
        return 1 if whole is None else whole.end() - offset
    if kind == "escape":
        return 2
    found = _WORD.match(text, offset)
    if found is not None and kind != "control":
        return found.end() - offset
    return int(not text[offset : offset + 1].isspace() and offset < len(text))


def _half(text: str, offset: int) -> str:
    """Return the first escape of a string that stands for half of a character."""
    whole = _TEXT.match(text, offset)
    try:
        str(json.loads(whole.group() if whole is not None else "")).encode()
    except UnicodeEncodeError as error:
        return f"\\u{ord(error.object[error.start]):04x}"
    return ""


def _key(word: str) -> Fault:
    if word and word[0] in TYPOGRAPHIC:
        return straight_quotes(word)
    if word.startswith("'"):
        return "JSON strings are written in double quotes", None
    return "a key in double quotes is missing here", f'write "{word}": ...' if word else None


def _value(word: str) -> Fault:
    if word and word[0] in TYPOGRAPHIC:
        return straight_quotes(word)
    if word.startswith("'"):
        return "JSON strings are written in double quotes", None
    if word in _CONSTANTS:
        return f"`{word}` is not a value", f"write {_CONSTANTS[word]}"
    if word:
        return f"`{word}` is not a value", f'strings are written in quotes: "{word}"'
    return "a value is missing here", None


_EXPLANATIONS: dict[str, Fault | Callable[[str], Fault]] = {
    "array-key": ("a key appears where an element of an array is expected", "close the array before it: `]`"),
    "closer": ("this bracket closes nothing", "remove it, or write the one that opens it"),
    "colon": ("a colon is missing after a key", 'JSON writes "key": value'),
    "comma": ("a comma is missing before this", None),
    "comment": ("JSON has no comments", "remove it, or write the document in TOML"),
    "constant": lambda word: (f"`{word}` is not JSON, and no value in a document may be", None),
    "control": (
        "a string cannot contain a line break or another control character",
        "write \\n for a line break",
    ),
    "escape": (
        "a backslash starts an escape sequence, and this is not a valid one",
        "double it: \\\\; or write a path with `/`",
    ),
    "extra": ("this follows the end of the document", "a document is one JSON object"),
    "key": _key,
    "open-array": ("an array is not closed before this", "close it with `]`"),
    "open-object": ("an object is not closed before this", "close it with `}`"),
    "open-string": ("the string that starts here is not closed", 'close it with `"`'),
    "quotes": _value,
    "trailing-comma": ("trailing comma", "remove the comma"),
    "value": _value,
}
"""The sentence for each kind of fault that the scanner finds."""
