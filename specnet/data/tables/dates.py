"""Cells that are dates."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice

from specnet.data.tables.date_cells import DateFormat

NEARLY_ALL = 0.95
LOOKED_AT = 500

_TIME = r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[AP]M)?(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?)?"
_YEAR = r"(?:1[5-9]|20|21)[0-9]{2}"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    rf"(?:{_YEAR}([-/.])[01]?[0-9]\1[0-3]?[0-9]{_TIME}|{_YEAR}[-/][01]?[0-9]"
    rf"|[0-3]?[0-9]([-/.])[0-3]?[0-9]\2(?:[0-9]{{2}}|{_YEAR}){_TIME}"
    rf"|[0-3]?[0-9](?:[ -]|\. ){_MONTH}[ -](?:[0-9]{{2}}){{1,2}}{_TIME}"
    rf"|{_MONTH} [0-3]?[0-9],? [0-9]{{4}}{_TIME}"
    r"|(?:1[89]|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))",
    re.IGNORECASE,
)


_DAYS = (
    *("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y.%m.%d", "%d-%m-%Y", "%m-%d-%Y", "%Y-%m", "%Y/%m"),
    *("%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d. %B %Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def date_formats(texts: Collection[str]) -> list[str | None]:
    """Return the usual formats that read every one of some cells as a date; None stands for ISO 8601.

    More than one is left where no day is above 12, so that days and months cannot be told apart.
    """
    first = next(iter(texts), None)
    if first is None:
        return []
    formats = [None, *(f"{day}{time}" for day in _DAYS for time in _TIMES)]
    able = [each for each in formats if DateFormat(each).days(first) is not None]
    return [each for each in able if all(DateFormat(each).days(text) is not None for text in texts)]


def date_help(texts: Collection[str], reference: str) -> str | None:
    """Return which keys would make numbers of cells that are dates; None where they are not."""
    found = date_formats(texts)
    if not found:
        return None
    written = "" if found[0] is None else f' and `format = "{found[0]}"`'
    return f'these are dates: `type = "date"`{written} in [data.columns.{reference}] makes numbers of them'


def are_dates(texts: Collection[str]) -> bool:
    """Return whether nearly all of the cells of a column are dates, with or without a time.

    Years, months and days may stand in any order, as numbers or with names of months; a month of a year is a date, too
    (`2024-05`), and a number of eight digits that can be one (`20240531`).
    """
    sample = list(islice(texts, LOOKED_AT))
    dates = sum(_DATE.fullmatch(text) is not None for text in sample)
    return bool(sample) and dates >= NEARLY_ALL * len(sample)
