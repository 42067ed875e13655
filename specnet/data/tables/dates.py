"""Cells that are dates."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice

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


def are_dates(texts: Collection[str]) -> bool:
    """Return whether nearly all of the cells of a column are dates, with or without a time.

    Years, months and days may stand in any order, as numbers or with names of months; a month of a year is a date, too
    (`2024-05`), and a number of eight digits that can be one (`20240531`).
    """
    sample = list(islice(texts, LOOKED_AT))
    dates = sum(_DATE.fullmatch(text) is not None for text in sample)
    return bool(sample) and dates >= NEARLY_ALL * len(sample)
