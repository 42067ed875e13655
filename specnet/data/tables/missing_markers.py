"""Strings and numbers in a column of numbers that stand for missing values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from math import isfinite

from specnet.data.tables.numbers import NumberFormat

ODD = 3
"""How many different strings a column of numbers may hold that stand for missing values."""

ENOUGH = 3
"""How many rows must have a number that stands for a missing value."""

WORDS = frozenset({
    "-", "--", "---", ".", "..", "*", "?", "??", "#", "#n/a", "n/a", "n.a.", "na", "n/d", "nd", "none", "null", "nil",
    "unknown", "unk", "missing", "undefined", "inf", "nan", "not available", "unavailable", "blank", "empty",
})  # fmt: skip
"""What cells without a value say, in small letters."""

SENTINELS = frozenset(-float("9" * digits) for digits in range(1, 7))
"""Numbers that files put where a value is missing: -9, -99 to -999999. A large 9999 may as well be a capped value."""


def text_markers(cells: Counter[str], numbers: NumberFormat) -> tuple[str, ...]:
    """Return the strings among the numbers of a column that stand for missing values.

    These are at most three different ones. They say that a value is missing, with at least as many numbers; or they
    come again among numbers of which there are many different ones; or they are a tenth of the cells at most.
    """
    values = {text: value for text in cells if (value := numbers.value(text)) is not None and isfinite(value)}
    odd = [text for text in cells if text not in values]
    if not values or not 0 < len(odd) <= ODD:
        return ()
    texts, there = sum(cells[text] for text in odd), sum(cells[text] for text in values)
    said = all(text.casefold() in WORDS for text in odd) and there >= texts
    repeated = len(odd) == 1 and texts > 1 and there >= texts and len(values) >= 10
    return tuple(sorted(odd)) if said or repeated or there >= 9 * texts else ()


def sentinel(cells: Counter[str], numbers: NumberFormat) -> tuple[str, ...]:
    """Return how a column writes a number that stands for missing values.

    It is -9, -99, -999 and the like, in three rows at least, and stands apart: it is the only negative number, or
    farther below all others than these are from each other.
    """
    values = {text: value for text in cells if (value := numbers.value(text)) is not None and isfinite(value)}
    for wanted in sorted(SENTINELS & set(values.values())):
        others = [value for value in values.values() if value != wanted]
        spelled = tuple(sorted(text for text, value in values.items() if value == wanted))
        if len(set(others)) < 2 or sum(cells[text] for text in spelled) < ENOUGH:
            continue
        low, high = min(others), max(others)
        if wanted < 0 <= low or low - wanted > high - low:
            return spelled
    return ()


def agreed(found: Collection[tuple[str, ...]], columns: Collection[Collection[str]]) -> frozenset[str]:
    """Return the numbers that stand for missing values in every column that has them: markers hold for all columns."""
    return frozenset(
        text
        for own in found
        for text in own
        if all(text in there for there, cells in zip(found, columns, strict=True) if text in cells)
    )
