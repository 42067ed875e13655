"""Positions without a class: pixels of a mask, or steps of a sequence, that are marked by an index of their own."""

from __future__ import annotations

from math import prod

from pydantic import Field

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import DType, Shape, at
from specnet.vocabulary.losses.loss import SoftmaxLoss


class Ignoring(SoftmaxLoss):
    """Base of losses that can leave positions out of what a row costs."""

    ignore_index: int | None = Field(default=None, ge=-(2**31), lt=2**31, examples=[255])
    """The class index of positions that have no class, such as 255 in masks: they cost nothing, and the loss of a row
    is the mean over its other positions. Metrics leave them out, too. PyTorch's mean is over all positions of a batch
    that have a class, so that there a row with few of them counts less."""

    @property
    def ignored(self) -> int | None:
        """The class index of positions that have no class."""
        return self.ignore_index

    def fault(self, output: Shape, target: Shape, dtype: DType, classes: int | None) -> str | None:
        if self.ignore_index is not None and (dtype != "int64" or len(target) < 2):
            return f"`ignore_index` is for targets that are a class index for each position of a row (of {self.type})"
        return super().fault(output, target, dtype, classes)

    def known(self, target: Value) -> tuple[Value, Value | None]:
        """Return class indices with 0 for those that are ignored, and where there are others; None for all."""
        return known(target, self.ignore_index)

    def shared(self, cost: Value, mask: Value | None) -> Value:
        """Return what positions (batch, ...) cost, those that count sharing the weight of those that do not."""
        if mask is None:
            return cost
        cost = cost * mask
        if self.reduction == "sum":
            return cost
        axes = tuple(range(1, cost.rank))
        there = ops.maximum(ops.reduce_sum(mask, axes=axes), 1.0)
        share = float(prod(at(cost.shape[1:], 1))) / there
        return cost * ops.reshape(share, shape=(cost.shape[0], *(1 for _ in axes)))


def known(target: Value, ignore_index: int | None) -> tuple[Value, Value | None]:
    """Return class indices with 0 for `ignore_index`, and 1 where there is another index, else 0; None for all."""
    if ignore_index is None or target.dtype != "int64":
        return target, None
    numbers = ops.cast(target, to=target.graph.dtype)
    mask = ops.where(ops.equal(numbers, float(ignore_index)), 0.0, 1.0)
    return ops.cast(numbers * mask, to="int64"), mask
