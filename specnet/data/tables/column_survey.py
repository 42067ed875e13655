"""What the cells of one column are, found out without any settings."""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from math import inf, isfinite, log, sqrt

from specnet.data.tables.dates import are_dates, date_formats
from specnet.data.tables.identifiers import ENOUGH, are_identifiers
from specnet.data.tables.missing_markers import agreed, sentinel, text_markers
from specnet.data.tables.numbers import PLAIN, NumberFormat
from specnet.data.tables.settings import MARKERS

DISTINCT = 1001
"""Up to how many different cells of a column are counted."""

FEW_CATEGORIES = 100
"""Up to so many, two rows of a category are enough; more are names or free text unless there are three."""

_CODE = re.compile(r"0[0-9]+")


@dataclass(frozen=True, slots=True)
class Spread:
    """How numbers are distributed."""

    low: float
    high: float
    deviation: float
    """The standard deviation."""
    skew: float
    """The third moment by that deviation: 0 of a symmetric distribution, 2 of an exponential one."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return how these numbers are distributed."""
        count = max(1, len(values))
        mean = sum(values) / count
        deviation = sqrt(sum((value - mean) ** 2 for value in values) / count)
        cubes = sum(((value - mean) / deviation) ** 3 for value in values) if deviation > 0 else 0.0
        return cls(min(values, default=inf), max(values, default=-inf), deviation, cubes / count)


@dataclass(frozen=True, slots=True)
class ColumnSurvey:
    """One column: what its cells are."""

    place: int
    name: str
    """Its name; its position where there is no header, or no name of its own."""
    missing: int
    numbers: int
    texts: int
    distinct: Counter[str]
    """How often each cell occurs, up to a limit."""
    unlike: int
    """How many different cells there are."""
    whole: bool
    """Whether all of its numbers are whole."""
    spread: Spread
    logarithms: Spread | None
    """The spread of the logarithms of its numbers, where all are positive."""
    counting: bool
    """Whether each number is one more than that in the row before."""
    coded: bool
    """Whether its numbers are names of things: some have zeros in front, as in 00501."""
    dates: bool
    """Whether its cells are dates."""
    date_formats: tuple[str | None, ...]
    """The formats that read all of them; None is ISO 8601."""
    markers: tuple[str, ...]
    """Cells that stand for missing values, beside the usual ones."""
    pattern: bytes
    """A checksum of which rows have equal cells: the same for a column of the same values in other words."""
    other: str | None = None
    """What it holds where it is neither numbers nor text, such as `timestamp[us]`."""

    @classmethod
    def of(
        cls,
        place: int,
        name: str,
        cells: Sequence[str],
        *,
        text: bool = False,
        numbers: NumberFormat = PLAIN,
        markers: Collection[str] = (),
    ) -> ColumnSurvey:
        """Return what the cells of a column are, their blanks stripped; with `text`, none of them is a number.

        `markers` are the cells that stand for missing values beside the usual ones.
        """
        there = [cell for cell in cells if cell not in MARKERS and cell not in markers]
        counts = Counter(there)
        found = {
            cell: number
            for cell in counts
            if (number := numbers.value(cell)) is not None and isfinite(number)
        }
        dates = are_dates(counts)
        coded = not text and are_coded(counts) and not dates
        values = {} if text else found
        held = [values[cell] for cell in there if cell in values]
        return cls(
            place,
            name,
            missing=len(cells) - len(there),
            numbers=len(held),
            texts=len(there) - len(held),
            distinct=Counter(dict(islice(counts.items(), DISTINCT))),
            unlike=len(counts),
            whole=all(map(float.is_integer, held)),
            spread=Spread.of(held),
            logarithms=Spread.of(list(map(log, held))) if held and min(held) > 0 else None,
            counting=all(b == a + 1 for a, b in pairwise(held)),
            coded=coded,
            dates=dates,
            date_formats=tuple(date_formats(counts)) if dates else (),
            markers=tuple(sorted(set(cells) & set(markers))),
            pattern=_pattern(cells),
        )

    @property
    def rows(self) -> int:
        """How many cells have a value."""
        return self.numbers + self.texts

    @property
    def numeric(self) -> bool:
        """Whether it is a column of numbers."""
        return self.numbers > 0 and not self.texts and not self.coded

    @property
    def mixed(self) -> bool:
        """Whether it holds names some of which look like numbers."""
        return self.numbers > 0 and (self.texts > 0 or self.coded)

    @property
    def many(self) -> bool:
        """Whether it has more different cells than are counted."""
        return self.unlike >= DISTINCT

    @property
    def identifying(self) -> bool:
        """Whether it numbers or names the rows."""
        if not self.numeric:
            return self.unlike == self.rows >= ENOUGH
        if not self.whole or self.missing:
            return False
        counting = self.counting and self.rows > 2
        return counting or are_identifiers(
            self.name, self.rows, self.unlike, self.spread.low, self.spread.high
        )

    @property
    def free_text(self) -> bool:
        """Whether it holds so many different texts that few rows have the same one."""
        if self.numeric:
            return False
        each = 2 if self.unlike <= FEW_CATEGORIES else 3
        return self.many or (self.unlike > ENOUGH / 2 and each * self.unlike > self.rows)


def are_coded(texts: Collection[str]) -> bool:
    """Return whether cells are digits, some with zeros in front, as in 00501."""
    return any(map(_CODE.fullmatch, texts)) and all(map(str.isdigit, texts))


def _pattern(cells: Sequence[str]) -> bytes:
    order: dict[str, int] = {}
    first = array("q", (order.setdefault(cell, len(order)) for cell in cells))
    return hashlib.sha256(first.tobytes()).digest()


def column_surveys(
    names: Sequence[str],
    columns: Sequence[Sequence[str]],
    *,
    numbers: NumberFormat = PLAIN,
    text: Collection[int] = (),
) -> tuple[ColumnSurvey, ...]:
    """Return what columns of cells are, their blanks stripped; those at the places in `text` hold no numbers.

    A marker of missing values holds for a whole table, and so for all of its columns.
    """
    counts = [Counter(cell for cell in column if cell not in MARKERS) for column in columns]
    among = [() if i in text else text_markers(own, numbers) for i, own in enumerate(counts)]
    markers = {marker for own in among for marker in own}
    without = [Counter({cell: count for cell, count in own.items() if cell not in markers}) for own in counts]
    numeric = [
        i not in text and bool(own) and all(numbers.value(cell) is not None for cell in own)
        for i, own in enumerate(without)
    ]
    apart = [sentinel(own, numbers) if number else () for own, number in zip(without, numeric, strict=True)]
    markers |= agreed(apart, without)
    return tuple(
        ColumnSurvey.of(i, name, cells, text=i in text, numbers=numbers, markers=markers)
        for i, (name, cells) in enumerate(zip(names, columns, strict=True))
    )
