"""Numbers of single precision as those of double precision that are written with the same, fewest digits."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

DIGITS = range(6, 10)
"""Digits that are tried: six tell fewer apart than there are float32, and nine tell all apart."""

_POWERS = 10.0 ** np.arange(23)
"""The powers of ten that float64 holds exactly."""


def shortest(values: Array) -> Array:
    """Return float32 as float64 so that `repr` writes the fewest digits that tell each from all other float32.

    These are the digits that NumPy writes for a float32, but for a whole array at once. Float64 is returned as it is.
    """
    if values.dtype != np.float32:
        return values
    exact = values.astype(np.float64)
    found = exact.copy()
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log10(np.abs(exact)))
        searched = np.isfinite(exponent)
        # NumPy decides where the next smaller number is nearer than the next larger one, and digits that lie
        # halfway between two others, or between two numbers.
        left = searched & (np.abs(np.frexp(values)[0]) == 0.5)
        searched &= ~left
        spacing = np.spacing(np.abs(values)).astype(np.float64)
        exponent[~searched] = 0.0
        for digits in DIGITS:
            power = (digits - 1 - exponent).astype(np.intp)
            size = np.abs(power)
            left |= searched & (size >= len(_POWERS))
            searched &= ~left
            powers = _POWERS.take(size, mode="clip")
            scaled = np.where(power >= 0, exact * powers, exact / powers)
            rounded = np.rint(scaled)
            made = np.where(power >= 0, rounded / powers, rounded * powers)
            same = searched & (made.astype(np.float32) == values)
            left |= same & (np.abs(np.abs(scaled - rounded) - 0.5) < 1e-4)
            left |= same & (np.abs(made - exact) > 0.4999 * spacing)
            found[same] = made[same]
            searched &= ~same
    left |= searched
    found[left] = [float(str(value)) for value in values[left]]
    return found
