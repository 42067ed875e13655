"""Values with what they take, so that references can be bounded without walking what they stand for again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

NUMBER_SIZE = 8


class Measured(NamedTuple):
    """A value without references, and what it takes."""

    value: Any
    values: int
    """The number of values in it, itself included."""
    size: int
    """The number of characters in it."""
    depth: int = 0
    """How deep tables and arrays nest in it."""


def scalar(value: Any) -> Measured:
    """Return a value that is neither a table nor an array, measured."""
    return Measured(value, 1, len(value) if isinstance(value, str) else NUMBER_SIZE)


def table(found: Mapping[str, Measured]) -> Measured:
    """Return a table of measured values."""
    items = found.values()
    return Measured(
        {key: item.value for key, item in found.items()},
        1 + sum(item.values for item in items),
        sum(item.size + len(key) for key, item in found.items()),
        1 + max((item.depth for item in items), default=0),
    )


def array(items: Sequence[Measured]) -> Measured:
    """Return an array of measured values."""
    return Measured(
        [item.value for item in items],
        1 + sum(item.values for item in items),
        sum(item.size for item in items),
        1 + max((item.depth for item in items), default=0),
    )
