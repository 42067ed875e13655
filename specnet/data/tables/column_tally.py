"""What the cells of a column are, found out while a large file passes by, in memory that does not grow with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import inf, isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.tables.byte_cells import ByteColumn
from specnet.data.tables.column_survey import DISTINCT, ColumnSurvey, Spread, are_coded
from specnet.data.tables.dates import are_dates, date_formats
from specnet.data.tables.missing_markers import SENTINELS, agreed, sentinel, text_markers
from specnet.data.tables.settings import MARKERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.tables.numbers import NumberFormat

HELD = 100_000
"""Different strings of a column that are held; of a column of numbers, those of 1001 cells are."""

COMPARED = 1 << 20
"""Rows whose whole numbers are compared with each other."""


@dataclass(slots=True)
class _Moments:
    """How numbers that come in pieces are distributed, by the rules of Chan, Golub and LeVeque (1979)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    cubes: float = 0.0
    low: float = inf
    high: float = -inf

    def add(self, values: NDArray[np.float64]) -> None:
        if not len(values):
            return
        mean = float(values.mean())
        apart = values - mean
        squared = apart * apart
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        self._join(len(values), mean, float(squared.sum()), float((squared * apart).sum()))

    def _join(self, count: int, mean: float, squares: float, cubes: float) -> None:
        both, apart = self.count + count, mean - self.mean
        share = self.count * count / both
        self.cubes += cubes + apart**3 * share * (self.count - count) / both
        self.cubes += 3 * apart * (self.count * squares - count * self.squares) / both
        self.squares += squares + apart**2 * share
        self.mean += apart * count / both
        self.count = both

    @property
    def spread(self) -> Spread:
        count = max(1, self.count)
        deviation = sqrt(self.squares / count)
        skew = self.cubes / count / deviation**3 if deviation > 0 else 0.0
        return Spread(self.low, self.high, deviation, skew)


