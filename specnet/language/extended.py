"""What a document extends, and how documents are merged.

Tables are merged key by key, and everything else is replaced: by a later one of several documents, and at last by the
document that extends them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from specnet.diagnostics import Diagnostic, KeyPath
from specnet.language.recovery import Lost
from specnet.language.spec_source import WrittenPart

EXTENDS = "extends"


SUFFIXES = (".toml", ".json")
"""What the names of documents that others extend end in."""


@dataclass
class Inherited:
    """What a document extends."""

    parts: list[WrittenPart] = field(default_factory=list)
    """The documents, each before those that replace what it says."""
    faults: list[Diagnostic] = field(default_factory=list)
    """What is wrong with them; those with a place are in one of them."""
    lost: list[Lost] = field(default_factory=list)
    """What their syntax errors leave unknown."""
    texts: dict[str, str] = field(default_factory=dict)
    """The texts that their findings name."""
    is_whole: bool = True
    """Whether all of them could be read."""


def extended_names(data: dict[str, Any]) -> list[tuple[KeyPath, str]]:
    """Return the names of the documents that a document extends; none where the model will refuse the key."""
    given = data.get(EXTENDS)
    if isinstance(given, str):
        return [((EXTENDS,), given)]
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        return [((EXTENDS, place), name) for place, name in enumerate(given)]
    return []


def merged(parts: list[WrittenPart]) -> dict[str, Any]:
    """Return the data of documents, each of which replaces what those before it say."""
    found: dict[str, Any] = {}
    for part in parts:
        found = _merged(found, part.data)
    return found


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in over.items():
        below = found.get(key)
        found[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return found
