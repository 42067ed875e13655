"""Ops that normalise the columns or the rows of a matrix, each a few passes over memory, forward and back.

Layers bring what they normalise into such a matrix (n, m): a column is a feature over all places of the batch, a
row what one example, or a group of its features, holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from specnet.graph.attributes import Attributes, Prepared
from specnet.graph.graph import Op, Value
from specnet.graph.ops import normalising_numpy as source
from specnet.graph.ops.joining import crop
from specnet.graph.ops.shaping import reshape
from specnet.graph.record import GRADIENT_ONLY, Unexportable
from specnet.graph.rules import Scratch, like_first, per_input
from specnet.graph.sizes import Kind, Shape, static


class EpsilonAttributes(Attributes):
    """What is added to the variance."""

    epsilon: float


class RowAttributes(Attributes):
    """Whether the mean is taken away, and what is added to the variance."""

    center: bool
    epsilon: float


TILE = 16_384
"""Elements of one tile, which scratch arrays hold: 64 KiB of float32, a handful of which share a core's L2 cache."""

LONG_TILE = 65_536
"""Elements of a tile whose columns are summed up: calls are so long that workers do not wait for each other at each."""

MOMENTS_TILE = 131_072
"""Elements of what workers share as tiles for moments."""

LINE = 4_096
"""Elements of a vector with a number for each column that is repeated, to be combined with long lines of rows."""


def _columns(x: Value) -> int:
    assert x.rank == 2
    return static(x.shape[1])


