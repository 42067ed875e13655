from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers.layer import Layer
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


class Embedding(Layer):
    """y = the row of a table that is learnt, for each index.  x (batch, ...) -> y (batch, ..., output_dim).

    x holds whole numbers from 0 to input_dim - 1, such as categories encoded as indices; anything else ends the run
    with a message. No gradient flows to x, so the layer stands first, or behind layers that only move numbers. The
    table, `embeddings`, is (input_dim, output_dim), and starts uniform between -0.05 and 0.05 as in Keras; PyTorch
    starts with the standard normal distribution.
    """

    type: Literal["embedding"] = "embedding"
    input_dim: Annotated[PositiveInt, Field(examples=[17])]
    """How many indices there are."""
    output_dim: Annotated[PositiveInt, Field(examples=[8])]
    """How many features an index becomes."""
    embeddings_init: Annotated[Initializer, INITIALIZERS] = Field(
        default_factory=INITIALIZERS.default("uniform")
    )
    """Where the table starts."""
    embeddings_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """What is added to the loss for a large table."""

    def lower(self, build: Builder, x: Value) -> Value:
        shape = (self.input_dim, self.output_dim)
        table = build.parameter("embeddings", shape, self.embeddings_init, self.embeddings_regularizer)
        return ops.gather(table, ops.indices(x, size=self.input_dim, who=build.scope.name))
