from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from specnet.data.transforms.samples import Sampled
from specnet.graph import ops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from specnet.data.lowered import Fitted, State
    from specnet.graph.graph import Value

    Array = NDArray[Any]

TAIL = 1e-7
"""The smallest probability whose normal quantile is taken, as in scikit-learn."""

# M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988):
# quotients of polynomials with a relative error of about 1e-16, here for probabilities from 1e-11 to 1 - 1e-11.
CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
SIDE = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip


class Quantile(Sampled):
    """Turn each number into its rank in the training split, from 0 to 1, so that any distribution becomes a known one.

    Ranks are interpolated linearly between quantiles. Of equal quantiles the middle of their ranks is taken, and
    numbers outside of the training split get the rank of its ends: this is scikit-learn's QuantileTransformer, fitted
    to all rows. With `distribution = "normal"`, the rank becomes the number that has this rank among normally
    distributed ones, from -5.2 to 5.2.

    Where targets are transformed, predictions come back as the quantile that has their rank, so they never leave
    the range of the training split; with `mse` they estimate a median of the data rather than their mean.
    """

    type: Literal["quantile"] = "quantile"
    quantiles: Annotated[int, Field(ge=2)] = 1000
    """How many quantiles are kept for each statistic; at most as many as the training split has numbers."""
    distribution: Literal["uniform", "normal"] = "uniform"
    """What the result is distributed like: numbers from 0 to 1, or a standard normal distribution."""

    def fit_columns(self, columns: Array, shape: tuple[int, ...]) -> State:
        """Return the `quantiles`, end to end, and a table of `knots` with the ranks at and after each.

        The distinct quantiles of a column are its knots, filled up with the largest number; `first` and `start` are
        where a column's quantiles and knots begin, `low` and `high` are its ends.
        """
        import numpy as np

        count = max(2, min(self.quantiles, len(columns)))
        ranks = np.linspace(0.0, 1.0, count)
        found = np.maximum.accumulate(np.nanpercentile(columns, ranks * 100.0, axis=0))
        size = 1 << (count - 1).bit_length()
        tables = np.zeros((4, found.shape[1], size))
        tables[0] = np.finfo(np.float64).max
        for column, own in enumerate(found.T):
            knots, begin, equal = np.unique(own, return_index=True, return_counts=True)
            low, high = ranks[begin], ranks[begin + equal - 1]
            at = (low + high) / 2.0
            at[-1], at[0] = (1.0, 0.0) if len(knots) > 1 else (0.0, 0.0)
            slopes = np.append((low[1:] - high[:-1]) / np.diff(knots), 0.0)
            for table, values in zip(tables, (knots, at, high, slopes), strict=True):
                table[column, : len(knots)] = values
        knots, at, after, slope = tables.reshape(4, -1)
        places = np.arange(found.shape[1], dtype=np.float64)
        each = {"first": places * count, "start": places * size, "low": found[0], "high": found[-1]}
        return {
            "quantiles": np.ascontiguousarray(found.T).ravel(),
            "knots": knots,
            "at": at,
            "after": after,
            "slope": slope,
            "size": np.array([count, size]),
            **{name: array.reshape(shape) for name, array in each.items()},
        }

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append a binary search for the last knot that is not above x, and the rank there or between knots."""
        knots = fitted["knots"]
        x = ops.minimum(ops.maximum(x, fitted["low"]), fitted["high"])
        place, step = fitted["start"], fitted.sizes("size")[1] // 2
        while step > 0:
            middle = place + float(step)
            place = place + ops.greater_equal(x, ops.gather(knots, _index(middle))) * float(step)
            step //= 2
        index = _index(place)
        knot = ops.gather(knots, index)
        between = ops.gather(fitted["after"], index) + (x - knot) * ops.gather(fitted["slope"], index)
        rank = ops.where(ops.equal(x, knot), ops.gather(fitted["at"], index), between)
        if self.distribution == "uniform":
            return rank
        return _normal(ops.minimum(ops.maximum(rank, TAIL), 1.0 - TAIL))

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append the quantile of a rank, interpolated between the two next to it."""
        if self.distribution == "normal":
            y = (ops.erf(y * 0.5**0.5) + 1.0) * 0.5
        last = fitted.sizes("size")[0] - 1
        place = ops.minimum(ops.maximum(y, 0.0), 1.0) * float(last)
        left = ops.minimum(ops.floor_divide(place, 1.0), last - 1.0)
        begin = left + fitted["first"]
        low, high = (ops.gather(fitted["quantiles"], _index(at)) for at in (begin, begin + 1.0))
        return low + (place - left) * (high - low)


def _index(place: Value) -> Value:
    return ops.cast(place, to="int64")


def _normal(p: Value) -> Value:
    """Append the number below which a standard normal variable lies with probability p."""
    from_middle = p - 0.5
    centre = from_middle * _quotient(CENTRE, 0.180625 - ops.square(from_middle))
    depth = ops.sqrt(-ops.log(ops.minimum(p, 1.0 - p)))
    side = ops.sign(from_middle) * _quotient(SIDE, depth - 1.6)
    return ops.where(ops.less_equal(ops.absolute(from_middle), 0.425), centre, side)


def _quotient(polynomials: tuple[Sequence[float], Sequence[float]], x: Value) -> Value:
    """Append the quotient of two polynomials, by Horner's rule."""
    above, below = (_polynomial(coefficients, x) for coefficients in polynomials)
    return above / below


def _polynomial(coefficients: Sequence[float], x: Value) -> Value:
    *rest, last = coefficients
    value = x * last + rest.pop()
    while rest:
        value = value * x + rest.pop()
    return value
