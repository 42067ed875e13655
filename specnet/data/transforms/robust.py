"""Transforms that outliers hardly move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from specnet.data.transform import Transform
from specnet.data.transforms.samples import Sampled
from specnet.graph import ops

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import Fitted, State
    from specnet.graph.graph import Value

    Array = NDArray[Any]

BELOW_LIMIT = 1.0 - 2.0**-53
"""The largest number below 1: numbers at the limit of `smooth_clip` go back to a large one, not to infinity."""


class RobustScale(Sampled):
    """Scale each feature to median 0 and interquartile range 1, neither of which an outlier moves.

    y = (x - median) / range over the rows of the training split, where range is the distance between the first and the
    third quartile. If that is 0, as for a feature of which most values are equal, it is half the distance between the
    smallest and the largest value; a feature that is constant becomes 0, in all rows (Holzmüller et al., 2024).
    Otherwise it is scikit-learn's RobustScaler.
    """

    type: Literal["robust_scale"] = "robust_scale"
    order_kept: ClassVar[bool] = True

    def fit_columns(self, columns: Array, shape: tuple[int, ...]) -> State:
        """Return `median`, `range`, and `factor`, which is 1 / range, or 0 where the range is 0."""
        import numpy as np

        low, median, high = np.nanpercentile(columns, (25.0, 50.0, 75.0), axis=0)
        whole = np.nanmax(columns, axis=0) - np.nanmin(columns, axis=0)
        span = np.where(high > low, high - low, whole / 2.0)
        factor = np.divide(1.0, span, out=np.zeros_like(span), where=span > 0)
        found = {"median": median, "range": span, "factor": factor}
        return {name: array.reshape(shape) for name, array in found.items()}

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append (x - median) · factor."""
        return (x - fitted["median"]) * fitted["factor"]

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append y · range + median."""
        return y * fitted["range"] + fitted["median"]


class SmoothClip(Transform):
    """Limit numbers to a range without an edge: y = x / sqrt(1 + (x / limit)^2), which lies between -limit and limit.

    Numbers near 0 stay almost as they are, so it follows a transform that scales, such as `robust_scale`
    (Holzmüller et al., 2024).
    """

    type: Literal["smooth_clip"] = "smooth_clip"
    order_kept: ClassVar[bool] = True
    limit: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3.0
    """What the result approaches as x grows, and with the other sign as it falls."""

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape itself: each element is computed from one."""
        return shape

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append x / sqrt(1 + (x / limit)^2)."""
        return x / ops.sqrt(ops.square(x / self.limit) + 1.0)

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append y / sqrt(1 - (y / limit)^2), of numbers inside of the limits."""
        share = ops.minimum(ops.maximum(y / self.limit, -BELOW_LIMIT), BELOW_LIMIT)
        return share * self.limit / ops.sqrt(1.0 - ops.square(share))
