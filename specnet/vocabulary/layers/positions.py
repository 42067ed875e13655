from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import Value
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.layers.sequences import places, sequence_sizes, step_numbers
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


class PositionalEmbedding(Layer):
    """y = x + a vector for each step.  x (batch, steps, features) -> y of the same shape.

    With `kind = "learned"` the vectors are a table `embeddings` (steps, features) that is trained. With "sinusoidal",
    features 2i and 2i + 1 of step t are sin(t / 10000^(2i / features)) and the cosine of the same (Vaswani et al.,
    2017), and there is nothing to train.
    """

    type: Literal["positional_embedding"] = "positional_embedding"
    kind: Literal["learned", "sinusoidal"] = "learned"
    """Whether the vectors are trained or fixed."""
    embeddings_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("uniform")
    """Initializer of the table."""
    embeddings_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the table that is added to the loss."""

    masking: ClassVar[MaskUse] = "each"

    @table_check()
    def _init_applies(self) -> Iterator[PydanticCustomError]:
        return self._applies("embeddings_init")

    @table_check()
    def _regularizer_applies(self) -> Iterator[PydanticCustomError]:
        return self._applies("embeddings_regularizer")

    def _applies(self, key: str) -> Iterator[PydanticCustomError]:
        """Yield a fault where an option says how the table is, and there is none."""
        default = type(self).model_fields[key].get_default(call_default_factory=True)
        if self.kind != "learned" and getattr(self, key) != default:
            message = f'`{key}` would be ignored: kind = "sinusoidal" has no table'
            yield fault(message, key=key, code="SN306", part="key", help="leave it out")

    def lower(self, build: Builder, x: Value) -> Value:
        _, steps, features = sequence_sizes(
            self.type, x, help="`embedding` makes vectors of the indices of a sequence"
        )
        streaming = build.streaming if build.streams(x) else None
        shape = (build.most(steps) if streaming is None else streaming.steps, features)
        numbers = step_numbers(build, x)
        if streaming is not None:
            streaming.bounded = streaming.bounded or build.scope.name
        if self.kind == "learned":
            table = build.parameter("embeddings", shape, self.embeddings_init, self.embeddings_regularizer)
            whole = streaming is None and isinstance(steps, int)
            return x + (table if whole else ops.gather(table, ops.cast(numbers, to="int64")))
        half = -(-features // 2)
        speeds = ops.exp(places(x.graph, half) * (-2.0 * math.log(10000.0) / features))
        angles = ops.reshape(numbers, shape=(steps, 1)) * speeds
        waves = [ops.reshape(wave(angles), shape=(steps, half, 1)) for wave in (ops.sin, ops.cos)]
        table = ops.reshape(ops.concat(*waves, axis=2), shape=(steps, 2 * half))
        return x + (ops.crop(table, margins=((0, 0), (0, 1))) if features % 2 else table)
