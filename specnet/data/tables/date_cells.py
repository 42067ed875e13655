"""Dates in the cells of a table, and the numbers that a column of dates becomes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

DatePart = Literal["year", "month", "day", "weekday", "days"]

PARTS: tuple[DatePart, ...] = ("year", "month", "day", "weekday", "days")
"""What a column of dates becomes by default, an element each."""

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - dates are read as they are written, whatever their time zone
"""The day that days are counted from."""

_DIRECTIVE = re.compile("%(.)", re.DOTALL)
_YEARS = frozenset("YyGcx")


@dataclass(frozen=True, slots=True)
class DateFormat:
    """How the cells of a column write dates."""

    format: str | None = None
    """A format of `strptime`; None for ISO 8601."""

    @property
    def stated(self) -> str:
        """How messages name it."""
        return "ISO 8601, such as 2024-05-31" if self.format is None else f"the format {self.format}"

    def days(self, text: str) -> float | None:
        """Return the days from 1970-01-01 to a date, its time as a fraction; None for a string that is no date.

        A time zone is left out of account: a date is the one that is written.
        """
        try:
            if self.format is None:
                return days(datetime.fromisoformat(text))
            return days(datetime.strptime(text, self.format))  # noqa: DTZ007 - see EPOCH
        except ValueError:
            return None


def format_problem(text: str) -> str | None:
    """Return what is wrong with a format of `strptime`; None if dates can be read by it."""
    if _YEARS.isdisjoint(_DIRECTIVE.findall(text)):
        return "the format has no year: `%Y` stands for four digits, `%y` for two"
    try:
        datetime.strptime(EPOCH.strftime(text), text)  # noqa: DTZ007 - see EPOCH
    except ValueError as error:
        return f"dates cannot be read by this format: {error}"
    return None


def days(moment: date) -> float:
    """Return the days from 1970-01-01 to a date, or to a date and time as a fraction."""
    if not isinstance(moment, datetime):
        return float((moment - EPOCH.date()).days)
    return (moment.replace(tzinfo=None) - EPOCH) / timedelta(days=1)


def date_parts(values: NDArray[Any], parts: tuple[DatePart, ...]) -> NDArray[Any]:
    """Return the parts (rows, parts) of days since 1970-01-01 in float64, NaN where a day is.

    The weekday goes from 0 for Monday to 6 for Sunday, as `datetime.date.weekday` says it.
    """
    import numpy as np

    whole = np.floor(values)
    known = np.isfinite(whole)
    day = np.where(known, whole, 0).astype(np.int64).astype("datetime64[D]")
    month, year = day.astype("datetime64[M]"), day.astype("datetime64[Y]")
    numbers = {
        "year": year.astype(np.int64) + 1970,
        "month": (month - year).astype(np.int64) + 1,
        "day": (day - month).astype(np.int64) + 1,
        "weekday": (day.astype(np.int64) + 3) % 7,
        "days": values,
    }
    found = np.stack([numbers[part] for part in parts], axis=1).astype(np.float64)
    found[~known] = np.nan
    return found
