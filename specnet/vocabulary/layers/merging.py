"""Layers that make one value of several."""

from __future__ import annotations

from functools import reduce
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specnet.graph import ops
from specnet.graph.builder import Builder, LengthUse, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.leaves import constant
from specnet.graph.sizes import Shape, broadcast, show
from specnet.vocabulary.layers import ALL_STEPS, Layer

Values = tuple[Value, ...]


class Merge(Layer):
    """Base of layers that merge several values, named by `inputs`, into one."""

    inputs: Annotated[tuple[str, ...], Field(min_length=2, examples=[["dense_1", "dense_2"]])]
    """The names of the layers whose outputs it takes, with `"input"` for the input of the list of layers that contains
    it."""
    takes: ClassVar[tuple[int, int | None]] = (2, None)
    masking: ClassVar[MaskUse] = "each"
    lengths: ClassVar[LengthUse | None] = "any"

    def lower_all(self, build: Builder, xs: Values) -> Value:
        return combined(self.type, xs)

    def lower(self, build: Builder, x: Value) -> Value:
        return self.lower_all(build, (x,))


class _Pair(Merge):
    inputs: Annotated[tuple[str, ...], Field(min_length=2, max_length=2, examples=[["dense_1", "dense_2"]])]
    """The names of the two layers whose outputs it takes, with `"input"` for the input of the list of layers that
    contains it."""
    takes: ClassVar[tuple[int, int | None]] = (2, 2)


class Add(Merge):
    """a + b + ...  Values (batch, ...) of one shape -> y of that shape; axes of 1 are broadcast, as in Keras."""

    type: Literal["add"] = "add"


class Subtract(_Pair):
    """a - b.  Values (batch, ...) of one shape -> y of that shape; axes of 1 are broadcast."""

    type: Literal["subtract"] = "subtract"


class Multiply(Merge):
    """a * b * ..., by element.  Values (batch, ...) of one shape -> y of that shape; axes of 1 are broadcast."""

    type: Literal["multiply"] = "multiply"


class Average(Merge):
    """(a + b + ...) / n of n values.  Values (batch, ...) of one shape -> y of that shape; axes of 1 are broadcast."""

    type: Literal["average"] = "average"


class Maximum(Merge):
    """max(a, b, ...), element by element.  Values (batch, ...) of one shape -> y of that shape.

    Axes of size 1 are broadcast. Among equal elements the last one gets the gradient; PyTorch and Keras divide it
    among them.
    """

    type: Literal["maximum"] = "maximum"


class Minimum(Merge):
    """min(a, b, ...), element by element.  Values (batch, ...) of one shape -> y of that shape.

    Axes of size 1 are broadcast. Among equal elements the last one gets the gradient; PyTorch and Keras divide it
    among them.
    """

    type: Literal["minimum"] = "minimum"


class Concat(Merge):
    """Concatenate values along one axis, in the order of `inputs`; the sizes of all other axes must agree."""

    type: Literal["concat"] = "concat"
    axis: int = -1
    """The axis to concatenate: the batch axis is 0, the first axis of an example 1, the last axis -1."""

    def lower_all(self, build: Builder, xs: Values) -> Value:
        return joined(build, xs, self.axis)

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        return ALL_STEPS if self.axis in (1, 1 - xs[0].rank) else None


class Dot(_Pair):
    """The inner product of two values' rows: sum_i a_i b_i.  a, b (batch, n) -> y (batch, 1).

    With `normalize` it is the cosine of the angle between them: each is divided by its length or 1e-12, whichever is
    larger, as in PyTorch's `normalize`.
    """

    type: Literal["dot"] = "dot"
    normalize: bool = False
    """Whether to scale both to length 1 first."""

    def lower_all(self, build: Builder, xs: Values) -> Value:
        a, b = xs
        if a.rank != 2 or a.shape != b.shape:
            raise ShapeFault(
                f"dot takes two values (batch, n) with the same n, got {show(a.shape)} and {show(b.shape)}",
                b if a.rank == 2 else a,
                help="`flatten` reduces values to one axis" if a.rank != 2 or b.rank != 2 else None,
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
            raise ShapeFault(message, x, help=_help(shape, x.shape))
        shape = joined
    if kind == "average":
        return reduce(ops.add, xs) * (1.0 / len(xs))
    return reduce(getattr(ops, kind), xs)


def _help(a: Shape, b: Shape) -> str:
    if len(a) == len(b) and a[:-1] == b[:-1]:
        return (
            f"a dense layer with units = {a[-1]} (for images, a conv2d with kernel_size = 1) gives one the shape "
            "of the other"
        )
    return "`concat` joins values that differ in one axis; `flatten` reduces them to one axis"


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
                help="`flatten` reduces values to one axis" if x.rank != rank or rank > 2 else None,
            )
    return ops.concat(*xs, axis=place)


def joined(build: Builder, xs: Values, axis: int) -> Value:
    """Return values side by side along an axis, and where this is that of steps, with a mask of all of theirs."""
    y = concatenated(xs, axis)
    masks = [build.mask_of(x) for x in xs]
    if axis % y.rank == 1 and y.rank > 2 and any(mask is not None for mask in masks):
        ones = constant(y.graph, 1.0)
        all_masks = [
            ops.expand(ones, shape=x.shape[:2]) if m is None else m for x, m in zip(xs, masks, strict=True)
        ]
        build.mask(y, ops.concat(*all_masks, axis=1))
    else:
        build.pass_masks(xs, y)
    return y


def _without(x: Value, axis: int) -> Shape:
    return x.shape[:axis] + x.shape[axis + 1 :]
