"""What `tomllib` found wrong, in the words of someone who wrote a document."""

from __future__ import annotations

import re

from specnet.diagnostics import Diagnostic, Position, TextSpan
from specnet.diagnostics.text import clipped
from specnet.language.duplicates import duplicate_fault
from specnet.language.positions import locate
from specnet.language.source import SourceText

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_WORD = re.compile(r"[^\s,\]}\[{#=]+")
_NUMBER_BEFORE = re.compile(r"(?<![^\s=,\[])[+-]?[0-9][\w.:+-]*$")
_NUMBER_GOES_ON = re.compile(r"[\w.:+-]")
_REST = re.compile(r"[^\s#](?:[^#\n]*[^\s#])?")
_TWICE = (
    "Cannot overwrite a value",
    "Cannot declare",
    "Duplicate inline table key",
    "Cannot mutate immutable namespace",
    "Cannot redefine namespace",
)
_WORDS = {
    "true": ("`{word}` is not a value", "write true"),
    "false": ("`{word}` is not a value", "write false"),
    "yes": ("`{word}` is not a value", "write true"),
    "no": ("`{word}` is not a value", "write false"),
    "on": ("`{word}` is not a value", "write true"),
    "off": ("`{word}` is not a value", "write false"),
    "none": ("`{word}` is not a value: TOML has no null", "leave the key out"),
    "null": ("`{word}` is not a value: TOML has no null", "leave the key out"),
    "nil": ("`{word}` is not a value: TOML has no null", "leave the key out"),
}

Fault = tuple[str, str | None]
"""A message and its help."""


def toml_fault(source: SourceText, error: ValueError) -> Diagnostic:
    """Return the finding that a TOMLDecodeError stands for."""
    text = source.text
    offset = _offset(text, str(error))
    message = _PLACE.sub("", str(error))
    if message.startswith(_TWICE):
        found = _twice(source, text[:offset])
        if found is not None:
            return found
    if message.startswith("Expected newline") and _NUMBER_GOES_ON.match(text, offset):
        # The parser took the beginning of a malformed number for a number; all of it is at fault.
        before = _NUMBER_BEFORE.search(text, max(0, offset - 40), offset)
        if before is not None:
            offset, message = before.start(), "Invalid value"
    said, help = explain(message, text, offset)
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    rest = _WORD.match(text, offset)
    width = len(rest.group()) if rest else int(offset < len(text) and text[offset] not in "\r\n")
    span = TextSpan(Position(line, column), Position(line, column + width))
    return Diagnostic("SN101", said, help=help, file=source.file, span=span)


def explain(message: str, text: str, offset: int) -> Fault:
    """Return message and help for what the parser says about a place in a string."""
    rest = text[offset : offset + 200]
    if message.startswith("Invalid initial") and text[:offset].rstrip(" \t").endswith(("{", ",")):
        return _inline_table(message, rest)
    for start, explanation in _EXPLANATIONS:
        if message.startswith(start):
            return explanation(message, rest)
    return message[:1].lower() + message[1:], None


def _offset(text: str, message: str) -> int:
    found = _PLACE.search(message)
    if found is None or found[1] is None:
        return len(text.rstrip())
    start = 0
    for _ in range(int(found[1]) - 1):
        start = text.index("\n", start) + 1
    return min(start + int(found[2]) - 1, len(text))


def _twice(source: SourceText, before: str) -> Diagnostic | None:
    try:
        positions = locate(before, "toml")
    except RecursionError:
        return None
    return duplicate_fault(source, positions, -1) if positions.duplicates else None


def _value(_: str, rest: str) -> Fault:
    found = _WORD.match(rest)
    word = clipped(found.group()) if found else ""
    if re.match(r"[\w-]+[ \t]*=", rest):
        return f"`{word} =` appears where a value is expected", "close the array or table before it"
    if not word:
        return (
            "a value is missing here",
            "write a number, true, false, a string in quotes, [ ... ] or { ... }",
        )
    if word.lower() in _WORDS:
        said, help = _WORDS[word.lower()]
        return said.format(word=word), help
    if re.fullmatch(r"[+-]?(?:\.\d\S*|[\d_]+\.)", word):
        return f"`{word}` is not a number", "a number has digits on both sides of its point: 0.5, 1.0"
    if re.fullmatch(r"\d{4}-\d\S*|\d+:\S*", word):
        return f"`{word}` is not a date or a time", None
    if re.fullmatch(r"[+-]?\d\S*", word):
        return f"`{word}` is not a number", "write it as 10, 0.5 or 1e-3, without leading zeros"
    if word[0] in "\"'":
        return "the string that starts here is not closed", None
    return f"`{word}` is not a value", f'strings are written in quotes: "{word}"'


