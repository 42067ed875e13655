"""The parsers of Python's own library, and what they are not trusted with; for TOML see `toml_reading`."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 100
"""How deep arrays and tables may nest, far from what the interpreter's stack bears."""

HALF_LETTER = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape for half of a letter beyond U+FFFF, which means nothing without the other half."""


class JsonExtensionError(ValueError):
    """Python's reader met what is not valid JSON: NaN, an infinity, a key given twice, or half of a letter."""


class NestingError(ValueError):
    """A key has more parts than tables may nest deep."""

    def __init__(self, place: int) -> None:
        self.place = place
        super().__init__(f"at {place}")


def load_json(text: str) -> Any:
    """Return what a JSON text says; raises ValueError, JsonExtensionError for what Python alone allows."""
    data = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    if HALF_LETTER.search(text) is not None:
        try:
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise JsonExtensionError from None
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise JsonExtensionError
    return table


def _refuse(word: str) -> Any:
    raise JsonExtensionError(word)


def too_deep(data: Any) -> bool:
    """Return whether arrays and tables nest deeper than `MAX_DEPTH`."""
    level: list[Any] = [data]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
