from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import count
from pathlib import Path
from typing import IO, Any

from specnet.data.files import FilePlace
from specnet.data.opening import open_regular

LONGEST = 64 << 20
"""Letters of a line above which a file is taken for one that is made to fill the memory."""

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the text of a CSV file is to be understood."""

    delimiter: str
    encoding: str
    header: bool
    markers: frozenset[str]
    """Cells that mean that there is no value."""
    replace: dict[str, str]
    """Cells that are read as another text."""
    special: frozenset[str] = field(init=False)
    """Texts of numbers that are not to be read as those numbers."""

    def __post_init__(self) -> None:
        texts = {text for text in (*self.markers, *self.replace) if number(text) is not None}
        object.__setattr__(self, "special", frozenset(texts))

    @property
    def typed(self) -> bool:
        """Whether cells are Python's values, and not texts."""
        return False

    @property
    def word(self) -> str:
        """What a row is called in messages."""
        return "line"

    def kinds(self, place: FilePlace) -> Mapping[str, str | None]:
        """Return what columns hold by their types, which columns of text have not; see `TypedTable.kinds`."""
        return {}

    @contextmanager
    def records(self, place: FilePlace) -> Iterator[Records]:
        """Open a file as records of cells; note what makes it unreadable, instead of raising it."""
        with reading(place, self.encoding), self.lines(place.path) as lines:
            yield lines

    @contextmanager
    def lines(self, path: Path) -> Iterator[Records]:
        """Open a file of text as records of cells. Raises UnicodeError, csv.Error or OSError where it is unreadable."""
        encoding = (
            "utf-8-sig" if self.encoding.lower().replace("_", "-") in ("utf-8", "utf8") else self.encoding
        )
        with TextIOWrapper(open_regular(path), encoding=encoding, newline="") as file:
            skip = self.delimiter != " "
            lines = _bounded(file) if path.stat().st_size > LONGEST else file
            reader = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=skip, strict=True)
            try:
                yield Records(reader)
            except _EndlessError:
                raise
            except csv.Error as error:
                raise csv.Error(f"{error}, in line {reader.line_num}") from error

    def read(self, cell: str) -> float | str | None:
        """Return what a cell says: a number, a string, or None for a missing value."""
        text = cell.strip()
        text = self.replace.get(text, text)
        if text in self.markers:
            return None
        value = number(text)
        return text if value is None else value

    def text(self, cell: str) -> str | None:
        """Return what a cell of a text column says, or None for a missing value."""
        text = cell.strip()
        text = self.replace.get(text, text)
        return None if text in self.markers else text


class Records:
    """The records of a file, without blank lines, and where each starts."""

    def __init__(self, reader: csv._reader) -> None:  # type: ignore[name-defined, unused-ignore]
        self.reader = reader

    def __iter__(self) -> Iterator[list[str]]:
        return filter(filled, self.reader)

    def numbered(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the number of its first line, from 1."""
        line = 1
        for record in self.reader:
            if filled(record):
                yield line, record
            line = self.reader.line_num + 1


def filled(record: list[str]) -> bool:
    """Return whether a record is more than a blank line."""
    return len(record) > 1 or (len(record) == 1 and bool(record[0].strip()))


def spelled(cell: Any) -> str:
    """Return how a value that is no text stands in a file: 3.0 as `3`, and True as `true`."""
    if type(cell).__name__ in ("bool", "bool_"):
        return "true" if cell else "false"
    try:
        value = float(cell)
    except (TypeError, ValueError, OverflowError):
        return str(cell)
    return str(int(value)) if value.is_integer() else str(cell)


def number(text: str) -> float | None:
    """Return the decimal number that a string spells, infinities and NaN among them; None if it spells none."""
    if "_" in text or not text.isascii():
        return None
    try:
        return float(text)
    except ValueError:
        return None


@contextmanager
def reading(place: FilePlace, encoding: str) -> Iterator[None]:
    """Note what makes a file unreadable as CSV, instead of raising it."""
    collector = place.context.collector
    try:
        yield
    except UnicodeError:
        _note_undecodable(place, encoding)
    except csv.Error as error:
        message = f"`{place.name}` is not well-formed CSV: {error}"
        collector.add("SN504", message, *place.key, help="a quote may be unclosed, or the delimiter another")
    except OSError as error:
        collector.add("SN502", f"`{place.name}` cannot be read: {error.strerror}", *place.key)


class _EndlessError(csv.Error):
    """A line is so long that it would fill the memory."""


def _bounded(file: IO[str]) -> Iterator[str]:
    """Yield the lines of a file; raise csv.Error at one that would fill the memory."""
    for number in count(1):
        line = file.readline(LONGEST)
        if len(line) == LONGEST and not line.endswith(("\n", "\r")):
            raise _EndlessError(f"line {number} is longer than {LONGEST >> 20} MiB")
        if not line:
            return
        yield line


def _note_undecodable(place: FilePlace, encoding: str) -> None:
    with open_regular(place.path) as file:
        start = file.read(2)
        file.seek(0)
        where = _undecodable(file, encoding)
    kinds = {b"\x1f\x8b": "a gzip file", b"PK": "a zip file", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
    kind = kinds.get(start)
    help = "unpack it first" if kind else "name its `encoding`, such as `latin-1`"
    if kind == "UTF-16":
        help = 'write `encoding = "utf-16"`'
    message = f"`{place.name}` is {kind}" if kind else f"`{place.name}` is not text in {encoding}{where}"
    place.context.collector.add("SN503", message, *place.key, help=help)


def _undecodable(file: IO[bytes], encoding: str) -> str:
    """Return where a file is not text in an encoding, read piece by piece, whatever its size."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    while True:
        piece = file.read(CHUNK)
        # An error's place counts from what the decoder still holds of the piece before.
        held = decoder.getstate()[0]
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            line += error.object.count(b"\n", 0, error.start) - held.count(b"\n")
            return f" in line {line}"
        except UnicodeError:
            return " from its start"
        if not piece:
            return ""
        line += piece.count(b"\n")
