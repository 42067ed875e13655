"""Data written as TOML: tables as sections, what nests deeper than two of them on one line."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterator
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SECTIONS = 2
"""How deep tables have headers of their own."""


def toml(data: dict[str, Any]) -> str:
    """Return data as a TOML document that `tomllib` reads as the same data; there must be no null in them."""
    return "\n".join(_section((), data)).strip("\n") + "\n"


def _section(path: tuple[str, ...], table: dict[str, Any]) -> Iterator[str]:
    deep = len(path) >= _SECTIONS
    plain = {k: v for k, v in table.items() if deep or not (_is_table(v) or _is_array_of_tables(v))}
    yield from (f"{toml_key(key)} = {toml_value(value)}" for key, value in plain.items())
    for key, value in table.items():
        if key in plain:
            continue
        below = (*path, key)
        name = ".".join(map(toml_key, below))
        if _is_table(value):
            lines = list(_section(below, value))
            if not value or (lines and lines[0] != ""):  # a table with nothing of its own needs no header
                yield from ("", f"[{name}]")
            yield from lines
        else:
            for item in value:
                yield from ("", f"[[{name}]]")
                yield from (f"{toml_key(k)} = {toml_value(v)}" for k, v in item.items())


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_array_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def toml_key(key: str) -> str:
    """Return a key as TOML writes it."""
    return key if _BARE.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_value(value: Any) -> str:
    """Return a value as TOML writes it on one line."""
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dict):
        inner = ", ".join(f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    raise TypeError(f"TOML has no form for {type(value).__name__}")
