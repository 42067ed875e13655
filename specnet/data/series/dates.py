"""The times of series as numbers: how cells write them, how they go on, and what of them a model sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from specnet.data.tables.date_cells import EPOCH, DateFormat, days
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

CalendarPart = Literal["minute", "hour", "weekday", "day", "day_of_year", "month"]

DAY = 86_400_000_000
"""The microseconds of a day, in which dates are counted."""

_CALENDAR_DAY, _CALENDAR_MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")

_UNITS = (
    ("week", 7 * DAY),
    ("day", DAY),
    ("hour", DAY // 24),
    ("minute", DAY // 1440),
    ("second", 1_000_000),
)


def microseconds(cell: Any, form: DateFormat) -> int | None:
    """Return the microseconds from 1970-01-01 to the date that a cell says; None for a cell that is no date."""
    found = days(cell) if isinstance(cell, date) else form.days(str(cell).strip())
    return None if found is None else round(found * DAY)


def calendar_features(times: NDArray[np.int64], parts: Sequence[CalendarPart]) -> NDArray[np.float64]:
    """Return parts of dates (times, parts), each from -0.5 for its first to 0.5 for its last possible value.

    They are scaled as in Informer (Zhou et al., 2021).
    """
    moments = times.astype("datetime64[us]")
    day = moments.astype("datetime64[D]")
    month, year = day.astype("datetime64[M]"), day.astype("datetime64[Y]")
    since = (moments - day).astype(np.int64)
    found: dict[str, NDArray[Any]] = {
        "minute": (since // (DAY // 1440) % 60) / 59,
        "hour": (since // (DAY // 24)) / 23,
        "weekday": ((day.astype(np.int64) + 3) % 7) / 6,
        "day": (day - month).astype(np.int64) / 30,
        "day_of_year": (day - year).astype(np.int64) / 365,
        "month": (month - year).astype(np.int64) / 11,
    }
    columns = [found[part] - 0.5 for part in parts]
    return np.stack(columns, axis=1) if columns else np.empty((len(times), 0))


@dataclass(frozen=True, slots=True)
class Frequency:
    """By how much times grow from step to step."""

    unit: Literal["number", "microseconds", "months", "workdays"]
    """Workdays go from Monday to Friday."""
    step: float = 1
    month_end: bool = False
    """Whether each time is on the last day of its month."""

    @property
    def name(self) -> str:
        """How messages call a step."""
        if self.unit == "number":
            return f"{self.step:g}"
        if self.unit == "workdays":
            return "1 workday"
        if self.unit == "months":
            years, rest = divmod(int(self.step), 12)
            return counted(years, "year") if not rest else counted(int(self.step), "month")
        for unit, size in _UNITS:
            if self.step % size == 0:
                return counted(int(self.step) // size, unit)
        return f"{self.step / 1e6:g} seconds"

    def irregular(self, times: NDArray[Any]) -> NDArray[np.bool_]:
        """Return for each time but the first whether it is not one step after the one before it."""
        if self.unit == "number":
            return np.asarray(np.abs(np.diff(times) - self.step) > 1e-6 * abs(self.step))
        if self.unit == "microseconds":
            return np.asarray(np.diff(times) != self.step)
        if self.unit == "workdays":
            day = times.astype("datetime64[us]").astype("datetime64[D]")
            apart = np.busday_count(day[:-1], day[1:]) != 1
            return np.asarray(apart | ~np.is_busday(day[1:]) | (times[1:] % DAY != times[:-1] % DAY))
        first, rest = times[:-1], times[1:]
        return np.asarray(
            (_month(rest) - _month(first) != self.step) | (self._in_month(rest) != self._in_month(first))
        )

    def after(self, last: Any, steps: int) -> NDArray[Any]:
        """Return the times of so many steps after a time."""
        ahead = np.arange(1, steps + 1)
        if self.unit == "number":
            return np.asarray(last + ahead * self.step)
        if self.unit == "microseconds":
            return np.asarray(last + ahead * int(self.step))
        if self.unit == "workdays":
            day = np.datetime64(int(last), "us").astype("datetime64[D]")
            return _of_days(np.busday_offset(day, ahead, roll="backward"), last)
        month = (
            np.datetime64(int(last), "us").astype("datetime64[M]") + ahead * int(self.step) * _CALENDAR_MONTH
        )
        ends = (month + _CALENDAR_MONTH).astype("datetime64[D]") - _CALENDAR_DAY
        if self.month_end:
            return _of_days(ends, last)
        place = self._in_month(np.array([last]))[0] // DAY
        return _of_days(np.minimum(month.astype("datetime64[D]") + int(place) * _CALENDAR_DAY, ends), last)

    def _in_month(self, times: NDArray[Any]) -> NDArray[np.int64]:
        """Return the microseconds since the month began, or with `month_end` since the next begins: negative ones."""
        month = times.astype("datetime64[us]").astype("datetime64[M]") + int(self.month_end) * _CALENDAR_MONTH
        return times - month.astype("datetime64[us]").astype(np.int64)

    @classmethod
    def of(cls, series: Sequence[NDArray[Any]], *, dated: bool) -> Self | None:
        """Return the frequency that most steps of some series agree with; None where no series has two times."""
        gaps = np.concatenate([np.diff(times) for times in series]) if series else np.empty(0)
        gaps = gaps[gaps > 0]
        if not len(gaps):
            return None
        sizes, counts = np.unique(gaps, return_counts=True)
        most = sizes[counts.argmax()]
        if not dated:
            return cls("number", float(most))
        found = [cls("microseconds", int(most)), cls("workdays")]
        months = np.concatenate([np.diff(_month(times)) for times in series])
        if (months > 0).any():
            sizes, counts = np.unique(months[months > 0], return_counts=True)
            size = int(sizes[counts.argmax()])
            found += [cls("months", size), cls("months", size, month_end=True)]
        return min(found, key=lambda each: sum(int(each.irregular(times).sum()) for times in series))


def shown(time: Any, *, dated: bool) -> str:
    """Return a time as it is written: a number, a date, or a date with its time of day."""
    if not dated:
        return f"{time:g}"
    moment = EPOCH + timedelta(microseconds=int(time))
    return moment.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat(" ")


def _month(times: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(times.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64))


def _of_days(day: NDArray[Any], last: Any) -> NDArray[np.int64]:
    """Return days as times, at the time of day of another time."""
    return np.asarray(day.astype("datetime64[us]").astype(np.int64) + int(last) % DAY)
