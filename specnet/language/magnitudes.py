"""Numbers of a document that are too large to be computed with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from specnet.diagnostics import KeyPath
from specnet.vocabulary.kind import Table, fault

FLOAT32 = 3.4028234663852886e38
"""The largest number of float32."""

INT64 = 2**63 - 1
"""The largest number that a step is counted with."""


def real_faults(
    value: Any, path: KeyPath, dtype: Literal["float32", "float64"]
) -> Iterator[PydanticCustomError]:
    """Yield a fault for each real number in a value of a document that is not finite in its dtype."""
    if dtype == "float64":  # in which a document's numbers are read
        return
    for place, number in _numbers(value, path):
        if abs(number) > FLOAT32 and type(number) is float:
            message = f"`{_key(place)}` is too large for float32, whose largest number is about 3.4e38"
            yield fault(message, key=place, code="SN208", help='a smaller number, or dtype = "float64"')


def whole_faults(value: Any, path: KeyPath) -> Iterator[PydanticCustomError]:
    """Yield a fault for each whole number in a value of a document that no step can be counted with."""
    for place, number in _numbers(value, path):
        if isinstance(number, int) and abs(number) > INT64:
            yield fault(f"`{_key(place)}` must be at most 2^63 - 1", key=place, code="SN208")


def _numbers(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, int | float]]:
    if isinstance(value, Table):
        value = vars(value)
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(inner, str | bool | None):  # as most are
                yield from _numbers(inner, (*path, key))
    elif isinstance(value, tuple):
        for index, inner in enumerate(value):
            yield from _numbers(inner, (*path, index))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def _key(path: KeyPath) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")
