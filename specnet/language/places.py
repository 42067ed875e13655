"""Places in a resolved document, and where they are in the one that was written."""

from __future__ import annotations

from specnet.diagnostics import KeyPath

_LAYERS = "layers"


def written_path(path: KeyPath, written_out: frozenset[KeyPath]) -> KeyPath:
    """Return the place in the written document of a place in the resolved one."""
    found: list[str | int] = []
    at = 0
    while at < len(path):
        if path[:at] in written_out and path[at] == _LAYERS and at + 1 < len(path):
            at += 2
        else:
            found.append(path[at])
            at += 1
    return tuple(found)
