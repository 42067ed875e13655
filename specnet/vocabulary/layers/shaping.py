from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, Strict

from specnet.graph import ops
from specnet.graph.builder import Builder, LengthUse, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import count, show, static
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.layers.masks import beside
from specnet.vocabulary.layers.sequences import places, sequence_sizes


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

    masking: ClassVar[MaskUse] = "own"

    def lower(self, build: Builder, x: Value) -> Value:
        if sorted(self.dims) != list(range(1, x.rank)):
            there = list(range(1, x.rank))
            raise ShapeFault(
                f"dims = {list(self.dims)} is not an ordering of the {len(there)} axes of {show(x.shape)} besides "
                "the batch axis",
                x,
                help=f"name each of {there} once" if there else "there is nothing to permute",
            )
        y = ops.transpose(build.without_padding(x), axes=(0, *self.dims))
        return build.mask(y, build.mask_of(x)) if self.dims[0] == 1 else y


class Masking(Layer):
    """Have later layers and the loss leave out steps all of whose features are `mask_value`.

    x (batch, steps, features) -> y of the same shape, with zeros at these steps. It is Keras's Masking. Data that fill
    up sequences themselves, such as series of different lengths, need none.
    """

    type: Literal["masking"] = "masking"
    mask_value: float = Field(default=0.0, examples=[-1.0])
    """What steps of padding are filled with."""

    masking: ClassVar[MaskUse] = "own"
    lengths: ClassVar[LengthUse | None] = "any"

    def lower(self, build: Builder, x: Value) -> Value:
        batch, steps, _ = sequence_sizes(self.type, x)
        there = ops.where(ops.equal(x, self.mask_value), 0.0, 1.0)
        mask = ops.reshape(ops.reduce_max(there, axis=2), shape=(batch, steps))
        known = build.mask_of(x)
        mask = mask if known is None else mask * known
        return build.without_padding(build.mask(x, mask))


class LastStep(Layer):
    """The last step of a sequence that is not padding.  x (batch, steps, ...) -> y (batch, ...)."""

    type: Literal["last_step"] = "last_step"

    masking: ClassVar[MaskUse] = "own"
    lengths: ClassVar[LengthUse | None] = "masked"

    def lower(self, build: Builder, x: Value) -> Value:
        if x.rank < 3:
            raise ShapeFault(
                f"last_step needs sequences (batch, steps, ...), got {show(x.shape)}",
                x,
                help="the layer before it has to give all steps: `return_sequences = true`",
            )
        there = build.mask_of(x)
        if there is not None:
            return ops.reduce_sum(x * _last(there, x), axes=(1,))
        last = ops.crop(x, margins=((0, 0), (static(x.shape[1]) - 1, 0), *((0, 0) for _ in x.shape[2:])))
        return ops.reshape(last, shape=(x.shape[0], *x.shape[2:]))


def _last(mask: Value, x: Value) -> Value:
    """Return 1 at the last step of x that exists, and 0 elsewhere: (batch, steps, 1, ...)."""
    number = places(mask.graph, mask.shape[1])
    later = ops.where(ops.less(number, ops.reshape(number, shape=(mask.shape[1], 1))), 1.0, 0.0)
    return beside(ops.where(ops.equal(mask @ later, 0.0), mask, 0.0), x)
