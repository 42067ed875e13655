"""How keys and values look in a sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from specnet.diagnostics import KeyPath
from specnet.diagnostics.text import clipped

_WIDTH = 40

TYPOGRAPHIC = "\u201c\u201d\u201e\u2018\u2019"
"""Quotes that word processors write, and that are none to TOML and JSON."""


def dotted(path: KeyPath) -> str:
    """Return a key path as `--set` takes it, such as `layers.0.units`."""
    return ".".join(clipped(str(step)) for step in path)


def shown_key(path: KeyPath) -> str:
    """Return a key path in code marks."""
    return f"`{dotted(path)}`"


def shown(value: Any) -> str:
    """Return a document's value as it is written, or what it is where that would be long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, str):
        return f'"{clipped(value)}"'
    if isinstance(value, int):
        # Python refuses to write out integers of more than a few thousand digits.
        return str(value) if abs(value) < 10**_WIDTH else "a number of more than forty digits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return _shown_array(value)
    return noun(value)


def noun(value: Any) -> str:
    """Return what sort of value it is: `a string`, `a whole number`."""
    if value is None:
        return "null"
    for kind, name in _NOUNS:
        if isinstance(value, kind):
            return name
    return f"a Python {type(value).__name__}"


_NOUNS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "a string"),
    (dict, "a table"),
    (list, "an array"),
    (tuple, "an array"),
    (dt.datetime, "a date and time"),
    (dt.date, "a date"),
    (dt.time, "a time"),
)


def _shown_array(value: Sequence[Any]) -> str:
    if not value:
        return "an empty array"
    if len(value) <= 6 and all(isinstance(v, int | float | str) for v in value):
        text = f"[{', '.join(map(shown, value))}]"
        if len(text) <= _WIDTH:
            return text
    return f"an array of {len(value)}"


def straight_quotes(word: str) -> tuple[str, str]:
    """Return message and help for a word in typographic quotes."""
    return f"`{word}` is in typographic quotes", f'write straight ones: "{word.strip(TYPOGRAPHIC)}"'
