"""Numbers as a reader takes them in: aligned, with as many digits as mean something."""

from __future__ import annotations

import math
from collections.abc import Sequence

DIGITS = 4


def column(values: Sequence[float | None], digits: int = DIGITS) -> list[str]:
    """Return numbers with their points in line, the smallest with `digits` significant digits; None is blank.

    All are in scientific form where the column spans too much for that.
    """
    sizes = _sizes(values)
    smallest, largest = min(sizes, default=1.0), max(sizes, default=1.0)
    if smallest < 1e-4 or largest >= 1e7 or largest / smallest >= 1e6:
        return _scientific(values, digits)
    return _fixed(values, min(digits - 1 - _power(min(smallest, 1.0)), 8 - _power(largest)))


def entries(values: Sequence[float | None], digits: int = DIGITS) -> list[str]:
    """Return numbers with their points in line, the largest with `digits` significant digits.

    Whole numbers stand without a point. All are in scientific form where the largest is too large or small.
    """
    sizes = _sizes(values)
    largest = max(sizes, default=1.0)
    if all(value.is_integer() for value in sizes) and largest < 1e7:
        return _fixed(values, 0)
    if largest < 1e-4 or largest >= 1e7:
        return _scientific(values, digits)
    return _fixed(values, digits - 1 - _power(largest))


def _sizes(values: Sequence[float | None]) -> list[float]:
    return [abs(float(v)) for v in values if v is not None and math.isfinite(v) and v != 0]


def _power(value: float) -> int:
    return math.floor(math.log10(value))


def _fixed(values: Sequence[float | None], decimals: int) -> list[str]:
    return [_special(v) or f"{v:.{max(decimals, 0)}f}" for v in values]


def _scientific(values: Sequence[float | None], digits: int) -> list[str]:
    return [_special(v) or f"{v:.{digits - 1}e}" for v in values]


def number(value: float | None, digits: int = DIGITS) -> str:
    """Return one number with so many significant digits."""
    if value is None or not math.isfinite(value):
        return _special(value)
    text = f"{value:.{digits}g}"
    return text if "e" not in text or abs(value) >= 1e16 or abs(value) < 1e-4 else f"{value:.0f}"


def _special(value: float | None) -> str:
    """Return the text of what is no finite number; empty for one that is."""
    if value is None:
        return " "
    return "" if math.isfinite(value) else "NaN" if math.isnan(value) else f"{value:+f}".removeprefix("+")


def duration(seconds: float) -> str:
    """Return how long something took: `0.31 s`, `12.4 s`, `4:05 min`, `1:02:03 h`."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02} h"


def time_left(seconds: float) -> str:
    """Return a coarse time as a clock shows it: `0:07`, `1:02:03`."""
    whole = math.ceil(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def amount(count: int) -> str:
    """Return a large count shortly: `960`, `12.3k`, `4.56M`, `1.20G`."""
    if count < 10_000:
        return str(count)
    value, unit = count / 1e3, "k"
    for larger in "MGTP":
        if value < 999.5:
            break
        value, unit = value / 1e3, larger
    return f"{value:.{max(0, 2 - max(0, _power(value)))}f}{unit}"
