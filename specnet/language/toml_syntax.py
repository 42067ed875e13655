"""Syntax errors of TOML, in the words of someone who wrote a document."""

from __future__ import annotations

import re
from collections.abc import Callable

from specnet.diagnostics.text import clipped
from specnet.language.wording import TYPOGRAPHIC, straight_quotes

_WORD = re.compile(r"[^\s,\]}\[{#=]+")
_REST = re.compile(r"[^\s#](?:[^#\n]*[^\s#])?")
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


def explain(kind: str, text: str, offset: int) -> Fault:
    """Return message and help for a fault at a place in a text."""
    if kind == "open-line" and text[:offset].endswith('\\"'):
        kind = "escaped-quote"
    return _EXPLANATIONS[kind](text[offset : offset + 200])


def width(kind: str, text: str, offset: int) -> int:
    """Return how many characters of a text a fault at a place in it covers."""
    if kind == "escape":
        return 2
    found = _WORD.match(text, offset)
    if found is not None and kind not in {"key-letter", "character"}:
        return found.end() - offset
    return int(text[offset : offset + 2] != "\r\n" and text[offset : offset + 1] not in ("", " ", "\t", "\n"))


def _value(rest: str) -> Fault:
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
    if word[0] in TYPOGRAPHIC:
        return straight_quotes(word)
    if word[0] in "\"'":
        return "the string that starts here is not closed", None
    return f"`{word}` is not a value", f'strings are written in quotes: "{word}"'


def _equals(rest: str) -> Fault:
    if rest.startswith(":"):
        return "`:` appears where `=` is expected", "TOML writes `key = value`"
    found = _WORD.match(rest)
    said = (
        f"`=` is missing before `{clipped(found.group())}`"
        if found
        else "`= value` is missing after this key"
    )
    return said, "TOML is written `key = value`; a key of several words needs quotes"


def _newline(rest: str) -> Fault:
    found = _REST.match(rest)
    what = clipped(found.group()) if found else clipped(rest[:1])
    if what.startswith(","):
        return (
            f"`{what}` follows a value",
            "several values go in brackets: [1, 2]; a fraction has a point: 0.5",
        )
    return f"`{what}` follows a complete value", "each `key = value` has a line of its own"


def _statement(rest: str) -> Fault:
    if rest[:1] in "{}":
        return "a TOML line cannot begin with a brace", "a JSON document's file is named .json"
    if rest[:1] == "=":
        return "a key is missing before `=`", None
    return f"`{clipped(rest[:1])}` cannot begin a line", "a line is `key = value`, `[table]` or `# comment`"


def _key(rest: str) -> Fault:
    first = clipped(rest[:1])
    if first in {"", "\\n", "\\r"}:
        return "a key is missing here", None
    return f"`{first}` cannot begin a key", "a key is of letters, digits, `_` and `-`, or in quotes"


def _array(rest: str) -> Fault:
    found = _WORD.match(rest)
    if found:
        return f"`{clipped(found.group())}` follows an array's value without a comma", "write [1, 2]"
    return ("a comma is missing before this", None) if rest[:1] in ("[", "{") else _open_array(rest)


def _open_array(_: str) -> Fault:
    return "this array is not closed", "end it with `]`"


def _inline_table(rest: str) -> Fault:
    found = _WORD.match(rest)
    if found:
        return f"`{clipped(found.group())}` follows an inline table's value without a comma", None
    return _open_table(rest)


def _open_table(_: str) -> Fault:
    return "this inline table is not closed", "end it with `}`"


def _line_break(_: str) -> Fault:
    help = "put it on one line, or write it as a [table] of its own"
    return "an inline table `{ ... }` cannot continue on the next line", help


def _trailing_comma(_: str) -> Fault:
    return "an inline table cannot end with a comma", "remove the comma"


def _header(_: str) -> Fault:
    return "this table's header is not closed by `]`", None


def _headers(_: str) -> Fault:
    return "this table's header is not closed by `]]`", None


def _key_letter(rest: str) -> Fault:
    if not rest[0].isprintable() or rest[0].isspace():
        return f"the character U+{ord(rest[0]):04X} is not allowed here", "remove it"
    help = "put the key in quotes: without them, it consists of A-Z, a-z, 0-9, `_` and `-`"
    return f"`{clipped(rest[:1])}` cannot be in a key without quotes", help


def _escape(rest: str) -> Fault:
    help = "put the string in single quotes, 'C:\\data', or double the backslash; a path may be written with `/`, too"
    if rest[1:2] in ("u", "U"):
        return "this escape sequence does not stand for a character", help
    return "a backslash in double quotes starts an escape sequence, and this is not a valid one", help


def _unterminated(_: str) -> Fault:
    return "the string that starts before this point is not closed", "close it with the quotes that opened it"


def _open_line(_: str) -> Fault:
    help = 'close the quotes, or write a multi-line string in """ ... """'
    return "the string is not closed on its line", help


def _escaped_quote(_: str) -> Fault:
    said = 'the string is not closed on its line: `\\"` is an escape sequence, and does not end it'
    return said, "put the string in single quotes, 'C:\\data\\', or leave its last backslash out"


def _character(rest: str) -> Fault:
    if rest[0] == "\r":
        return "a carriage return alone does not end a line", "save the file with line ends LF or CRLF"
    return f"the character U+{ord(rest[0]):04X} is not allowed in TOML", "remove it"


_EXPLANATIONS: dict[str, Callable[[str], Fault]] = {
    "array": _array,
    "character": _character,
    "equals": _equals,
    "escape": _escape,
    "escaped-quote": _escaped_quote,
    "header": _header,
    "headers": _headers,
    "inline-table": _inline_table,
    "key": _key,
    "key-letter": _key_letter,
    "line-break": _line_break,
    "newline": _newline,
    "open-array": _open_array,
    "open-line": _open_line,
    "open-table": _open_table,
    "statement": _statement,
    "trailing-comma": _trailing_comma,
    "unterminated": _unterminated,
    "value": _value,
}
"""The sentence for each kind of fault that the scanner finds."""
