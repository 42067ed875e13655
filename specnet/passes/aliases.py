"""The array that a value's memory belongs to, and where the value begins in it."""

from __future__ import annotations

from collections.abc import Iterator

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import Count, Powers, count

Start = tuple[Count, ...]
"""Where a part of an array begins: the sum of so many elements."""


def root(value: Value) -> Value:
    """Return the value whose memory this one is a view of."""
    while value.op.alias:
        value = value.inputs[0]
    return value


def unreshaped(value: Value) -> Value:
    """Return the value that has the same elements, as it was before it was reshaped."""
    while value.op is ops.reshape:
        value = value.inputs[0]
    return value


def start_in_root(value: Value) -> Start:
    """Return where a view begins in the memory that it is a view of."""
    start: list[Count] = []
    while value.op.alias:
        if value.op is ops.part and ops.part.of(value).start:
            start.append(Count(ops.part.of(value).start) * count(value.shape[1:]))
        value = value.inputs[0]
    return tuple(start)


def starts_of_parts(joined: Value) -> Iterator[tuple[Value, Start]]:
    """Yield each of the arrays that are joined along the first axis, and where it begins in what they make up."""
    before: dict[Powers, int] = {}
    for part in joined.inputs:
        yield part, tuple(Count(each, powers) for powers, each in before.items())
        before[part.count.powers] = before.get(part.count.powers, 0) + part.count.each
