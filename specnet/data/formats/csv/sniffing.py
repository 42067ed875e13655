"""What parts the cells of a text, and which of its lines are no rows of the table."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, replace

from specnet.data.formats.csv.dialect import WHITESPACE, Dialect

DELIMITERS = (",", ";", "\t", "|", WHITESPACE)

LINES = 70
"""Lines that are looked at."""

MOST_SKIPPED = 20
"""Lines above a table, such as its title, that are left out at most."""

REGULAR = 0.9
"""The share of records that must have the same number of cells."""

CLEARLY = 0.2
"""How much larger the share of numbers must be with blanks between cells than with another delimiter."""

_JSON = re.compile(r'\s*(?:(?:\[\s*)?\{\s*"|\[\s*[-\[\d"])')
JSON_HELP = "write its rows as CSV, such as with pandas: read_json(...).to_csv(..., index=False)"
"""What to do with a table in JSON."""

_LIKE_NUMBER = re.compile(
    r"[^\w\s]?\s*[+-]?(?:[0-9]+(?:[.,'][0-9]+)*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?\s*[^\w\s]?"
)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the beginning of a file looks like with one delimiter."""

    dialect: Dialect
    width: int
    numbers: float
    """The share of cells that look like numbers."""

    @property
    def rank(self) -> tuple[bool, float, int]:
        return not self.dialect.skip_rows, round(self.numbers, 2), self.width


def is_json(start: str) -> bool:
    """Return whether a text begins as JSON does: an array of rows, or an object a line."""
    return _JSON.match(start) is not None


def sniffed(text: str, *, cut: bool) -> Dialect:
    """Return the delimiter, the comment sign and the lines to skip of the beginning of a table.

    Of the delimiters with which records have the same number of cells, it is the one that skips no lines, leaves the
    most cells that look like numbers, and then makes the most cells; blanks only where they make far more numbers than
    any other, or there is no other. Lines that begin with `#` are comments, unless the only one is the header.
    """
    # Unlike str.splitlines(), readers of CSV end lines at these alone.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    lines = lines[: LINES if len(lines) > LINES or not cut or len(lines) < 2 else -1]
    marked = [i for i, line in enumerate(lines) if line.lstrip().startswith("#")]
    best = _best(lines, Dialect(comment="#" if marked else None))
    if marked == [0] and best is not None and _width(lines[0], best.dialect) == best.width:
        return _dialect(_best(lines, Dialect()))
    return _dialect(best)


def _dialect(reading: _Reading | None) -> Dialect:
    return Dialect() if reading is None else reading.dialect


def _best(lines: list[str], dialect: Dialect) -> _Reading | None:
    found = [r for sign in DELIMITERS if (r := _reading(lines, replace(dialect, delimiter=sign))) is not None]
    blanks = [r for r in found if r.dialect.delimiter == WHITESPACE]
    others = [r for r in found if r.dialect.delimiter != WHITESPACE]
    best = max(others, key=lambda reading: reading.rank, default=None)
    if blanks and (best is None or blanks[0].numbers > best.numbers + CLEARLY):
        return blanks[0]
    return best


def _records(lines: list[str], dialect: Dialect) -> list[tuple[int, list[str]]]:
    """Return the records that are not blank, and the line in which each ends, from 1."""
    reader = csv.reader(
        dialect.table_lines(lines), delimiter=dialect.sign, skipinitialspace=dialect.sign != " "
    )
    return [(reader.line_num, record) for record in reader if len(record) > 1 or any(map(str.strip, record))]


def _width(line: str, dialect: Dialect) -> int:
    records = _records([line], replace(dialect, comment=None, skip_rows=0))
    return len(records[0][1]) if records else 0


def _reading(lines: list[str], dialect: Dialect) -> _Reading | None:
    try:
        records = _records(lines, dialect)
    except csv.Error:
        return None
    widths = Counter(len(record) for _, record in records if len(record) > 1)
    if not widths:
        return None
    width = widths.most_common(1)[0][0]
    first = next(i for i, (_, record) in enumerate(records) if _is_row(record, width))
    # A first line that is but one cell short holds names, as R writes them for a table with names of rows.
    if first and (records[0][0] > MOST_SKIPPED or (first == 1 and len(records[0][1]) == width - 1 > 1)):
        return None
    table = records[first:]
    regular = sum(len(record) == width for _, record in table)
    if regular < REGULAR * len(table) or (first and len(table) < 2 * first):
        return None
    skip = records[first - 1][0] if first else 0
    cells = [cell.strip() for _, record in table for cell in record]
    numbers = sum(_LIKE_NUMBER.fullmatch(cell) is not None for cell in cells)
    return _Reading(replace(dialect, skip_rows=skip), width, numbers / len(cells))


def _is_row(record: list[str], width: int) -> bool:
    """Return whether a record is one of the table: spreadsheets write a title as one cell before empty ones."""
    return len(record) == width and (width < 3 or sum(1 for cell in record if cell.strip()) > 1)
