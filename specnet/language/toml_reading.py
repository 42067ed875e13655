"""TOML documents as data, whatever version of TOML Python reads."""

from __future__ import annotations

import re
import sys
import tomllib
from typing import Any

from specnet.language.parsers import MAX_DEPTH, NestingError

_LONG_KEY = re.compile(
    rf"""(?:^|[\[{{,])[ \t]*+((?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}})""",
    re.MULTILINE,
)

_PERHAPS_NEWER = r"""(?mx)
    \\[ex] | \d\d:\d\d(?![:\d]) | ,[ \t]*(?:[}\#]|\r?$) | \{[ \t]*(?:\#|\r?$) | ^[ \t]*[},]"""
"""A sign of what TOML 1.1 adds: escapes, times without seconds, inline tables over lines or with a trailing comma.

It looks no further than blanks, so that it takes time linear in the text.
"""


def load_toml(text: str) -> dict[str, Any]:
    """Return what a document of TOML 1.0 says.

    Raises ValueError where it is none, and NestingError for an overlong key.
    """
    # tomllib takes memory with the square of a key's parts, and would take all there is.
    found = _LONG_KEY.search(text) if text.count(".") >= MAX_DEPTH else None
    if found is not None:
        raise NestingError(found.start(1))
    data = tomllib.loads(text)
    # Python 3.15 reads TOML 1.1. A document is valid with each Python, or with none.
    if sys.version_info >= (3, 15) and re.search(_PERHAPS_NEWER, text) is not None:
        from specnet.language.positions import locate

        if locate(text, "toml").faults:
            raise ValueError("TOML 1.1")
    return data
