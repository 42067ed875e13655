"""Layers that make one value of several."""

from __future__ import annotations

from functools import reduce
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import Shape, broadcast, show
from specnet.vocabulary.layers.layer import Layer

Values = tuple[Value, ...]


class Merge(Layer):
    """What makes one value of several, which `inputs` names."""

    inputs: Annotated[tuple[str, ...], Field(min_length=2, examples=[["dense_1", "dense_2"]])]
    """The names of the layers whose results it takes, `"input"` for what comes into the list of layers that it
    stands in."""
    takes: ClassVar[tuple[int, int | None]] = (2, None)

    def lower_all(self, build: Builder, xs: Values) -> Value:  # noqa: ARG002
        return combined(self.type, xs)


class _Pair(Merge):
    inputs: Annotated[tuple[str, ...], Field(min_length=2, max_length=2, examples=[["dense_1", "dense_2"]])]
    """The names of the two layers whose results it takes, `"input"` for what comes into the list of layers that it
    stands in."""
    takes: ClassVar[tuple[int, int | None]] = (2, 2)


class Add(Merge):
    """a + b + ...  Values (batch, ...) of one shape -> y of that shape; axes of 1 are stretched, as in Keras."""

    type: Literal["add"] = "add"


class Subtract(_Pair):
    """a - b.  Values (batch, ...) of one shape -> y of that shape; axes of 1 are stretched."""

    type: Literal["subtract"] = "subtract"


class Multiply(Merge):
    """a * b * ..., by elements.  Values (batch, ...) of one shape -> y of that shape; axes of 1 are stretched."""

    type: Literal["multiply"] = "multiply"


class Average(Merge):
    """(a + b + ...) / n of n values.  Values (batch, ...) of one shape -> y of that shape; axes of 1 are stretched."""

    type: Literal["average"] = "average"


class Maximum(Merge):
    """The largest, element by element.  Values (batch, ...) of one shape -> y of that shape; axes of 1 are stretched.

    Of equal elements the last one gets the gradient; PyTorch and Keras share it among them.
    """

    type: Literal["maximum"] = "maximum"


class Minimum(Merge):
    """The smallest, element by element.  Values (batch, ...) of one shape -> y of that shape; axes of 1 are stretched.

    Of equal elements the last one gets the gradient; PyTorch and Keras share it among them.
    """

    type: Literal["minimum"] = "minimum"


class Concat(Merge):
    """The values side by side along one axis, in the order of `inputs`; in all other axes their sizes agree."""

    type: Literal["concat"] = "concat"
    axis: int = -1
    """The axis along which they are joined: the batch's is 0, the first of an example's 1, the last -1."""

    def lower_all(self, build: Builder, xs: Values) -> Value:  # noqa: ARG002
        return concatenated(xs, self.axis)


class Dot(_Pair):
    """The inner product of two values' rows: sum_i a_i b_i.  a, b (batch, n) -> y (batch, 1).

    With `normalize` it is the cosine of the angle between them, each divided by its length or 1e-12 if that is
    more, as PyTorch's `normalize` does.
    """

    type: Literal["dot"] = "dot"
    normalize: bool = False
    """Whether both are brought to length 1 first."""

    def lower_all(self, build: Builder, xs: Values) -> Value:  # noqa: ARG002
        a, b = xs
        if a.rank != 2 or a.shape != b.shape:
            raise ShapeFault(
                f"dot takes two values (batch, n) with the same n, got {show(a.shape)} and {show(b.shape)}",
                b if a.rank == 2 else a,
                help="`flatten` brings values to one axis" if a.rank != 2 or b.rank != 2 else None,
            )
        return ops.sum_last(_unit(a) * _unit(b) if self.normalize else a * b)


def _unit(x: Value) -> Value:
    return x / ops.maximum(ops.sqrt(ops.sum_last(ops.square(x))), 1e-12)


def combined(kind: str, xs: Values) -> Value:
    """Return values of one shape as one, element by element; raise ShapeFault where their shapes do not fit."""
    shape = xs[0].shape
    for x in xs[1:]:
        joined = broadcast(shape, x.shape) if x.rank == xs[0].rank else None
        if joined is None:
            message = f"{kind} takes values of one shape, got {show(shape)} and {show(x.shape)}"
            raise ShapeFault(message, x, help=_cure(shape, x.shape))
        shape = joined
    if kind == "average":
        return reduce(ops.add, xs) * (1.0 / len(xs))
    return reduce(getattr(ops, kind), xs)


def _cure(a: Shape, b: Shape) -> str:
    if len(a) == len(b) and a[:-1] == b[:-1]:
        return (
            f"a dense layer with units = {a[-1]} (for images, a conv2d with kernel_size = 1) brings one to the shape "
            "of the other"
        )
    return "`concat` joins values that differ in one axis; `flatten` brings them to one axis"


def concatenated(xs: Values, axis: int) -> Value:
    """Return values side by side along an axis; raise ShapeFault where they differ in another."""
    rank = xs[0].rank
    place = axis + rank if axis < 0 else axis
    if not 0 < place < rank:
        raise ShapeFault(f"`axis` = {axis} is not an axis of an example of {show(xs[0].shape)}", xs[0])
    for x in xs[1:]:
        if x.rank != rank or _without(x, place) != _without(xs[0], place):
            raise ShapeFault(
                f"concat joins values that differ in axis {place} alone, got {show(xs[0].shape)} and "
                f"{show(x.shape)}",
                x,
                help="`flatten` brings values to one axis" if x.rank != rank or rank > 2 else None,
            )
    return ops.concat(*xs, axis=place)


def _without(x: Value, axis: int) -> Shape:
    return x.shape[:axis] + x.shape[axis + 1 :]
