from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic_core import PydanticCustomError

from specnet.vocabulary.kind import fault
from specnet.vocabulary.layers import NAME as LAYER_NAME

NAME = r"""^[^\x00-\x20/\\:*?"<>|.]([^\x00-\x1f/\\:*?"<>|]*[^\x00-\x20/\\:*?"<>|.])?$"""
"""A name that can be a folder's name anywhere."""


def name_faults(key: str, name: str) -> Iterator[PydanticCustomError]:
    """Yield the fault of a name of one of several `inputs` or `outputs`, which is the given key."""
    if re.match(LAYER_NAME, name) is None:
        rule = "letters, digits, `_` and `-`, and does not start with a digit"
        yield fault(f"an {key[:-1]}'s name consists of {rule}", key=(key, name), code="SN209", part="key")


def stem_name(stem: str) -> str:
    """Return a file's stem as a name, which cannot hold what no folder's name may."""
    name = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in stem).strip(" .")
    return name or "spec"