def _equals(_: str, rest: str) -> Fault:
    if rest.startswith(":"):
        return "`:` appears where `=` is expected", "TOML writes `key = value`"
    found = _WORD.match(rest)
    said = (
        f"`=` is missing before `{clipped(found.group())}`"
        if found
        else "`= value` is missing after this key"
    )
    return said, "TOML is written `key = value`; a key of several words needs quotes"


def _newline(_: str, rest: str) -> Fault:
    found = _REST.match(rest)
    what = clipped(found.group()) if found else clipped(rest[:1])
    if what.startswith(","):
        return (
            f"`{what}` follows a value",
            "several values go in brackets: [1, 2]; a fraction has a point: 0.5",
        )
    return f"`{what}` follows a complete value", "each `key = value` has a line of its own"


def _statement(_: str, rest: str) -> Fault:
    if rest[:1] in "{}":
        return "a TOML line cannot begin with a brace", "a JSON document's file is named .json"
    if rest[:1] == "=":
        return "a key is missing before `=`", None
    return f"`{clipped(rest[:1])}` cannot begin a line", "a line is `key = value`, `[table]` or `# comment`"


def _key(_: str, rest: str) -> Fault:
    first = clipped(rest[:1])
    if first in {"", "\\n", "\\r"}:
        return "a key is missing here", None
    return f"`{first}` cannot begin a key", "a key is of letters, digits, `_` and `-`, or in quotes"


def _array(_: str, rest: str) -> Fault:
    found = _WORD.match(rest)
    if found:
        return f"`{clipped(found.group())}` follows an array's value without a comma", "write [1, 2]"
    return "this array is not closed", "end it with `]`"


def _inline_table(_: str, rest: str) -> Fault:
    if rest[:1] in {"\n", "\r", "#"}:
        help = "put it on one line, or write it as a [table] of its own"
        return "an inline table `{ ... }` cannot continue on the next line", help
    found = _WORD.match(rest)
    if found:
        return f"`{clipped(found.group())}` follows an inline table's value without a comma", None
    return "this inline table is not closed", "end it with `}`"


def _header(message: str, _: str) -> Fault:
    brackets = "]]" if "]]" in message else "]"
    return f"this table's header is not closed by `{brackets}`", None


def _escape(_: str, __: str) -> Fault:
    help = "double it, or put the string in single quotes: 'C:\\data'"
    return "a backslash in double quotes starts an escape sequence, and this is not a valid one", help


def _unterminated(_: str, __: str) -> Fault:
    return "the string that starts before this point is not closed", "close it with the quotes that opened it"


def _character(message: str, rest: str) -> Fault:
    if rest[:1] in {"\n", "\r"} or "\\n" in message or "\\r" in message:
        help = 'close the quotes, or write a multi-line string in """ ... """'
        return "the string is not closed on its line", help
    code = f"U+{ord(rest[0]):04X}" if rest else "a control character"
    return f"the character {code} is not allowed in TOML", "remove it"


_EXPLANATIONS = (
    ("Invalid value", _value),
    ("Expected '='", _equals),
    ("Expected newline", _newline),
    ("Invalid statement", _statement),
    ("Invalid initial character", _key),
    ("Unclosed array", _array),
    ("Unclosed inline table", _inline_table),
    ("Expected ']", _header),
    ("Unescaped", _escape),
    ("Unterminated", _unterminated),
    ("Expected \"'''\"", _unterminated),
    ("Expected '\"'", _unterminated),
    ('Expected "\'"', _unterminated),
    ("Illegal character", _character),
    ("Found invalid character", _character),
)
