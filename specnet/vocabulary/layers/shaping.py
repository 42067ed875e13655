from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, Strict

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import count, show
from specnet.vocabulary.layers import Layer


class Flatten(Layer):
    """Flatten each example into one row.  x (batch, ...) -> y (batch, n)."""

    type: Literal["flatten"] = "flatten"

    def lower(self, build: Builder, x: Value) -> Value:
        return ops.flat(x)


class Reshape(Layer):
    """Give each example another shape, with its elements in the same order.  x (batch, ...) -> y (batch, *shape)."""

    type: Literal["reshape"] = "reshape"
    shape: Annotated[tuple[PositiveInt | Literal[-1], ...], Strict(False), Field(min_length=1)]
    """The new shape, without the batch axis; one size may be -1 and is then inferred."""

    def lower(self, build: Builder, x: Value) -> Value:
        size = count(x.shape[1:]).each
        known = 1
        for dim in self.shape:
            known *= dim if dim > 0 else 1
        free = self.shape.count(-1)
        if free > 1 or size % known or (free == 0 and known != size):
            raise ShapeFault(
                f"{show(x.shape[1:])} has {size} elements, which cannot be laid out as {list(self.shape)}", x
            )
        shape = tuple(dim if dim > 0 else size // known for dim in self.shape)
        return ops.reshape(x, shape=(x.shape[0], *shape))


class Permute(Layer):
    """Reorder the axes of an example.  x (batch, ...) -> y; axis i of y is axis `dims`[i] of x.

    As in Keras, axes count from 1: the batch axis does not move, and dims = [2, 1] turns (batch, a, b) into
    (batch, b, a).
    """

    type: Literal["permute"] = "permute"
    dims: Annotated[tuple[PositiveInt, ...], Field(min_length=1, examples=[[2, 1]])]
    """The axes of the input in the order of the output."""

    def lower(self, build: Builder, x: Value) -> Value:
        if sorted(self.dims) != list(range(1, x.rank)):
            there = list(range(1, x.rank))
            raise ShapeFault(
                f"dims = {list(self.dims)} is not an ordering of the {len(there)} axes of {show(x.shape)} besides "
                "the batch axis",
                x,
                help=f"name each of {there} once" if there else "there is nothing to permute",
            )
        return ops.transpose(x, axes=(0, *self.dims))


class LastStep(Layer):
    """The last step of a sequence.  x (batch, steps, ...) -> y (batch, ...)."""

    type: Literal["last_step"] = "last_step"

    def lower(self, build: Builder, x: Value) -> Value:
        steps = x.shape[1] if x.rank > 2 else None
        if not isinstance(steps, int):
            raise ShapeFault(
                f"last_step needs sequences (batch, steps, ...), got {show(x.shape)}",
                x,
                help="the layer before it has to give all steps: `return_sequences = true`",
            )
        last = ops.crop(x, margins=((0, 0), (steps - 1, 0), *((0, 0) for _ in x.shape[2:])))
        return ops.reshape(last, shape=(x.shape[0], *x.shape[2:]))
