from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from specnet.data.transforms.samples import Sampled
from specnet.graph import ops

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import Fitted, State
    from specnet.graph.graph import Value

    Array = NDArray[Any]

LARGEST = 64.0
"""The largest size of an exponent; numbers that ask for a larger one are the same up to rounding."""

TOLERANCE = 1e-9
"""How exactly an exponent is searched; one as close to 0 or 2 is taken for that."""

GOLDEN = 0.6180339887498949

EDGE = 1e-12
"""How far a prediction is kept inside of the range of the curve."""


class Power(Sampled):
    """Make numbers of any sign more like normally distributed ones (Yeo and Johnson, 2000).

    y = ((1 + x)^p - 1) / p for x >= 0, and -((1 - x)^(2 - p) - 1) / (2 - p) for x < 0; at p = 0 the first is
    log(1 + x), at p = 2 the second -log(1 - x). The exponent p maximises the likelihood of a normal distribution on
    the training split, as in scikit-learn's PowerTransformer. Of a constant feature, p is 1.

    Where targets are transformed, predictions come back through the inverse. As after `log`, with `mse` they estimate
    a median of the data rather than their mean.
    """

    type: Literal["power"] = "power"
    order_kept: ClassVar[bool] = True
    standardize: bool = True
    """Whether the result is scaled to mean 0 and standard deviation 1, by statistics of the training split."""

    def fit_columns(self, columns: Array, shape: tuple[int, ...]) -> State:
        """Return the `exponent` of each column, and of the result the `mean` and the `std`."""
        import numpy as np

        from specnet.data.transforms.statistics import Standardize

        exponent = _exponents(columns)
        mean, std = np.zeros(len(exponent)), np.ones(len(exponent))
        if self.standardize:
            state = Standardize().fit(_curve(columns, exponent))
            mean, std = state["mean"], state["std"]
        found = {"exponent": exponent, "mean": mean, "std": std}
        return {name: array.reshape(shape) for name, array in found.items()}

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append the curve, and the scaling."""
        p = fitted["exponent"]
        above = _grown(ops.log1p(ops.maximum(x, 0.0)), p)
        below = _grown(ops.log1p(ops.maximum(-x, 0.0)), 2.0 - p)
        return (above - below - fitted["mean"]) / fitted["std"]

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append the inverse of the scaling and of the curve; what lies beyond the curve's range becomes its end."""
        p = fitted["exponent"]
        y = y * fitted["std"] + fitted["mean"]
        return ops.expm1(_shrunk(ops.maximum(y, 0.0), p)) - ops.expm1(_shrunk(ops.maximum(-y, 0.0), 2.0 - p))


def _grown(log: Value, power: Value) -> Value:
    """Append (exp(log · power) - 1) / power, which at 0 is the logarithm."""
    none = ops.equal(power, 0.0)
    return ops.where(none, log, ops.expm1(log * power) / ops.where(none, 1.0, power))


def _shrunk(y: Value, power: Value) -> Value:
    """Append log(1 + y · power) / power, which at 0 is y."""
    none = ops.equal(power, 0.0)
    inside = ops.maximum(y * power, EDGE - 1.0)
    return ops.where(none, y, ops.log1p(inside) / ops.where(none, 1.0, power))


def _curve(columns: Array, exponent: Array) -> Array:
    """Return the curve of columns (values, columns), each with its exponent."""
    import numpy as np

    def grown(log: Array, power: Array) -> Array:
        safe = np.where(power == 0, 1.0, power)
        return np.where(power == 0, log, np.expm1(log * power) / safe)

    above = grown(np.log1p(np.maximum(columns, 0.0)), exponent)
    return above - grown(np.log1p(np.maximum(-columns, 0.0)), 2.0 - exponent)


def _exponents(columns: Array) -> Array:
    """Return the most likely exponent of each column, by golden sections of an interval that holds it.

    All columns are searched at once. The likelihood has one maximum, so an interval that ends in its largest value
    is extended.
    """
    import numpy as np

    signed = np.sum(np.sign(columns) * np.log1p(np.abs(columns)), axis=0)

    def likelihood(exponent: Array) -> Array:
        with np.errstate(all="ignore"):
            variance = _curve(columns, exponent).var(axis=0)
            found = (exponent - 1.0) * signed - 0.5 * len(columns) * np.log(variance)
        return np.where(np.isfinite(found), found, -np.inf)

    constant = np.ptp(columns, axis=0) == 0
    low, high = np.full(columns.shape[1], -2.0), np.full(columns.shape[1], 2.0)
    while True:
        middle = (low + high) / 2.0
        ends = [likelihood(e) for e in (low, middle, high)]
        lower = (ends[0] > ends[1]) & (low > -LARGEST)
        higher = (ends[2] > ends[1]) & ~lower & (high < LARGEST)
        if not (lower | higher).any():
            break
        width = high - low
        low, high = np.where(lower, low - width, low), np.where(higher, high + width, high)
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    of_left, of_right = likelihood(left), likelihood(right)
    while (high - low).max() > TOLERANCE:
        drop = of_left < of_right
        low, high = np.where(drop, left, low), np.where(drop, high, right)
        new = np.where(drop, low + GOLDEN * (high - low), high - GOLDEN * (high - low))
        of_new = likelihood(new)
        left, right = np.where(drop, right, new), np.where(drop, new, left)
        of_left, of_right = np.where(drop, of_right, of_new), np.where(drop, of_new, of_left)
    exponent = (low + high) / 2.0
    for special in (0.0, 2.0):
        exponent = np.where(np.abs(exponent - special) < 10 * TOLERANCE, special, exponent)
    return np.where(constant, 1.0, exponent)
