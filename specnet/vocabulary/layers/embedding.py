from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


class Embedding(Layer):
    """y = the row of a trained table for each index.  x (batch, ...) -> y (batch, ..., output_dim).

    x holds whole numbers from 0 to input_dim - 1, such as categories encoded as indices; anything else ends the run
    with a message. No gradient flows to x, so the layer must come first, or after layers that only move numbers. The
    table, `embeddings`, is (input_dim, output_dim), and is initialised uniformly between -0.05 and 0.05 as in Keras;
    PyTorch uses the standard normal distribution.
    """

    type: Literal["embedding"] = "embedding"
    input_dim: Annotated[PositiveInt, Field(examples=[17])]
    """The number of indices."""
    output_dim: Annotated[PositiveInt, Field(examples=[8])]
    """The number of output features per index."""
    embeddings_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("uniform")
    """Initializer of the table."""
    embeddings_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the table that is added to the loss."""

    def lower(self, build: Builder, x: Value) -> Value:
        shape = (self.input_dim, self.output_dim)
        table = build.parameter("embeddings", shape, self.embeddings_init, self.embeddings_regularizer)
        return ops.gather(table, ops.indices(x, size=self.input_dim, who=build.scope.name))
