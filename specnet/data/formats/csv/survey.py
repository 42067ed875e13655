"""What a CSV file holds, found out without any settings."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from math import inf, isfinite, sqrt
from pathlib import Path

from specnet.data.formats.csv.encodings import found_encoding, possible_encodings, shown_in
from specnet.data.formats.csv.reader import FOREIGN, RecordReader
from specnet.data.opening import open_given
from specnet.data.tables.cells import number
from specnet.data.tables.settings import MARKERS
from specnet.data.tables.table import RECORDS
from specnet.diagnostics import Diagnostic, SpecError, SpecFileError

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 1 << 16
"""Characters from which the delimiter is guessed."""

CANDIDATES = 8
"""How many encodings are named for a file that could have several."""

DISTINCT = 1001
"""Up to how many different cells of a column are counted."""

LOOKED_AT = 1000
"""Rows that are read to tell whether the first one is a header."""

ODD = 3
"""How many different texts a column of numbers may hold that stand for missing values."""


@dataclass(slots=True)
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
    whole: bool
    """Whether all of its numbers are whole."""
    low: float
    high: float
    spread: float
    """The standard deviation of its numbers."""
    counting: bool
    """Whether each number is one more than that in the row before."""
    markers: tuple[str, ...]
    """Strings among its numbers that stand for missing values: a few among many."""
    other: str | None = None
    """What it holds where it is neither numbers nor text, such as `timestamp[us]`."""

    @classmethod
    def of(cls, place: int, name: str, cells: Sequence[str], *, text: bool = False) -> ColumnSurvey:
        """Return what the cells of a column are, their blanks stripped; with `text`, none of them is a number."""
        there = [cell for cell in cells if cell not in MARKERS]
        distinct = Counter(dict(islice(Counter(there).items(), DISTINCT)))
        values = {
            cell: value
            for cell in set(there)
            if not text and (value := number(cell)) is not None and isfinite(value)
        }
        numbers = [values[cell] for cell in there if cell in values]
        odd = Counter(cell for cell in there if cell not in values)
        texts = sum(odd.values())
        few = len(odd) <= ODD and len(numbers) >= 9 * texts and not text
        markers = tuple(sorted(odd)) if few else ()
        for marker in markers:
            del distinct[marker]
        mean = sum(numbers) / max(1, len(numbers))
        squares = sum(value * value for value in numbers) / max(1, len(numbers))
        return cls(
            place,
            name,
            missing=len(cells) - len(there) + (texts if markers else 0),
            numbers=len(numbers),
            texts=0 if markers else texts,
            distinct=distinct,
            whole=all(map(float.is_integer, numbers)),
            low=min(numbers, default=inf),
            high=max(numbers, default=-inf),
            spread=sqrt(max(0.0, squares - mean * mean)),
            counting=all(b == a + 1 for a, b in pairwise(numbers)),
            markers=markers,
        )

    @property
    def rows(self) -> int:
        """How many cells have a value."""
        return self.numbers + self.texts

    @property
    def numeric(self) -> bool:
        """Whether it is a column of numbers."""
        return self.numbers > 0 and not self.texts

    @property
    def mixed(self) -> bool:
        """Whether it holds numbers and texts, and so names some of which look like numbers."""
        return self.numbers > 0 and self.texts > 0

    @property
    def many(self) -> bool:
        """Whether it has more different cells than are counted."""
        return len(self.distinct) >= DISTINCT


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds, and how it is written."""

    path: Path
    delimiter: str
    encoding: str
    header: bool
    rows: int
    columns: tuple[ColumnSurvey, ...]
    format: str = "csv"
    """The type of the document's data."""


def survey(path: Path, encoding: str | None = None) -> Survey:
    """Read a file to its end and return what it holds; raise SpecError where it is not a table.

    Its encoding is found out where it is not given: see `encodings`.
    """
    text, encoding = _text(path, encoding)
    delimiter = _delimiter(text[:SAMPLE])
    first, columns = _columns(path, text, delimiter)
    header = _has_header(first, [column[1 : LOOKED_AT + 1] for column in columns])
    rows = len(columns[0]) - header
    if not rows:
        raise _fault(path, "SN506", f"`{path}` has no rows of data")
    surveys = (
        ColumnSurvey.of(i, first[i] if header else str(i), cells[int(header) :])
        for i, cells in enumerate(columns)
    )
    return Survey(path, delimiter, encoding, header, rows, tuple(surveys))


def _columns(path: Path, text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """Return the first record, and the cells of each column with that of the first record, blanks stripped."""
    with io.StringIO(text, newline="") as stream:
        reader = RecordReader(stream, delimiter)
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
            data = file.read()
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


def _found(path: Path, data: bytes) -> str:
    kind = FOREIGN.get(data[:2])
    if kind is not None:
        raise _fault(path, "SN503", f"`{path}` is {kind}", "unpack it first")
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


def _delimiter(sample: str) -> str:
    """Return what parts the most cells in the same number on each line."""
    lines = sample.splitlines()[:50]
    # The last line of a sample may have been cut.
    lines = lines[:-1] if len(sample) == SAMPLE and len(lines) > 1 else lines
    best, maximum = ",", 1
    for sign in DELIMITERS:
        try:
            widths = Counter(len(r) for r in csv.reader(lines, delimiter=sign, skipinitialspace=True) if r)
        except csv.Error:
            continue
        width, count = widths.most_common(1)[0] if widths else (1, 0)
        if width > maximum and count >= 0.9 * sum(widths.values()):
            best, maximum = sign, width
    return best


def _has_header(first: list[str], columns: list[list[str]]) -> bool:
    """Return whether the first record holds names: no number, no gap in the middle, and unlike the rest."""
    if any(number(cell) is not None for cell in first) or (len(first) > 1 and not any(first[1:])):
        return False
    if any(any(number(cell) is not None for cell in column) for column in columns):
        return True
    # All is text: names do not come again below, and differ from each other.
    return len(set(first)) == len(first) and all(
        name not in column for name, column in zip(first, columns, strict=True)
    )


def in_sequence(values: list[float]) -> bool:
    """Return whether whole numbers follow on each other without a gap."""
    return all(b == a + 1 for a, b in pairwise(sorted(values)))


def _fault(path: Path, code: str, message: str, help: str | None = None) -> SpecError:
    return SpecError([Diagnostic(code, message, file=str(path), help=help)])
