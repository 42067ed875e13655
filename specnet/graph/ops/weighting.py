"""Numbers of rows over all that a row holds."""

from __future__ import annotations

from specnet.graph.graph import ShapeFault, Value
from specnet.graph.ops.shaping import reshape
from specnet.graph.ops.stretching import expand
from specnet.graph.sizes import Size


def of_rows(weights: Value, like: Value) -> Value:
    """Return the weights (batch,) of rows in a shape that multiplies `like` (batch, ...) row by row.

    The first axis of `like` may also be that of several places of each row, one row after the other. Raises ShapeFault
    where it has no axis of rows.
    """
    (batch,) = weights.shape
    assert isinstance(batch, Size)
    first = like.shape[0] if like.rank else 1
    if not isinstance(first, Size) or first.names != batch.names:
        raise ShapeFault("sample weights multiply what is computed for each row, and this is not", like)
    if first != batch:
        column = reshape(weights, shape=(batch, 1))
        weights = reshape(expand(column, shape=(batch, first.times)), shape=(first,))
    return weights if like.rank == 1 else reshape(weights, shape=(first, *[1] * (like.rank - 1)))
