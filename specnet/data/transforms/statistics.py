from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic_core import PydanticCustomError

from specnet.data.transform import Finite, Transform
from specnet.vocabulary.kind import fault, table_check

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import Fitted, State
    from specnet.graph.graph import Value

    Array = NDArray[Any]


class _Statistic(Transform):
    per: Literal["feature", "channel", "all"] = "feature"
    """What has its own statistics: each element of an example, each index of its last axis, or nothing,
    so that all elements share one."""

    def _axes(self, array: Array) -> tuple[int, ...]:
        if self.per == "all":
            return tuple(range(array.ndim))
        if self.per == "channel":
            return tuple(range(max(1, array.ndim - 1)))
        return (0,)


class Standardize(_Statistic):
    """Scale each feature to mean 0 and standard deviation 1.

    y = (x - mean) / std over the rows of the training split; std = sqrt(mean((x - mean)²)), dividing by n.
    A feature that is constant up to rounding gets std 1, so that it becomes 0. Blocks are combined by Chan,
    Golub and LeVeque's pairwise update (1983); the test for constant features is scikit-learn's.
    """

    type: Literal["standardize"] = "standardize"
    order_kept: ClassVar[bool] = True

    def fit_blocks(self, blocks: Iterable[Array]) -> State:
        """Return `mean` and `std`, each of an example's shape, or a shape that broadcasts to it."""
        import numpy as np

        count = 0
        mean: Array = np.zeros(())
        squares: Array = np.zeros(())
        for block in blocks:
            axes = self._axes(block)
            size = prod(block.shape[axis] for axis in axes)
            if size == 0:
                continue
            center = block.mean(axis=axes, dtype=np.float64)
            spread = np.square(block - center).sum(axis=axes)
            step = center - mean
            count += size
            mean = mean + step * (size / count)
            squares = squares + spread + np.square(step) * ((count - size) * size / count)
        variance = squares / count
        eps = np.finfo(np.float64).eps
        constant = variance <= count * eps * variance + np.square(count * mean * eps)
        return {"mean": np.asarray(mean), "std": np.where(constant, 1.0, np.sqrt(variance))}

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append (x - mean) / std."""
        return (x - fitted["mean"]) / fitted["std"]

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append y · std + mean."""
        return y * fitted["std"] + fitted["mean"]


class MinMax(_Statistic):
    """Scale each feature to a range.

    y = (x - min) / (max - min) · (b - a) + a, with min and max over the training split and `range` = [a, b].
    Rows of other splits may fall outside; a constant feature becomes a.
    """

    type: Literal["minmax"] = "minmax"
    order_kept: ClassVar[bool] = True
    range: tuple[Finite, Finite] = (0.0, 1.0)
    """The values that the minimum and the maximum of the training split become."""

    @table_check()
    def _ascend(self) -> Iterator[PydanticCustomError]:
        low, high = self.range
        if low >= high:
            message = f"`range` must go from a smaller to a larger number, not from {low:g} to {high:g}"
            yield fault(message, key="range")

    def fit_blocks(self, blocks: Iterable[Array]) -> State:
        """Return `min` and `span` (max - min, 1 where that is 0), shaped like one example."""
        import numpy as np

        low: Array = np.array(np.inf)
        high: Array = np.array(-np.inf)
        for block in blocks:
            if block.size:
                axes = self._axes(block)
                low = np.minimum(low, block.min(axis=axes))
                high = np.maximum(high, block.max(axis=axes))
        low, high = low.astype(np.float64), high.astype(np.float64)
        span = high - low
        return {"min": np.asarray(low), "span": np.where(span == 0, 1.0, span)}

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append (x - min) / span · (b - a) + a."""
        a, b = self.range
        return (x - fitted["min"]) / fitted["span"] * (b - a) + a

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append (y - a) / (b - a) · span + min."""
        a, b = self.range
        return (y - a) / (b - a) * fitted["span"] + fitted["min"]
