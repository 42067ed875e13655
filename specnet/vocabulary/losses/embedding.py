"""Losses of embeddings: rows of one class are to lie together, rows of different classes apart."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import DType, Shape
from specnet.vocabulary.losses.loss import Loss, Targets, amount

FAR = 1e30
"""A distance beyond all others, in either dtype."""

MINIMUM = 1e-12
"""The square that a distance is taken for at least: the root of 0 has no slope."""


class EmbeddingLoss(Loss):
    """Base of the losses that compare each row with the others of its batch."""

    targets: ClassVar[Targets] = "groups"
    unmixable: ClassVar[str | None] = "this loss compares rows by class, and a mean has none"
    for_rare: ClassVar[bool] = True
    default_metrics: ClassVar[tuple[str, ...]] = ()

    def fault(self, output: Shape, target: Shape, dtype: DType, classes: int | None) -> str | None:
        if dtype != "int64" or len(target) != 1:
            return f"{self.type} takes a class index for each row, and the data has {amount(target, 'numbers')} per row"
        if len(output) != 2:
            return (
                f"{self.type} takes a vector for each row, and the last layer gives {amount(output, 'values')}: "
                "a `flatten` layer makes one of them"
            )
        return None


class Triplet(EmbeddingLoss):
    """max(0, d(a, p) - d(a, n) + margin) for a row a, a row p of its class and a row n of another, in one batch.

    The network's output is the embedding, d the Euclidean distance. `mining` selects p and n for a row a. With "hard"
    they are the farthest p and the nearest n (Hermans et al., 2017). With "semi_hard" each p is combined with the
    nearest n that is farther than p, or the farthest n if there is none, and the mean is taken over p (Schroff et al.,
    2015; TensorFlow's `triplet_semihard_loss`). With "all" the mean is taken over each p with each n.

    A row that has no p or no n in its batch has loss 0, and counts in the mean. The loss of a row depends on the other
    rows of its batch, so validation also uses batches of `batch_size` rows, in the order of the data, and the last
    batch may be smaller. "semi_hard" and "all" need memory for batch^3 distances. PyTorch's `TripletMarginLoss` takes
    triplets that were chosen before; Keras has no such loss.
    """

    type: Literal["triplet"] = "triplet"
    margin: PositiveFloat = 1.0
    """How much farther than p an n must be for a loss of 0."""
    mining: Literal["hard", "semi_hard", "all"] = "semi_hard"
    """Which other rows of the batch a row is compared with."""

    def elements(self, output: Value, target: Value) -> Value:
        d, same, others = _pairs(output, target)
        positives, apart = ops.sum_last(others), ops.less(same, 0.5)
        if self.mining == "hard":
            near = -ops.reduce_max(-ops.where(apart, d, FAR))
            cost = ops.relu(ops.reduce_max(d * others) - near + self.margin)
            cost = cost * ops.greater(positives, 0.5)
            return ops.reshape(cost, shape=target.shape)
        rows = d.shape[0]
        to_p = ops.reshape(d, shape=(rows, rows, 1))
        to_n = ops.reshape(d, shape=(rows, 1, rows))
        is_p = ops.reshape(others, shape=(rows, rows, 1))
        is_n = ops.reshape(1.0 - same, shape=(rows, 1, rows))
        negatives = ops.sum_last(1.0 - same)
        if self.mining == "all":
            costs = ops.relu(to_p - to_n + self.margin) * is_p * is_n
            count = positives * negatives
        else:
            beyond = ops.greater(is_n * to_n, to_p)
            nearest = -ops.reduce_max(-ops.where(beyond, ops.expand(to_n, shape=(rows, rows, rows)), FAR))
            farthest = ops.reshape(ops.reduce_max(ops.where(apart, d, -FAR)), shape=(rows, 1, 1))
            chosen = ops.where(
                ops.less(nearest, FAR / 2), nearest, ops.expand(farthest, shape=(rows, rows, 1))
            )
            costs = ops.relu(to_p - chosen + self.margin) * ops.greater(is_p, 0.5)
            costs = costs * ops.greater(ops.reshape(negatives, shape=(rows, 1, 1)), 0.5)
            count = positives
        summed = ops.reduce_sum(costs, axes=(1, 2))
        return summed / ops.maximum(ops.reshape(count, shape=target.shape), 1.0)


class Contrastive(EmbeddingLoss):
    """d^2 / 2 for two rows of one class, max(0, margin - d)^2 / 2 for two of different ones (Hadsell et al., 2006).

    The network's output is the embedding, d the Euclidean distance. The loss of a row is the mean over all other rows
    of its batch, and 0 if there are none. It depends on the other rows of the batch, so validation also uses batches
    of `batch_size` rows, in the order of the data, and the last batch may be smaller. PyTorch and Keras have no such
    loss.
    """

    type: Literal["contrastive"] = "contrastive"
    margin: PositiveFloat = 1.0
    """The distance from which rows of different classes have loss 0."""

    def elements(self, output: Value, target: Value) -> Value:
        d, same, others = _pairs(output, target)
        costs = ops.square(d) * others + ops.square(ops.relu(self.margin - d)) * (1.0 - same)
        # The row itself is none of the others.
        count = ops.sum_last(others) + ops.sum_last(1.0 - same)
        summed = ops.reduce_sum(costs, axes=(1,)) * 0.5
        return summed / ops.maximum(ops.reshape(count, shape=target.shape), 1.0)


def _pairs(output: Value, target: Value) -> tuple[Value, Value, Value]:
    """Return for all pairs of rows their distance, 1 where they are of one class, and that without the row itself.

    Distances are taken from inner products, |a|^2 + |b|^2 - 2 a·b, so those far below the vectors' own lengths
    have fewer digits.
    """
    (rows,) = target.shape
    column, row = (rows, 1), (1, rows)
    squares = ops.reduce_sum(ops.square(output), axes=(1,))
    products = ops.MATMUL(output, output, a_t=False, b_t=True)
    apart = ops.reshape(squares, shape=column) + ops.reshape(squares, shape=row) - products * 2.0
    place = ops.row_numbers(output.graph)
    itself, alike = (
        ops.cast(ops.equal(ops.reshape(x, shape=column), ops.reshape(x, shape=row)), to=output.dtype)
        for x in (place, target)
    )
    # Rounding may leave something of the distance of a row to itself, or less than nothing.
    d = ops.sqrt(ops.maximum(apart * (1.0 - itself), MINIMUM))
    return d, alike, alike - itself
