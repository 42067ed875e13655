"""Student's distribution, as far as a comparison of two means needs it."""

from __future__ import annotations

from math import inf


def quantile(normal: float, freedom: float) -> float:
    """Return Student's quantile for a normal one: its expansion in 1 / freedom, to the second order.

    Abramowitz and Stegun (1964), 26.7.5.
    """
    freedom = max(freedom, 1.0)
    first = (normal**3 + normal) / 4.0
    second = (5.0 * normal**5 + 16.0 * normal**3 + 3.0 * normal) / 96.0
    return normal + first / freedom + second / freedom**2


def freedom_of_difference(a: float, a_rows: int, b: float, b_rows: int) -> float:
    """Return the degrees of freedom of the difference of two means with standard errors `a` and `b` (Welch, 1947)."""
    if a_rows < 2 or b_rows < 2:
        return 1.0
    x, y = a**2, b**2
    return (x + y) ** 2 / (x**2 / (a_rows - 1) + y**2 / (b_rows - 1)) if x + y else inf
