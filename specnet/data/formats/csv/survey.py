"""What a CSV file holds, found out without any settings."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from math import isfinite
from pathlib import Path

from specnet.data.formats.csv.compression import CompressionError, MemberError, is_workbook, unpacked
from specnet.data.formats.csv.dialect import Dialect
from specnet.data.formats.csv.reader import RecordReader
from specnet.data.formats.csv.sniffing import JSON_HELP, is_json, sniffed
from specnet.data.opening import open_given
from specnet.data.tables.column_survey import ColumnSurvey, column_surveys
from specnet.data.tables.number_formats import likely_format
from specnet.data.tables.numbers import PLAIN, NumberFormat
from specnet.data.tables.settings import MARKERS
from specnet.data.tables.table import RECORDS
from specnet.data.text.encodings import UTF16, found_encoding, possible_encodings, shown_in
from specnet.diagnostics import Diagnostic, SpecError, SpecFileError
from specnet.diagnostics.text import listed

SAMPLE = 1 << 16
"""Characters from which the delimiter is guessed."""

CANDIDATES = 8
"""How many encodings are named for a file that could have several."""

LARGE = 8 << 20
"""Bytes from which a file is not held."""

START = 1 << 20
"""Bytes of such a file that show how it is written."""

LOOKED_AT = 1000
"""Rows that are read to tell whether the first one is a header."""

CONSECUTIVE = 3
"""How many numbers in a row are needed to be names."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds, and how it is written."""

    path: Path
    dialect: Dialect
    numbers: NumberFormat
    header: bool
    rows: int
    columns: tuple[ColumnSurvey, ...]
    format: str = "csv"
    """The type of the document's data."""


def survey(path: Path, encoding: str | None = None) -> Survey:
    """Read a file to its end and return what it holds; raise SpecError where it is not a table.

    Its encoding is found out where it is not given: see `encodings`; and so is the rest of its dialect. Of a large file
    its beginning shows the dialect, and the rest passes by.
    """
    if path.is_file() and path.stat().st_size > LARGE:
        found = _survey_in_passing(path, encoding)
        if found is not None:
            return found
    text, encoding = _text(path, encoding)
    dialect = _dialect(path, text, encoding)
    first, columns = _columns(path, text, dialect)
    numbers, header = _format(first, columns, dialect)
    rows = len(columns[0]) - header
    if not rows:
        raise _fault(path, "SN506", f"`{path}` has no rows of data")
    names = first if header else list(map(str, range(len(columns))))
    surveys = column_surveys(names, [cells[int(header) :] for cells in columns], numbers=numbers)
    return Survey(path, dialect, numbers, header, rows, surveys)


def _dialect(path: Path, text: str, encoding: str) -> Dialect:
    if is_json(text[:SAMPLE]):
        raise _fault(path, "SN504", f"`{path}` is JSON, and no table that can be read here", JSON_HELP)
    return replace(sniffed(text[:SAMPLE], cut=len(text) > SAMPLE), encoding=encoding)


def _format(first: list[str], columns: list[list[str]], dialect: Dialect) -> tuple[NumberFormat, bool]:
    """Return how columns write numbers, and whether the first record is a header."""
    numbers = likely_format(
        [dict.fromkeys(cell for cell in column[1:] if cell not in MARKERS) for column in columns],
        dialect.delimiter,
    )
    return numbers, _has_header(first, [column[1 : LOOKED_AT + 1] for column in columns], numbers)


def _survey_in_passing(path: Path, encoding: str | None) -> Survey | None:
    """Return what a large file holds, without holding it; None where it must be looked at as a whole.

    That is where something is wrong with it, or where its encoding is found out by its bytes.
    """
    from specnet.data.formats.csv.blocks import BlockReader
    from specnet.data.tables.column_tally import ColumnTally, tallied

    try:
        with open_given(path) as file:
            start = unpacked(file, "auto").read(START)
        known = encoding or "utf-8"
        if encoding is None and (start.startswith(UTF16) or b"\0" in start[:SAMPLE]):
            return None
        text = start.decode("utf-8-sig" if known == "utf-8" else known, errors="replace")
        # Where a quoted cell goes on for long, the start may end inside it.
        text = text[: text.rindex("\n", 0, len(text)) + 1]
        dialect = _dialect(path, text, known)
        first, columns = _columns(path, text, dialect)
        numbers, header = _format(first, columns, dialect)
        names = first if header else list(map(str, range(len(columns))))
        del text, start, columns
        tallies = [ColumnTally(i, name, numbers) for i, name in enumerate(names)]
        with open_given(path) as file:
            reader = BlockReader(unpacked(file, "auto"), dialect, numbers.decimal)
            record = reader.first()
            if record is not None and not header:
                reader.unread(record)
            for chunk in reader.chunks(len(names), RECORDS):
                if chunk.odd:
                    return None
                for tally, cells in zip(tallies, chunk.columns, strict=True):
                    tally.add(cells)
    except (SpecError, csv.Error, ValueError, OSError):
        return None  # which looking at the whole explains
    return Survey(path, dialect, numbers, header, tallies[0].cells, tallied(tallies))


