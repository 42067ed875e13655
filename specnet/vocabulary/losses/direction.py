"""A loss of directions."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import DType, Shape
from specnet.vocabulary.losses.loss import Loss


class CosineSimilarity(Loss):
    """1 - cos for each row, cos = y·t / (|y| * |t|) over the last axis: 0 for the same direction, 2 for the opposite.

    Each length is at least `epsilon`, as in PyTorch's `cosine_similarity`, so the loss of a row of zeros is 1. Keras's
    `CosineSimilarity` is -cos, which has the same gradient. Only directions are compared; the length of y does not
    matter.
    """

    type: Literal["cosine_similarity"] = "cosine_similarity"
    epsilon: PositiveFloat = 1e-8
    """The minimum length of a row."""

    default_metrics: ClassVar[tuple[str, ...]] = ("cosine_similarity",)

    def fault(self, output: Shape, target: Shape, dtype: DType, classes: int | None) -> str | None:
        if output == target and len(output) > 1 and output[-1] == 1:
            return f"{self.type} compares directions, and a single value per row has only two: mse compares numbers"
        return super().fault(output, target, dtype, classes)

    def elements(self, output: Value, target: Value) -> Value:
        return 1.0 - cosine(output, target, self.epsilon)


def cosine(a: Value, b: Value, epsilon: float) -> Value:
    """Return the cosine of the angle between rows, (batch, ..., n) to (batch, ...); lengths are at least epsilon."""
    last = (a.rank - 1,)

    def length(x: Value) -> Value:
        # The root is taken of what is at least epsilon^2: at 0 its slope has no bound.
        return ops.sqrt(ops.maximum(ops.reduce_sum(ops.square(x), axes=last), epsilon * epsilon))

    return ops.reduce_sum(a * b, axes=last) / (length(a) * length(b))
