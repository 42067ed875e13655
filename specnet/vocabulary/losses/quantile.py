"""A loss for networks that predict quantiles of a number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import DType, Shape
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.losses.loss import Loss, OutputActivation, amount


class QuantileLoss(Loss):
    """max(q (t - y), (q - 1)(t - y)) for every target t and quantile q: the pinball loss (Koenker and Bassett, 1978).

    The network has as many outputs as there are targets times quantiles: along the last axis those of the first target,
    then those of the second, and so on, in the order of `quantiles`. Predictions and the metrics of single numbers use
    the quantile that is nearest to 0.5; `wql` and `quantile_coverage` measure all, and `specnet forecast` writes all.
    These are the network's own, sorted where some of them cross; the loss is that of the quantiles before.
    Of one quantile it is scikit-learn's `mean_pinball_loss`.
    """

    type: Literal["quantile"] = "quantile"
    quantiles: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(min_length=1)] = (
        0.1,
        0.5,
        0.9,
    )
    """The quantiles, ascending."""

    default_metrics: ClassVar[tuple[str, ...]] = ("mae", "wql")

    @table_check()
    def _ascend(self) -> Iterator[PydanticCustomError]:
        for place, (before, quantile) in enumerate(pairwise(self.quantiles), 1):
            if quantile <= before:
                message = f"quantiles ascend, and {quantile:g} comes after {before:g}"
                yield fault(message, key=("quantiles", place))

    @property
    def output_activation(self) -> OutputActivation:
        """What turns the network's output into predictions."""
        return "median"

    @property
    def outputs_per_target(self) -> int:
        """How many values the network gives for each target."""
        return len(self.quantiles)

    def fault(self, output: Shape, target: Shape, dtype: DType, classes: int | None) -> str | None:
        last, count = output[-1], len(self.quantiles)
        wanted = target if len(target) > 1 else (*target, 1)
        assert isinstance(wanted[-1], int)
        if isinstance(last, int) and last % count == 0 and (*output[:-1], last // count) == wanted:
            return None
        units = amount((*wanted[:-1], wanted[-1] * count), "values")
        return (
            f"{self.type} takes {count} quantiles of each target, and the data has {amount(target, 'numbers')}: the "
            f"last layer gives {amount(output, 'values')} per row, where it takes {units}"
        )

    def apart(self, output: Value) -> Value:
        """Return the quantiles of an output (batch, ..., targets * quantiles) as (batch, ..., targets, quantiles)."""
        last, count = output.shape[-1], len(self.quantiles)
        assert isinstance(last, int)
        return ops.reshape(output, shape=(*output.shape[:-1], last // count, count))

    def ascending(self, output: Value) -> Value:
        """Return the quantiles of an output as `apart` does, in ascending order.

        Each is trained by itself, so that some may cross. Sorted, they are never further from the true ones
        (Chernozhukov et al., 2010).
        """
        values, count = self.apart(output), len(self.quantiles)
        outside = ((0, 0),) * (values.rank - 1)
        each = [ops.crop(values, margins=(*outside, (i, count - 1 - i))) for i in range(count)]
        # Neighbours are put in order as often as there are quantiles: odd-even transposition.
        for start in range(count):
            for i in range(start % 2, count - 1, 2):
                each[i : i + 2] = ops.minimum(*each[i : i + 2]), ops.maximum(*each[i : i + 2])
        return ops.concat(*each, axis=values.rank - 1) if count > 1 else values

    def point(self, output: Value) -> Value:
        """Return the quantile that is nearest to 0.5 of an output, of all in ascending order: (batch, ..., targets)."""
        last, count = output.shape[-1], len(self.quantiles)
        if not isinstance(last, int) or last % count:
            return output  # `fault` says what is wrong
        place = min(range(count), key=lambda i: abs(self.quantiles[i] - 0.5))
        values = self.ascending(output)
        middle = ops.crop(values, margins=(*((0, 0),) * (values.rank - 1), (place, count - 1 - place)))
        return ops.reshape(middle, shape=(*output.shape[:-1], last // count))

    def elements(self, output: Value, target: Value) -> Value:
        return pinball(self.apart(output), target, self.quantiles)


def pinball(quantiles: Value, target: Value, levels: tuple[float, ...]) -> Value:
    """Append the pinball loss of quantiles (batch, ..., levels) of targets (batch, ...)."""
    if target.dtype != quantiles.dtype:
        target = ops.cast(target, to=quantiles.dtype)
    missed = ops.reshape(target, shape=(*quantiles.shape[:-1], 1)) - quantiles
    above, below = (ops.fixed(quantiles.graph, [q - less for q in levels]) for less in (0.0, 1.0))
    return ops.maximum(missed * above, missed * below)
