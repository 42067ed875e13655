"""Which single keys and values TOML accepts."""

from __future__ import annotations

import re
import tomllib

_PLAIN = re.compile(
    r"""
    true | false
    | [+-]?(?:0|[1-9](?:_?[0-9]){0,400})(?:\.[0-9](?:_?[0-9]){0,400})?(?:[eE][+-]?[0-9]{1,9})?
    | "[^"\\\x00-\x08\x0a-\x1f\x7f]*"
    | '[^'\x00-\x08\x0a-\x1f\x7f]*'
    """,
    re.VERBOSE,
)
"""Nearly all values of a document, which need not be parsed to know that they are well-formed."""

_NEWER = re.compile(
    r"""
    "(?:[^\\]|\\[^ex])*+\\[ex].*
    | (?:\d{4}-\d\d-\d\d[Tt\ ])?\d\d:\d\d(?:[Zz]|[+-]\d\d:\d\d)?
    """,
    re.VERBOSE | re.DOTALL,
)
"""Values that TOML 1.1 has and TOML 1.0 has not, which Python reads from version 3.15 on."""

_LIKELY = re.compile(r"[0-9+\-\"']|inf|nan")
"""How a number, a date or a string begins."""


def is_value(text: str) -> bool:
    """Return whether a piece of text is one value of TOML 1.0; raises ValueError for a number with too many digits."""
    if _PLAIN.fullmatch(text) is not None:
        return True
    if _LIKELY.match(text) is None:
        return False
    try:
        tomllib.loads(f"k={text}")
    except tomllib.TOMLDecodeError:
        return False
    return _NEWER.fullmatch(text) is None
