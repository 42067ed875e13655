from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.layers.affine import sizes
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


class PReLU(Layer):
    """y = x where x > 0, else alpha * x, with a trained alpha for each element of an example.

    x (batch, ...) -> y of the same shape. Alpha has the shape of an example, with a size of 1 along `shared_axes`:
    for images, shared_axes = [1, 2] leaves one for each channel, like PyTorch's PReLU(channels) (He et al.,
    2015). Its initial value is 0 as in Keras; the paper and PyTorch use 0.25.
    """

    type: Literal["prelu"] = "prelu"
    alpha_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("zeros")
    """Initializer of alpha."""
    alpha_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on alpha that is added to the loss."""
    shared_axes: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = Field(
        default=None, examples=[[1, 2]]
    )
    """The axes along which alpha is the same, counted from 1; the batch axis is 0."""

    masking: ClassVar[MaskUse] = "each"

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        return None if 1 in (self.shared_axes or ()) else "has a parameter for each step"

    def lower(self, build: Builder, x: Value) -> Value:
        shared = self.shared_axes or ()
        beyond = [axis for axis in shared if axis >= x.rank]
        if beyond:
            raise ShapeFault(
                f"prelu shares alpha along axis {beyond[0]}, and {show(x.shape)} has no such axis",
                x,
                help=f"shared_axes counts from 1 to {x.rank - 1}" if x.rank > 1 else "leave out shared_axes",
            )
        shape = tuple(1 if axis in shared else sizes(x, (axis,))[0] for axis in range(1, x.rank))
        alpha = build.parameter("alpha", shape, self.alpha_init, self.alpha_regularizer)
        return ops.where(ops.greater(x, 0.0), x, x * alpha)
