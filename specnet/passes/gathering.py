"""The rows of all processes from those of each, and back, along whichever axis they lie."""

from __future__ import annotations

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import BATCH, Count, Dim, Shape, Size, count, globally
from specnet.passes.batch_axis import axis_of


def gathered(x: Value, shape: Shape, outer: int | Count | None) -> Value:
    """Return the whole of a value of which each process has rows `x` of a shape; see `RowPart.outer`."""
    to_front, back, apart_shape = _moved(shape, outer)
    if to_front is None:
        return ops.all_gather(x)
    apart = ops.transpose(ops.reshape(x, shape=apart_shape), axes=to_front)
    together = ops.transpose(ops.all_gather(apart), axes=back)
    return ops.reshape(together, shape=tuple(map(globally, shape)))


def own_rows(x: Value, shape: Shape, outer: int | Count | None) -> Value:
    """Return a process's own rows, of a shape, of a value `x` that all have whole; see `RowPart.outer`."""
    to_front, back, apart_shape = _moved(shape, outer)
    if to_front is None:
        return ops.own_rows(x)
    apart = ops.transpose(ops.reshape(x, shape=tuple(map(globally, apart_shape))), axes=to_front)
    return ops.reshape(ops.transpose(ops.own_rows(apart), axes=back), shape=shape)


def _moved(shape: Shape, outer: int | Count | None) -> tuple[tuple[int, ...] | None, tuple[int, ...], Shape]:
    """Return how axes are exchanged so that a process's rows lie together: there, back, and the shape before.

    Of the axis that grows with the batch, so many places lie outside of it. Without axes, rows lie together already.
    """
    axis = axis_of(shape)
    assert axis is not None, f"{shape} has no rows"
    outside = outer if isinstance(outer, Count) else Count(outer or 1)
    if axis == 0 and outside == Count(1):
        return None, (), shape
    inside = count(shape[axis : axis + 1]) // (outside * count((BATCH,)))
    apart = (*shape[:axis], _dim(outside), BATCH, _dim(inside), *shape[axis + 1 :])
    place = axis + 1
    there = (place, *(number for number in range(len(apart)) if number != place))
    return there, tuple(map(there.index, range(len(apart)))), apart


def _dim(size: Count) -> Dim:
    """Return a number of places as the size of an axis."""
    names = tuple(name for name, power in size.powers for _ in range(power))
    return Size(size.each, names) if names else size.each
