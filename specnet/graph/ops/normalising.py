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


def _columns(x: Value) -> int:
    assert x.rank == 2
    return static(x.shape[1])


def _scratch(tiles: int, vectors: int, *, by: int) -> Scratch:
    """Return what a kernel over a matrix needs: tiles, then a number for each column (`by` 1) or row (0) of them."""

    def scratch(value: Value) -> Sequence[Kind]:
        columns = _columns(value.inputs[0])
        tile = (max(1, TILE // columns), columns)
        parts: Shape = (vectors, tile[by]) if vectors > 1 and by == 1 else (tile[by],)
        several = vectors if by == 0 else 1
        return [(tile, value.dtype)] * tiles + [(parts, value.dtype)] * several

    return scratch


def _ones(value: Value) -> dict[str, Prepared]:
    return {"ones": Prepared("filled", (max(1, TILE // _columns(value.inputs[0])), 1.0, value.dtype))}


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
    scratch=_scratch(2, 1, by=1),
    prepare=_ones,
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
    scratch=_scratch(2, 2, by=1),
    prepare=_ones,
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
    "batch_norm_grad({a}, {b}, {c}, {d}, {e}, {epsilon}, {n}, {s}, {s2}, {s3}, {s4}, {s5}, {o})",
    attributes=EpsilonAttributes,
    flops=per_input(5),
    scratch=_scratch(4, 2, by=1),
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
    scratch=_scratch(2, 1, by=1),
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
    scratch=_scratch(1, 2, by=0),
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
    scratch=_scratch(1, 1, by=0),
    prepare=_average,
    noun="normal",
    helper=(source.LAYER_NORM,),
    onnx=_layer_norm_onnx,
)
"""(x - mean) / sqrt(variance + epsilon) of each row; without `center`, x / sqrt(mean(x^2) + epsilon)."""
