"""The error function, which NumPy lacks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from specnet.engines.numpy.calls import choose

Array = np.ndarray[Any, Any]

_SPLIT = 0.5
"""Up to here the Maclaurin series is used, beyond it Cody's quotient."""

_END = 6.0
"""From here on erf(x) is 1 in float64."""

_SERIES = tuple(2.0 / math.sqrt(math.pi) * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(13))
"""erf(x) / x as a polynomial in x^2 (Abramowitz and Stegun, 1964, 7.1.5); what is left out is below 1e-18."""

# erfc(x) = exp(-x^2) P(x) / Q(x) on [0.46875, 4] to a relative 1e-18: W. J. Cody, "Rational Chebyshev
# approximations for the error function", Mathematics of Computation 23 (1969), with the digits of his program
# CALERF (SPECFUN, 1990). On [4, 6], where erfc is below 2e-8, it is still good to a relative 1e-12.
_P = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
_Q = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)

# What float32 needs: -log(erfc(x)) / x as a polynomial on [0, 4], fitted to math.erfc by weighted least squares so
# that the relative error of erf is even (below 2e-8); the tests repeat the fit.
_FIT = (
    -9.09508338e-6,
    1.16035467e-4,
    -6.26507585e-4,
    1.65431178e-3,
    -1.46440119e-4,
    -1.91613725e-2,
    1.02780323e-1,
    6.36619068e-1,
    1.12837918,
)
_FIT_END = 4.0
"""From here on erf(x) is 1 in float32."""


def erf(x: Array, s: Array, s2: Array, small: Array, out: Array) -> None:
    """Write 2 / sqrt(pi) * integral of exp(-t^2) over [0, x] into `out`, element by element.

    `s` and `s2` are scratch of the dtype of `out`, `small` is scratch of bool; all have its shape, and none
    may share memory with x. The error is at most 3 units in the last place. Nothing is allocated.
    """
    if out.dtype == np.float32:
        _erf32(x, s, out)
        return
    # Beyond the split: 1 - exp(-x^2) P(|x|) / Q(|x|), with the sign of x.
    np.absolute(x, s)
    np.less_equal(s, _SPLIT, small)
    np.minimum(s, _END, out=s)
    _horner(_P, s, out)
    _horner(_Q, s, s2)
    np.divide(out, s2, out)
    np.multiply(s, s, s)
    np.negative(s, s2)
    np.exp(s2, s2)
    np.multiply(out, s2, out)
    np.subtract(1.0, out, out)
    np.copysign(out, x, out)
    # Up to it: x times the series in x^2; where x is large its value is finite, and is not used.
    np.minimum(s, _SPLIT**2, out=s)
    _horner(_SERIES[::-1], s, s2)
    np.multiply(s2, x, s2)
    choose(small, s2, out, out, s)


def _erf32(x: Array, s: Array, out: Array) -> None:
    """Write -expm1(log(erfc(|x|))) with the sign of x, which keeps its digits near 0."""
    np.absolute(x, s)
    np.minimum(s, _FIT_END, out=s)
    _horner(_FIT, s, out)
    np.multiply(out, s, out)
    np.negative(out, out)
    np.expm1(out, out)
    np.copysign(out, x, out)


def _horner(coefficients: tuple[float, ...], x: Array, out: Array) -> None:
    """Write a polynomial in x into `out`; its coefficients begin with the highest power."""
    first, second, *rest = coefficients
    np.multiply(x, first, out)
    np.add(out, second, out)
    for coefficient in rest:
        np.multiply(out, x, out)
        np.add(out, coefficient, out)
