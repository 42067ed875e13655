"""Columns that name the rows of a table, and say nothing of new ones."""

from __future__ import annotations

import re

ENOUGH = 20
"""Rows from which on it is no chance that no two cells of a column are equal."""

REPEATS = 5.0
"""How many pairs of equal numbers are to be expected, at least, where none is no chance."""

_NAMES = re.compile(
    r"(.*[\W_])?(id|ids|key|index|idx|nr|no|num|number|row|uid|uuid|guid|code|serial)|.*[a-z](Id|ID|Key|Nr|No)",
    re.ASCII,
)


def are_identifiers(name: str, rows: int, distinct: int, low: float, high: float) -> bool:
    """Return whether whole numbers from `low` to `high` identify the rows that they stand in.

    No two of them are equal. They lie so close together that numbers drawn from this range at random, rows·(rows - 1)/2
    pairs of them, would be equal in more than a few; or their column is called after an identifier.
    """
    if not ENOUGH <= rows == distinct:
        return False
    expected = rows * (rows - 1) / (2 * (high - low + 1))
    return expected > REPEATS or is_identifying_name(name)


def is_identifying_name(name: str) -> bool:
    """Return whether a column is called after an identifier: `id`, `PassengerId`, `customer_no`, `row number`."""
    name = name.strip()
    return _NAMES.fullmatch(name) is not None or _NAMES.fullmatch(name.lower()) is not None