def _column_scratch(*tiles: int, vectors: int) -> Scratch:
    """Return what a kernel over the columns of a matrix needs: so many elements by row, then vectors."""

    def scratch(value: Value) -> Sequence[Kind]:
        columns = _columns(value.inputs[0])
        vector: Shape = (vectors, columns) if vectors > 1 else (columns,)
        shapes: list[Shape] = [(max(1, tile // columns), columns) for tile in tiles]
        return [(shape, value.dtype) for shape in (*shapes, vector)]

    return scratch


def _row_scratch(vectors: int) -> Scratch:
    """Return what a kernel over the rows of a matrix needs: a tile, then vectors with a number for each row of it."""

    def scratch(value: Value) -> Sequence[Kind]:
        columns = _columns(value.inputs[0])
        rows = max(1, TILE // columns)
        return [((rows, columns), value.dtype), *[((rows,), value.dtype)] * vectors]

    return scratch


def _ones(tile: int) -> Callable[[Value], dict[str, Prepared]]:
    def ones(value: Value) -> dict[str, Prepared]:
        return {"ones": Prepared("filled", (max(1, tile // _columns(value.inputs[0])), 1.0, value.dtype))}

    return ones


def _average(value: Value) -> dict[str, Prepared]:
    columns = _columns(value.inputs[0])
    return {"average": Prepared("filled", (columns, 1.0 / columns, value.dtype))}


def _per_column(rows: int) -> Callable[[tuple[Value, ...], Attributes], Kind]:
    return lambda inputs, _: ((rows, _columns(inputs[0])), inputs[0].dtype)


batch_moments: Op[Attributes] = Op(
    "batch_moments",
    _per_column(3),
    "batch_moments({a}, {ones}, {s}, {s2}, {s3}, {o})",
    flops=per_input(4),
    scratch=_column_scratch(MOMENTS_TILE, LINE, vectors=1),
    prepare=_ones(MOMENTS_TILE),
    noun="moments",
    helper=(source.BATCH_MOMENTS,),
    onnx=Unexportable("it looks at a whole batch, which predictions never do"),
)
"""Mean, variance, and variance divided by n - 1, of each column: (n, m) to (3, m).

It has no gradient of its own: `batch_norm` has that of what the moments do in it.
"""

_SUMS = "batch_norm_sums({a}, {b}, {c}, {epsilon}, {ones}, {s}, {s2}, {s3}, {overwrite}, {o})"

batch_norm_sums: Op[EpsilonAttributes] = Op(
    "batch_norm_sums",
    _per_column(2),
    _SUMS,
    attributes=EpsilonAttributes,
    flops=per_input(4),
    scratch=_column_scratch(LONG_TILE, LINE, vectors=2),
    prepare=_ones(LONG_TILE),
    calls=True,
    sums=lambda _: _SUMS,
    noun="sums",
    helper=(source.NORMAL, source.BATCH_NORM_SUMS),
    onnx=GRADIENT_ONLY,
)
"""The sums of g and of g * normalised x over each column, given g, x and the moments: (n, m) to (2, m)."""

batch_norm_grad: Op[EpsilonAttributes] = Op(
    "batch_norm_grad",
    like_first,
    "batch_norm_grad({a}, {b}, {c}, {d}, {e}, {epsilon}, {n}, {s}, {s2}, {s3}, {s4}, {o})",
    attributes=EpsilonAttributes,
    flops=per_input(5),
    scratch=_column_scratch(LINE, LINE, LINE, vectors=2),
    prepare=lambda value: {"n": Prepared("itself", (value.shape[0],))},
    calls=True,
    noun="slopes",
    helper=(source.NORMAL, source.BATCH_NORM_GRAD),
    onnx=GRADIENT_ONLY,
)
"""The gradient of x in `batch_norm`, given g, x, the moments, the sums and gamma."""


def _column_pullback(
    g: Value, y: Value, x: Value, moments: Value, gamma: Value, beta: Value, epsilon: float
) -> tuple[Value | None, ...]:
    sums = batch_norm_sums(g, x, moments, epsilon=epsilon)
    to_x = batch_norm_grad(g, x, moments, sums, gamma, epsilon=epsilon)
    return to_x, None, row_of(sums, 1), row_of(sums, 0)


batch_norm: Op[EpsilonAttributes] = Op(
    "batch_norm",
    like_first,
    "batch_norm({a}, {b}, {c}, {d}, {epsilon}, {s}, {s2}, {s3}, {o})",
    _column_pullback,
    attributes=EpsilonAttributes,
    flops=per_input(2),
    scratch=_column_scratch(LINE, LINE, vectors=1),
    calls=True,
    noun="normal",
    helper=(source.NORMAL, source.BATCH_NORM),
    onnx="""\
root = Sqrt(Add(Gather(b, [1], axis=0), {epsilon}))
Add(Mul(c, Div(Sub(a, Gather(b, [0], axis=0)), root)), d)""",
)
"""gamma * (x - mean) / sqrt(variance + epsilon) + beta by column, given x, its moments, gamma and beta.

The gradient of x is the whole one, what flows through the moments included: they must be those of x.
"""


def row_of(x: Value, index: int) -> Value:
    """Return one row of a matrix of fixed size."""
    rows, columns = map(static, x.shape)
    return reshape(crop(x, margins=((index, rows - 1 - index), (0, 0))), shape=(columns,))


layer_norm_grad: Op[RowAttributes] = Op(
    "layer_norm_grad",
    like_first,
    "layer_norm_grad({a}, {b}, {c}, {center}, {epsilon}, {average}, {s}, {s2}, {s3}, {o})",
    attributes=RowAttributes,
    flops=per_input(12),
    scratch=_row_scratch(2),
    prepare=_average,
    noun="slopes",
    helper=(source.LAYER_NORM_GRAD,),
    onnx=GRADIENT_ONLY,
)
"""The gradient of x in `layer_norm`, given g, what it gave, and x."""


def _layer_norm_onnx(value: Value) -> str:
    x = "Sub(a, ReduceMean(a, [1], keepdims=1))" if layer_norm.of(value).center else "a"
    return f"x = {x}\nDiv(x, Sqrt(Add(ReduceMean(Mul(x, x), [1], keepdims=1), {{epsilon}})))"


layer_norm: Op[RowAttributes] = Op(
    "layer_norm",
    like_first,
    "layer_norm({a}, {center}, {epsilon}, {average}, {s}, {s2}, {o})",
    lambda g, y, x, center, epsilon: (layer_norm_grad(g, y, x, center=center, epsilon=epsilon),),
    attributes=RowAttributes,
    flops=per_input(6),
    scratch=_row_scratch(1),
    prepare=_average,
    noun="normal",
    helper=(source.LAYER_NORM,),
    onnx=_layer_norm_onnx,
)
"""(x - mean) / sqrt(variance + epsilon) of each row; without `center`, x / sqrt(mean(x^2) + epsilon)."""
