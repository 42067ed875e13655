from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.builder import Builder, LengthUse, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


class Embedding(Layer):
    """y = the row of a trained table for each index.  x (batch, ...) -> y (batch, ..., output_dim).

    x holds whole numbers from 0 to input_dim - 1, such as categories encoded as indices; anything else ends the run
    with a message. Where x holds tokens, such as those of text, `input_dim` may be left out. No gradient flows to x, so
    the layer must come first, or after layers that only move numbers. The table, `embeddings`, is (input_dim,
    output_dim), and is initialised uniformly between -0.05 and 0.05 as in Keras; PyTorch uses the standard normal
    distribution.
    """

    type: Literal["embedding"] = "embedding"
    input_dim: PositiveInt | None = Field(default=None, examples=[17])
    """The number of indices; by default as many as the vocabulary of the data has tokens."""
    output_dim: Annotated[PositiveInt, Field(examples=[8])]
    """The number of output features per index."""
    padding_index: NonNegativeInt | None = Field(default=None, examples=[0])
    """The index that fills up sequences behind their end: later layers and the loss leave these steps out. Data that
    fill up sequences themselves, such as text, say so without it."""
    embeddings_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("uniform")
    """Initializer of the table."""
    embeddings_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the table that is added to the loss."""

    masking: ClassVar[MaskUse] = "own"
    lengths: ClassVar[LengthUse | None] = "any"

    @table_check()
    def _padding_is_an_index(self) -> Iterator[PydanticCustomError]:
        if self.padding_index is None or self.input_dim is None:
            return
        if self.padding_index >= self.input_dim:
            message = (
                f"`padding_index` must be below `input_dim` = {self.input_dim}, got {self.padding_index}"
            )
            yield fault(message, key="padding_index", code="SN208")

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        return None

    def lower(self, build: Builder, x: Value) -> Value:
        size = self._size(build, x)
        shape = (size, self.output_dim)
        table = build.parameter("embeddings", shape, self.embeddings_init, self.embeddings_regularizer)
        y = ops.gather(table, ops.indices(x, size=size, who=build.scope.name))
        return build.mask(y, self._mask(build, x))

    def _size(self, build: Builder, x: Value) -> int:
        """Return how many indices there are; raise ShapeFault where nobody says it, or tokens are more."""
        size, tokens = self.input_dim, build.tokens_of(x)
        if size is None and tokens is None and build.unread:
            build.assumed.append("the number of tokens, which `input_dim` is by default")
            return 1 if self.padding_index is None else self.padding_index + 1
        if size is None and tokens is None:
            raise ShapeFault(
                "embedding needs `input_dim`: the data have no vocabulary that says how many indices there are",
                x,
                help="one more than the largest index, as in `input_dim = 17`",
            )
        if size is not None and tokens is not None and tokens > size:
            raise ShapeFault(
                f"`input_dim` = {size}, and the vocabulary of the data has {tokens} tokens",
                x,
                help="leave `input_dim` out: it is as many as there are tokens",
            )
        size = tokens if size is None else size
        assert size is not None
        if self.padding_index is not None and self.padding_index >= size:
            raise ShapeFault(f"`padding_index` must be below the {size} indices, got {self.padding_index}", x)
        return size

    def _mask(self, build: Builder, x: Value) -> Value | None:
        """Return which steps of x (batch, steps) are no padding; None for all."""
        known = build.mask_of(x)
        if self.padding_index is None:
            return known
        if x.rank != 2:
            raise ShapeFault(
                f"`padding_index` is for sequences of indices (batch, steps), got {show(x.shape)}",
                x,
                help="leave it out",
            )
        numbers = x if x.dtype == build.dtype else ops.cast(x, to=build.dtype)
        mask = ops.where(ops.equal(numbers, float(self.padding_index)), 0.0, 1.0)
        return mask if known is None else mask * known
