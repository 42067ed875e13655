"""Exponentials and what is made of them, as arithmetic that a compiler turns into vector instructions.

A call of the C library's function in a loop keeps the whole loop from being vectorised. Branches are choices between
two results here, which take no jump. Polynomials and rational functions are those of S. L. Moshier's Cephes library
(1984-2000); errors are within two units in the last place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from specnet.engines.numpy.erf import _FIT, _P, _Q, _SERIES

# Products and sums may be joined, but not reordered: the reductions below depend on the order.
EXACT: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}, "nogil": True}

float32, float64 = np.float32, np.float64
int32, int64 = np.int32, np.int64


def _bits(source: Any, result: Any) -> Any:
    """Return a function that takes the bits of a number for those of another type."""

    @intrinsic  # type: ignore[untyped-decorator]
    def reinterpreted(typing_context: Any, x: Any) -> Any:  # noqa: ARG001  numba reads the names
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

        return result(source), generate

    return reinterpreted


bits32, bits64 = _bits(types.float32, types.int32), _bits(types.float64, types.int64)
from_bits32, from_bits64 = _bits(types.int32, types.float32), _bits(types.int64, types.float64)


def _exact(function: Callable[..., Any]) -> Any:
    # A call that is left in a loop keeps it from being vectorised.
    return numba.njit(**EXACT, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)(function)


# Exponentials: x = k ln 2 + r, exp(x) = 2^k exp(r), in two factors, since 2^k alone may be too large or too small.


@_exact
def _power32(k: Any) -> Any:
    first = k >> int32(1)
    return from_bits32((first + int32(127)) << int32(23)), from_bits32((k - first + int32(127)) << int32(23))


@_exact
def _power64(k: Any) -> Any:
    first = k >> int64(1)
    return from_bits64((first + int64(1023)) << int64(52)), from_bits64(
        (k - first + int64(1023)) << int64(52)
    )


@_exact
def _near_zero32(r: Any) -> Any:
    """Return exp(r) - 1 for |r| up to about 0.35."""
    p = float32(1.9875691500e-4)
    p = p * r + float32(1.3981999507e-3)
    p = p * r + float32(8.3334519073e-3)
    p = p * r + float32(4.1665795894e-2)
    p = p * r + float32(1.6666665459e-1)
    p = p * r + float32(5.0000001201e-1)
    return p * (r * r) + r


@_exact
def _near_zero64(r: Any) -> Any:
    """Return exp(r) - 1 for |r| up to 0.5."""
    z = r * r
    p = r * (
        (1.2617719307481059087798e-4 * z + 3.0299440770744196129956e-2) * z + 9.9999999999999999991025e-1
    )
    q = (3.0019850513866445504159e-6 * z + 2.5244834034968410419224e-3) * z
    q = (q + 2.2726554820815502876593e-1) * z + 2.0000000000000000000897
    return 2.0 * (p / (q - p))


@_exact
def _exp32(x: Any) -> Any:
    low, high = float32(-104.0), float32(89.0)
    near = (min(x, high)) if x > low else low  # NaN is not above
    k = np.floor(near * float32(1.44269504088896341) + float32(0.5))
    r = near - k * float32(0.693359375) + k * float32(2.12194440e-4)
    first, second = _power32(int32(k))
    return (float32(1.0) + _near_zero32(r)) * first * second if x == x else x  # noqa: PLR0124


@_exact
def _exp64(x: Any) -> Any:
    near = (min(x, 710.0)) if x > -746.0 else -746.0
    k = np.floor(near * 1.4426950408889634073599 + 0.5)
    r = near - k * 6.93145751953125e-1 - k * 1.42860682030941723212e-6
    # Conversions to 32 bits are vector instructions on all processors.
    first, second = _power64(int64(int32(k)))
    return (1.0 + _near_zero64(r)) * first * second if x == x else x  # noqa: PLR0124


@_exact
def _expm1_32(x: Any) -> Any:
    return _near_zero32(x) if abs(x) < float32(0.35) else _exp32(x) - float32(1.0)


@_exact
def _expm1_64(x: Any) -> Any:
    return _near_zero64(x) if abs(x) < 0.5 else _exp64(x) - 1.0


# Logarithms: x = 2^e m with m from 1/sqrt(2) to sqrt(2).


@_exact
def _log32(x: Any) -> Any:
    tiny = x < float32(1.17549435e-38)
    scaled = x * float32(8388608.0) if tiny else x
    bits = bits32(scaled)
    e = float32((bits >> int32(23)) - int32(126)) - (float32(23.0) if tiny else float32(0.0))
    m = from_bits32((bits & int32(0x007FFFFF)) | int32(0x3F000000))
    small = m < float32(0.707106781186547524)
    e = e - float32(1.0) if small else e
    m = (m + m if small else m) - float32(1.0)
    z = m * m
    p = float32(7.0376836292e-2)
    p = p * m - float32(1.1514610310e-1)
    p = p * m + float32(1.1676998740e-1)
    p = p * m - float32(1.2420140846e-1)
    p = p * m + float32(1.4249322787e-1)
    p = p * m - float32(1.6668057665e-1)
    p = p * m + float32(2.0000714765e-1)
    p = p * m - float32(2.4999993993e-1)
    p = p * m + float32(3.3333331174e-1)
    y = m * z * p - e * float32(2.12194440e-4) - float32(0.5) * z
    found = m + y + e * float32(0.693359375)
    found = found if x < float32(np.inf) else x  # NaN too
    found = found if x > float32(0.0) else (float32(-np.inf) if x == float32(0.0) else float32(np.nan))
    return found if x == x else x  # noqa: PLR0124


@_exact
def _log64(x: Any) -> Any:
    tiny = x < 2.2250738585072014e-308
    scaled = x * 4503599627370496.0 if tiny else x
    bits = bits64(scaled)
    e = float64(int32(bits >> int64(52)) - int32(1022)) - (52.0 if tiny else 0.0)
    m = from_bits64((bits & int64(0x000FFFFFFFFFFFFF)) | int64(0x3FE0000000000000))
    small = m < 0.70710678118654752440
    e = e - 1.0 if small else e
    m = (m + m if small else m) - 1.0
    z = m * m
    p = 1.01875663804580931796e-4
    p = p * m + 4.97494994976747001425e-1
    p = p * m + 4.70579119878881725854
    p = p * m + 1.44989225341610930846e1
    p = p * m + 1.79368678507819816313e1
    p = p * m + 7.70838733755885391666
    q = m + 1.12873587189167450590e1
    q = q * m + 4.52279145837532221105e1
    q = q * m + 8.29875266912776603211e1
    q = q * m + 7.11544750618563894466e1
    q = q * m + 2.31251620126765340583e1
    y = m * (z * p / q) - e * 2.121944400546905827679e-4 - 0.5 * z
    found = m + y + e * 0.693359375
    found = found if x < np.inf else x
    found = found if x > 0.0 else (-np.inf if x == 0.0 else np.nan)
    return found if x == x else x  # noqa: PLR0124


@_exact
def _log1p32(x: Any) -> Any:
    one = float32(1.0)
    u = one + x
    # What rounding has lost of x in u is put back by the factor (Kahan).
    found = x if u == one else _log32(u) * (x / (u - one))
    return found if x < float32(np.inf) else x


@_exact
def _log1p64(x: Any) -> Any:
    u = 1.0 + x
    found = x if u == 1.0 else _log64(u) * (x / (u - 1.0))
    return found if x < np.inf else x


@_exact
def _tanh32(x: Any) -> Any:
    z = x * x
    p = float32(-5.70498872745e-3)
    p = p * z + float32(2.06390887954e-2)
    p = p * z - float32(5.37397155531e-2)
    p = p * z + float32(1.33314422036e-1)
    p = p * z - float32(3.33332819422e-1)
    small = p * z * x + x
    size = abs(x)
    large = float32(1.0) - float32(2.0) / (_exp32(size + size) + float32(1.0))
    return small if size < float32(0.625) else (large if x > float32(0.0) else -large)


@_exact
def _tanh64(x: Any) -> Any:
    z = x * x
    p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
    q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3
    small = x + x * z * (p / q)
    size = abs(x)
    large = 1.0 - 2.0 / (_exp64(size + size) + 1.0)
    return small if size < 0.625 else (large if x > 0.0 else -large)


# The error function, with the coefficients of the NumPy engine's.

_A0, _A1, _A2, _A3, _A4, _A5, _A6, _A7, _A8, _A9, _A10, _A11, _A12 = _SERIES
_P0, _P1, _P2, _P3, _P4, _P5, _P6, _P7, _P8 = _P
_Q0, _Q1, _Q2, _Q3, _Q4, _Q5, _Q6, _Q7, _Q8 = _Q
_F0, _F1, _F2, _F3, _F4, _F5, _F6, _F7, _F8 = map(float32, _FIT)


@_exact
def _erf64(x: Any) -> Any:
    z = x * x
    s = _A12 * z + _A11
    s = s * z + _A10
    s = s * z + _A9
    s = s * z + _A8
    s = s * z + _A7
    s = s * z + _A6
    s = s * z + _A5
    s = s * z + _A4
    s = s * z + _A3
    s = s * z + _A2
    s = s * z + _A1
    s = s * z + _A0
    size = abs(x)
    size = min(6.0, size)
    p = _P0 * size + _P1
    p = p * size + _P2
    p = p * size + _P3
    p = p * size + _P4
    p = p * size + _P5
    p = p * size + _P6
    p = p * size + _P7
    p = p * size + _P8
    q = _Q0 * size + _Q1
    q = q * size + _Q2
    q = q * size + _Q3
    q = q * size + _Q4
    q = q * size + _Q5
    q = q * size + _Q6
    q = q * size + _Q7
    q = q * size + _Q8
    large = 1.0 - _exp64(-size * size) * (p / q)
    found = x * s if size < 0.5 else (large if x > 0.0 else -large)
    return found if x == x else x  # noqa: PLR0124


@_exact
def _erf32(x: Any) -> Any:
    size = abs(x)
    size = min(float32(4.0), size)
    p = _F0 * size + _F1
    p = p * size + _F2
    p = p * size + _F3
    p = p * size + _F4
    p = p * size + _F5
    p = p * size + _F6
    p = p * size + _F7
    p = p * size + _F8
    found = -_expm1_32(-(p * size))
    found = found if x > float32(0.0) else -found
    return found if x == x else x  # noqa: PLR0124


def _function(name: str, single: Any, double: Any) -> Any:
    """Return a function for compiled code, which takes numbers of either type; other numbers are made float64."""

    def stand_in(x: float) -> float:
        return float(getattr(math, name)(x))

    def of_single(x: Any) -> Any:
        return single(x)

    def of_double(x: Any) -> Any:
        return double(float64(x))

    def choose(x: Any) -> Any:
        return of_single if x == types.float32 else of_double

    overload(stand_in, jit_options={**EXACT, "forceinline": True}, inline="never")(choose)
    return stand_in


exp = _function("exp", _exp32, _exp64)
expm1 = _function("expm1", _expm1_32, _expm1_64)
log = _function("log", _log32, _log64)
log1p = _function("log1p", _log1p32, _log1p64)
tanh = _function("tanh", _tanh32, _tanh64)
erf = _function("erf", _erf32, _erf64)
