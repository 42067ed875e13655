"""Transforms of one formula each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from specnet.data.transform import Finite, Transform, TransformError
from specnet.graph import ops
from specnet.vocabulary.kind import fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import Fitted, State
    from specnet.graph.graph import Value

    Array = NDArray[Any]


class _Curve(Transform):
    """Base of the transforms that take numbers above a bound only."""

    bound: ClassVar[float]
    """The smallest number that it takes, or the largest that it does not."""
    includes_bound: ClassVar[bool] = False
    alternatives: ClassVar[str]
    """What takes the numbers that this transform cannot take."""

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape itself: each element is computed from one."""
        return shape

    def check(self, array: Array) -> None:
        """Raise TransformError for the first number that is too small."""
        import numpy as np

        wrong = array < self.bound if self.includes_bound else array <= self.bound
        if wrong.any():
            first = np.argwhere(wrong)[0]
            least = f"of at least {self.bound:g}" if self.includes_bound else f"above {self.bound:g}"
            message = f"`{self.type}` takes numbers {least}, not {array[tuple(first)]:g}"
            raise TransformError(message, "type", self.alternatives, row=int(first[0]))


class Log(_Curve):
    """y = log(x), the natural logarithm, for positive numbers.

    The inverse is exp(y). Where targets are transformed, `mse` fits the mean of the logarithms, whose exponential is
    the geometric mean: predictions estimate the median of symmetrically distributed logarithms, and on average lie
    below the mean of the data.
    """

    type: Literal["log"] = "log"
    order_kept: ClassVar[bool] = True
    bound: ClassVar[float] = 0.0
    alternatives: ClassVar[str] = "`log1p` also takes 0, and `power` takes all numbers"

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append log(x)."""
        return ops.log(x)

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append exp(y)."""
        return ops.exp(y)


class Log1p(_Curve):
    """y = log(1 + x), for numbers above -1, such as counts.

    The inverse is exp(y) - 1. Where targets are transformed, predictions are of the kind that `log` gives: with `mse`
    they estimate a median rather than the mean, which is larger.
    """

    type: Literal["log1p"] = "log1p"
    order_kept: ClassVar[bool] = True
    bound: ClassVar[float] = -1.0
    alternatives: ClassVar[str] = "`power` takes all numbers"

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append log(1 + x)."""
        return ops.log1p(x)

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append exp(y) - 1."""
        return ops.expm1(y)


class Sqrt(_Curve):
    """y = sqrt(x), for numbers of at least 0, such as counts and areas.

    The inverse is max(y, 0)^2: a predicted root below 0 becomes 0. Where targets are transformed, `mse` fits the mean
    of the roots, whose square lies below the mean of the data by the variance of the roots.
    """

    type: Literal["sqrt"] = "sqrt"
    order_kept: ClassVar[bool] = True
    bound: ClassVar[float] = 0.0
    includes_bound: ClassVar[bool] = True
    alternatives: ClassVar[str] = "`power` takes all numbers"

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append sqrt(x)."""
        return ops.sqrt(x)

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append max(y, 0)^2."""
        return ops.square(ops.maximum(y, 0.0))


class Clip(Transform):
    """Limit numbers to a range, so that outliers lose their weight: y = a for x < a, b for x > b, and else x.

    The way back changes nothing: what lay outside of the range stays at its limit. Where targets are clipped, the
    model learns the limits, and its predictions are not clipped again.
    """

    type: Literal["clip"] = "clip"
    min: Finite | None = Field(default=None, examples=[-0.5])
    """The smallest result, a; by default the smallest number of each feature in the training split."""
    max: Finite | None = Field(default=None, examples=[100.0])
    """The largest result, b; by default the largest number of each feature in the training split."""

    @model_validator(mode="after")
    def _ascend(self) -> Clip:
        if self.min is not None and self.max is not None and self.min >= self.max:
            message = f"`min` must be below `max`, and {self.min:g} is not below {self.max:g}"
            raise fault(message, key="min")
        return self

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape itself: each element is computed from one."""
        return shape

    def fit_blocks(self, blocks: Iterable[Array]) -> State:
        """Return `low` and `high`, the extremes of each element, where no limit is given."""
        import numpy as np

        low: Array = np.array(np.inf)
        high: Array = np.array(-np.inf)
        for block in blocks:
            if len(block):
                low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
        found = {"low": (self.min, low), "high": (self.max, high)}
        return {name: np.asarray(at, np.float64) for name, (given, at) in found.items() if given is None}

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append the limits."""
        x = ops.maximum(x, fitted["low"] if self.min is None else self.min)
        return ops.minimum(x, fitted["high"] if self.max is None else self.max)

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Return the rows themselves."""
        return y