@dataclass(slots=True)
class ColumnTally:
    """Counts the cells of a column: as strings while these are few, and then as numbers if most are."""

    place: int
    name: str
    form: NumberFormat
    cells: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """How often strings occur: all of them, or of a column of numbers, after `DISTINCT` ones, those that are none, or
    that may stand for missing values."""
    _order: dict[str, int] | None = field(default_factory=dict)
    _pattern: Any = field(default_factory=hashlib.sha256)
    _numeric: bool = False
    _rest: int = 0
    """The numbers, or the strings, that are not counted by themselves."""
    _moments: _Moments = field(default_factory=_Moments)
    _logarithms: _Moments = field(default_factory=_Moments)
    _whole: bool = True
    _counting: bool = True
    _last: float | None = None
    _compared: list[NDArray[np.float64]] = field(default_factory=list)
    _sentinels: Counter[float] = field(default_factory=Counter)
    """How often numbers occur that may stand for missing values; the moments are without them."""
    _zeros: bool = False
    """Whether a cell of digits begins with a zero."""
    _digits: bool = True
    """Whether all cells are digits."""

    def add(self, column: Sequence[str]) -> None:
        """Take in the next cells."""
        self.cells += len(column)
        found = column.numbers(self.form.decimal) if isinstance(column, ByteColumn) else None
        if found is None:
            found = np.zeros(len(column)), np.ones(len(column), np.bool_)
        values, odd = found
        places = np.flatnonzero(odd)
        if self._numeric:
            strings = [column[i].strip() for i in places.tolist()]
            special = np.flatnonzero(np.isin(values, list(SENTINELS)) & ~odd)
            self._count(strings, len(column) - len(places) - len(special))
            self.counts.update(column[i].strip() for i in special.tolist())
            if self._whole and self._digits:
                self._look_at_digits(column)
        else:
            every = list(map(str.strip, column))
            strings = every if len(places) == len(every) else [every[i] for i in places.tolist()]
            self._count(every, 0)
            self._look_for_equals(every)
            self._numeric = len(self.counts) > DISTINCT and self._mostly_numbers()
        if strings:
            values = values.copy()
            known = {text: self._number(text) for text in set(strings)}
            values[places] = [known[text] for text in strings]
            values = values[~np.isnan(values)]
        self._add_numbers(values)

    def _number(self, text: str) -> float:
        """Return the finite number that a string spells; NaN where it spells none."""
        value = None if text in MARKERS else self.form.value(text)
        return value if value is not None and isfinite(value) else np.nan

    def _count(self, strings: Sequence[str], numbers: int) -> None:
        self._rest += numbers
        if len(self.counts) < HELD:
            self.counts.update(strings)
            return
        known = [text for text in strings if text in self.counts]
        self.counts.update(known)
        self._rest += len(strings) - len(known)

    def _mostly_numbers(self) -> bool:
        return 2 * sum(not np.isnan(self._number(text)) for text in self.counts) > len(self.counts)

    def _look_for_equals(self, cells: Sequence[str]) -> None:
        """Note which cells are equal, as `ColumnSurvey.pattern` has it, while few differ."""
        if self._order is None:
            return
        order = self._order
        self._pattern.update(
            np.array([order.setdefault(cell, len(order)) for cell in cells], np.int64).tobytes()
        )
        if len(order) > DISTINCT:
            self._order = None

    def _look_at_digits(self, column: Sequence[str]) -> None:
        texts = [text for text in map(str.strip, column) if text not in MARKERS]
        self._digits = all(map(str.isdigit, texts))
        self._zeros = self._zeros or any(text[0] == "0" and len(text) > 1 for text in texts)

    def _add_numbers(self, values: NDArray[np.float64]) -> None:
        if not len(values):
            return
        if values.min() < 0:
            special = np.isin(values, list(SENTINELS))
            self._sentinels.update(values[special].tolist())
            values = values[~special]
            if not len(values):
                return
        self._counting = self._counting and bool((np.diff(values) == 1).all())
        self._counting = self._counting and self._last in (None, values[0] - 1)
        self._last = float(values[-1])
        self._whole = self._whole and bool((values == np.floor(values)).all())
        if not self._whole:
            self._compared.clear()
        elif sum(map(len, self._compared)) < COMPARED:
            self._compared.append(values)
        self._moments.add(values)
        if self._moments.low > 0:
            self._logarithms.add(np.log(values))

    @property
    def counter(self) -> Counter[str]:
        """The cells as `missing_markers` looks at them: for all numbers of a column, some of them and the extremes."""
        made = Counter({text: count for text, count in self.counts.items() if text not in MARKERS})
        if self._numeric and made:
            shown = [self._spelled(value) for value in (self._moments.low, self._moments.high)]
            made.update(text for text in shown if text not in made)
            number = next(text for text in made if not np.isnan(self._number(text)))
            made[number] += self._rest - len(shown)
        return made

    def _spelled(self, value: float) -> str:
        return repr(value).removesuffix(".0").replace(".", self.form.decimal)

    def survey(self, markers: Collection[str]) -> ColumnSurvey:
        """Return what the column is, where these cells stand for missing values beside the usual ones."""
        special = {value for text in markers if (value := self.form.value(text)) is not None}
        for value, count in self._sentinels.items():
            if value not in special:
                self._moments.add(np.full(count, value))
        counts = Counter(
            {text: n for text, n in self.counts.items() if text not in MARKERS and text not in markers}
        )
        missing = self.cells - self._rest - sum(counts.values())
        there, numbers = self.cells - missing, self._moments.count
        dates = are_dates(counts)
        digits = self._digits and all(map(str.isdigit, counts))
        coded = not dates and digits and (self._zeros or are_coded(counts))
        return ColumnSurvey(
            self.place,
            self.name,
            missing=missing,
            numbers=numbers,
            texts=there - numbers,
            distinct=Counter(dict(islice(counts.items(), DISTINCT))),
            unlike=self._unlike(counts, there),
            whole=self._whole,
            spread=self._moments.spread,
            logarithms=self._logarithms.spread if self._moments.low > 0 and numbers else None,
            counting=self._counting,
            coded=coded,
            dates=dates,
            date_formats=tuple(date_formats(counts)) if dates else (),
            markers=tuple(sorted(text for text in markers if text in self.counts)),
            pattern=self._pattern.digest() if self._order is not None else f"column {self.place}".encode(),
        )

    def _unlike(self, counts: Counter[str], rows: int) -> int:
        """Return how many different cells there are, of whole numbers judged by the first million."""
        if self._numeric and self._whole:
            compared = np.concatenate([np.empty(0), *self._compared])
            different = len(np.unique(compared))
            return rows if different == len(compared) else max(different, DISTINCT)
        if len(counts) >= HELD and max(counts.values()) == 1:
            return rows
        return len(counts)


def tallied(tallies: Sequence[ColumnTally]) -> tuple[ColumnSurvey, ...]:
    """Return what columns are; a marker of missing values holds for a whole table, and so for all of them."""
    form = tallies[0].form
    counts = [tally.counter for tally in tallies]
    markers = {marker for own in counts for marker in text_markers(own, form)}
    without = [Counter({cell: count for cell, count in own.items() if cell not in markers}) for own in counts]
    apart = [
        sentinel(own, form) if own and all(form.value(cell) is not None for cell in own) else ()
        for own in without
    ]
    markers |= agreed(apart, without)
    return tuple(tally.survey(markers) for tally in tallies)