def _columns(path: Path, text: str, dialect: Dialect) -> tuple[list[str], list[list[str]]]:
    """Return the first record, and the cells of each column with that of the first record, blanks stripped."""
    with io.StringIO(text, newline="") as stream:
        reader = RecordReader(stream, dialect)
        try:
            first = reader.first()
            if first is None:
                raise _fault(path, "SN506", f"`{path}` is empty")
            reader.unread(first)
            chunks = list(reader.chunks(len(first[1]), RECORDS))
        except csv.Error as error:
            message = f"`{path}` is not well-formed CSV: {error}, in line {reader.line}"
            raise _fault(path, "SN504", message) from None
    width = len(first[1])
    for line, cells in chain.from_iterable(chunk.odd for chunk in chunks):
        message = f"line {line} of `{path}` has {cells} cells, where the first line has {width}"
        raise _fault(path, "SN505", message, "text that contains the delimiter must be quoted")
    joined = ([cell.strip() for chunk in chunks for cell in chunk.columns[i]] for i in range(width))
    columns = list(joined)
    return [column[0] for column in columns], columns


def _text(path: Path, encoding: str | None) -> tuple[str, str]:
    """Return what a file says, and its encoding: the one that is given, or else the one that is found."""
    try:
        with open_given(path) as file:
            data = unpacked(file, "auto").read()
    except CompressionError as error:
        raise _not_unpacked(path, error) from None
    except OSError as error:
        raise SpecFileError(f"{path}: {error.strerror or error}") from None
    name = encoding or _found(path, data)
    try:
        return data.decode("utf-8-sig" if name == "utf-8" else name), name
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(name, errors="replace").count("\n") + 1
        byte = f"0x{data[error.start]:02x}"
        raise _fault(
            path, "SN503", f"`{path}` is not text in {name}: line {line} has the byte {byte}"
        ) from None
    except UnicodeError:
        raise _fault(path, "SN503", f"`{path}` is not text in {name}") from None


def _not_unpacked(path: Path, error: CompressionError) -> SpecError:
    with open_given(path) as file:
        if is_workbook(file):
            return _fault(
                path, "SN503", f"`{path}` is a workbook of a spreadsheet program", "save the sheet as CSV"
            )
    if isinstance(error, MemberError):
        help = f"unpack the one that is meant; it holds {listed(error.names)}" if error.names else None
        return _fault(path, "SN501", f"`{path}` {error}", help)
    return _fault(path, "SN502", f"`{path}` {error}")


def _found(path: Path, data: bytes) -> str:
    name = found_encoding(data)
    if name is not None:
        return name
    if b"\0" in data[:SAMPLE]:
        raise _fault(path, "SN503", f"`{path}` is not text")
    able = possible_encodings(data)[:CANDIDATES]
    read = ", ".join(f"{each} `{shown_in(data, each)}`" for each in able)
    help = (
        f"name it with --encoding; the first line that shows it reads {read}" if able else "save it as UTF-8"
    )
    raise _fault(path, "SN503", f"`{path}` is not UTF-8, and could have several other encodings", help)


def _has_header(first: list[str], columns: Sequence[Sequence[str]], numbers: NumberFormat = PLAIN) -> bool:
    """Return whether the first record holds names: no number, no gap in the middle, and unlike the rest.

    Numbers are names, too, where they count up by one, as years do, and no value below comes near them.
    """
    if len(first) > 1 and not any(first[1:]):
        return False
    numeric = [i for i, cell in enumerate(first) if _is_number(cell, numbers)]
    if numeric:
        return len(numeric) < len(first) and _counts(
            [first[i] for i in numeric], [columns[i] for i in numeric], numbers
        )
    if any(_numeric(column, numbers) for column in columns):
        return True
    # All is text: names do not come again below, and differ from each other.
    return len(set(first)) == len(first) and all(
        name not in column for name, column in zip(first, columns, strict=True)
    )


def _counts(names: Sequence[str], columns: Sequence[Sequence[str]], numbers: NumberFormat) -> bool:
    """Return whether names are consecutive whole numbers, each beyond what its column holds below."""
    values = [numbers.value(name) or 0.0 for name in names]
    if len(values) < CONSECUTIVE or any(b - a != 1 for a, b in pairwise(values)):
        return False
    below = [
        [float(numbers.value(cell) or 0.0) for cell in column if _is_number(cell, numbers)]
        for column in columns
    ]
    return any(below) and all(
        not cells or value > max(cells) or value < min(cells)
        for value, cells in zip(values, below, strict=True)
    )


def _is_number(cell: str, numbers: NumberFormat) -> bool:
    """Return whether a cell is a finite number: in a table, `nan` is a word for a missing value."""
    value = numbers.value(cell)
    return value is not None and isfinite(value)


def _numeric(column: Sequence[str], numbers: NumberFormat) -> bool:
    there = [cell for cell in column if cell not in MARKERS]
    return sum(_is_number(cell, numbers) for cell in there) > len(there) / 2


def _fault(path: Path, code: str, message: str, help: str | None = None) -> SpecError:
    return SpecError([Diagnostic(code, message, file=str(path), help=help)])
