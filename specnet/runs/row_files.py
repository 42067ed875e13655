"""New rows for a trained model, block by block: from CSV, Parquet, JSON, npz, npy, idx and image files, or a stream."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from specnet.data.collector import Collector
from specnet.data.files import DataContext, FilePlace
from specnet.data.tables.dialect import Dialect, Records, number
from specnet.data.tables.parquet import SUFFIXES as PARQUET
from specnet.diagnostics import Diagnostic, SpecError
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, counted, listed

if TYPE_CHECKING:
    from specnet.data import Encoding
    from specnet.data.formats.images import Images
    from specnet.data.formats.npz import Npz
    from specnet.data.formats.table import Tabular

ROWS = 2048
"""Rows that are held as text at once."""

ELEMENTS = 1 << 20
"""Numbers of an array that are held at once."""

LINES_SUFFIXES = (".jsonl", ".ndjson")
ARRAY_SUFFIXES = (".npz", ".npy")
TEXT_SUFFIXES = (".csv", ".json", *LINES_SUFFIXES)
_PLAIN = Dialect(",", "utf-8", header=True, markers=frozenset(), replace={})

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Some rows as `Encoding.encode` takes them, and where each comes from."""

    rows: Any
    places: Sequence[str]
    """What each row is called in a message: `line 7`, `row 7`."""
    files: Sequence[str] | None = None
    """The file of each row, where each has one of its own."""


@dataclass(slots=True)
class RowFile:
    """A file, or a stream, of rows for an encoding.

    Columns that have names are found by them, in any order. Those that the model does not know are left out,
    and are passed to `note`; those that it lacks are an error. Rows without names are taken by position.
    """

    encoding: Encoding
    name: str
    """What it is called in messages."""
    note: Note
    _reported: set[str] = field(default_factory=set)

    def blocks(self, source: Path | io.BufferedReader) -> Iterator[RowBlock]:
        """Yield the rows of a file, or of a stream of CSV or JSON lines; raise SpecError naming their faults."""
        if not isinstance(source, Path):
            is_json = source.peek(1).lstrip()[:1] in (b"{", b"[")
            yield from self._json(source) if is_json else self._csv(source)
            return
        suffix = source.suffix.lower()
        if self.of_files(source):
            yield from self._images(source)
            return
        if suffix in PARQUET:
            yield from self._parquet(source)
            return
        if suffix in ARRAY_SUFFIXES or self.encoding.format.type == "idx":
            yield from self._array(source, suffix)
            return
        with source.open("rb") as file:
            if suffix == ".json":
                yield from self._list(file)
            else:
                yield from self._json(file) if suffix in LINES_SUFFIXES else self._csv(file)

    def of_files(self, source: Path | io.BufferedReader) -> bool:
        """Return whether each row of a source is a file of its own: an image."""
        if not isinstance(source, Path) or self.encoding.format.type != "images":
            return False
        return source.is_dir() or source.suffix.lower() not in (*ARRAY_SUFFIXES, *TEXT_SUFFIXES)

    @property
    def _names(self) -> Sequence[str] | None:
        if self.encoding.columns is not None:
            return self.encoding.columns.names
        features = self.encoding.signature.features
        return features if features is not None and len(features) == self._width else None

    @property
    def _width(self) -> int:
        """How many cells a row has that has no names."""
        if self.encoding.columns is not None:
            return len(self.encoding.columns.features)
        return prod(self.encoding.raw_shape)

    def _csv(self, stream: IO[bytes]) -> Iterator[RowBlock]:
        table = self.encoding.columns is not None
        dialect = cast("Tabular", self.encoding.format).dialect_of(Path()) if table else _PLAIN
        plain = dialect.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        text = io.TextIOWrapper(stream, encoding="utf-8-sig" if plain else dialect.encoding, newline="")
        reader = csv.reader(
            text, delimiter=dialect.delimiter, skipinitialspace=dialect.delimiter != " ", strict=True
        )
        try:
            records = Records(reader).numbered()
            first = next(records, None)
            if first is None:
                raise self._fault("SN506", f"`{self.name}` is empty")
            cells = [cell.strip() for cell in first[1]]
            header = dialect.header if table else any(number(cell) is None for cell in cells)
            places = self._places(cells, header=header)
            rest = records if header else _with(first, records)
            while chunk := list(islice(rest, ROWS)):
                yield self._cut(chunk, places, len(cells))
        except UnicodeError:
            raise self._fault("SN503", f"`{self.name}` is not text in {dialect.encoding}") from None
        except csv.Error as error:
            message = f"`{self.name}` is not well-formed CSV: {error}, in line {reader.line_num}"
            raise self._fault("SN504", message) from None
        finally:
            text.detach()

    def _places(self, first: list[str], *, header: bool) -> list[int]:
        """Return where in a record the model's cells stand, in its order."""
        names = self._names
        if header and names is not None:
            self._check_names(names, first)
            for name in names:
                if first.count(name) > 1:
                    raise self._fault(
                        "SN508", f"`{self.name}` has {first.count(name)} columns called `{clipped(name)}`"
                    )
            return [first.index(name) for name in names]
        plan = self.encoding.columns
        if plan is not None and len(first) == plan.width:
            return [column.place for column in plan.features]
        if len(first) == self._width:
            return list(range(len(first)))
        also = f", or the {plan.width} of its training file" if plan is not None else ""
        message = f"`{self.name}` has {counted(len(first), 'column')}; the model takes {self._width}{also}"
        raise self._fault("SN554", message)

    def _cut(self, chunk: list[tuple[int, list[str]]], places: list[int], width: int) -> RowBlock:
        collector = Collector(())
        for line, record in chunk:
            if len(record) != width:
                message = f"line {line} of `{self.name}` has {len(record)} cells, where the first has {width}"
                collector.add("SN505", message, help="text that contains the delimiter must be quoted")
        self._check(collector)
        rows: list[Any] = [[record[i] for i in places] for _, record in chunk]
        names = [f"line {line}" for line, _ in chunk]
        if self.encoding.columns is None:
            return RowBlock(self._numbers(rows, names), names)
        return RowBlock(rows, names)

    def _numbers(self, rows: list[list[str]], names: list[str]) -> Any:
        """Return cells as an array of the shape that the model takes."""
        import numpy as np

        collector = Collector(())
        values = []
        for row, name in zip(rows, names, strict=True):
            found = [number(cell.strip()) for cell in row]
            if None in found:
                wrong = row[found.index(None)]
                collector.add("SN512", f"{name} of `{self.name}`: `{clipped(wrong)}` is not a number")
            values.append([0.0 if value is None else value for value in found])
        self._check(collector)
        return np.array(values).reshape(len(rows), *self.encoding.raw_shape)

    def _parquet(self, path: Path) -> Iterator[RowBlock]:
        """Yield the rows of a Parquet file: cells of a table as they are, numbers of an array by their names."""
        from specnet.data.tables.parquet import open_parquet

        collector = Collector(())
        table = open_parquet(FilePlace(path, self.name, (), DataContext(Path(), collector)))
        self._check(collector)
        assert table is not None
        places = self._places(list(table.names), header=True)
        start = 0
        for columns in table.batches():
            rows: list[Any] = list(zip(*(columns[i] for i in places), strict=True))
            names = [f"row {start + n + 1}" for n in range(len(rows))]
            start += len(rows)
            if self.encoding.columns is None:
                texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
                yield RowBlock(self._numbers(texts, names), names)
            else:
                yield RowBlock(rows, names)
        self._check(collector)

    def _json(self, stream: IO[bytes]) -> Iterator[RowBlock]:
        numbered = enumerate(_json_lines(stream), 1)
        while chunk := list(islice(((n, line) for n, line in numbered if line.strip()), ROWS)):
            rows: list[Any] = []
            collector = Collector(())
            for line, text in chunk:
                try:
                    rows.append(self._in_order(json.loads(text)))
                except (ValueError, RecursionError) as error:
                    message = f"line {line} of `{self.name}` is not valid JSON: {error}"
                    help = 'each line holds an object, such as {"a": 1}, or an array of numbers'
                    collector.add("SN504", message, help=help)
                except SpecError as error:
                    for d in error.diagnostics:
                        collector.add(d.code, f"line {line} of `{self.name}`: {d.message}", help=d.help)
            self._check(collector)
            yield RowBlock(rows, [f"line {line}" for line, _ in chunk])

    def _list(self, stream: IO[bytes]) -> Iterator[RowBlock]:
        """Yield the rows of a document that is one array of them."""
        try:
            rows = json.load(stream)
        except (ValueError, RecursionError) as error:
            raise self._fault("SN504", f"`{self.name}` is not valid JSON: {error}") from None
        if not isinstance(rows, list):
            raise self._fault("SN540", f"`{self.name}` is not an array of rows")
        for start in range(0, len(rows), ROWS):
            part = [self._in_order(row) for row in rows[start : start + ROWS]]
            yield RowBlock(part, [f"row {start + n + 1}" for n in range(len(part))])

    def _in_order(self, row: Any) -> Any:
        if isinstance(row, list):
            return row
        if not isinstance(row, dict):
            raise self._fault("SN540", "neither an object nor an array")
        names = self._names
        if names is None:
            raise self._fault("SN571", "the model knows no names of columns: give arrays of numbers")
        self._check_names(names, list(row))
        return [row[name] for name in names]

    def _check_names(self, names: Sequence[str], there: Sequence[str]) -> None:
        known = set(there)
        lacking = [name for name in names if name not in known]
        if lacking:
            near = closest(lacking[0], there)
            message = f"`{self.name}` has no {'column' if len(lacking) == 1 else 'columns'} {listed(lacking)}"
            raise self._fault(
                "SN509", message, f"did you mean `{clipped(near)}`?" if near else f"it has {listed(there)}"
            )
        more = [name for name in there if name not in set(names) and name not in self._reported]
        if more:
            self._reported.update(more)
            self.note(f"{self.name}: the model does not take {listed(more)}")

    def _array(self, path: Path, suffix: str) -> Iterator[RowBlock]:
        array = self._read(path, suffix)
        if array.ndim == 1 and self.encoding.raw_shape == (1,):
            array = array.reshape(-1, 1)
        if array.shape[1:] != self.encoding.raw_shape:
            was = list(self.encoding.raw_shape)
            message = f"one input of `{self.name}` has shape {list(array.shape[1:])}; the model was trained on {was}"
            raise self._fault("SN572", message)
        step = max(1, ELEMENTS // max(1, prod(array.shape[1:])))
        for start in range(0, len(array), step):
            part = array[start : start + step]
            yield RowBlock(part, [f"row {start + n + 1}" for n in range(len(part))])

    def _images(self, path: Path) -> Iterator[RowBlock]:
        from specnet.data.images.folder import unlabelled_images
        from specnet.data.images.rows import decoded
        from specnet.data.images.source import pillow_is_there

        frame = cast("Images", self.encoding.format).frame
        collector = Collector(())
        context = DataContext(Path(), collector)
        files = unlabelled_images(FilePlace(path, self.name, (), context)) if pillow_is_there(context) else []
        self._check(collector)
        step = max(1, ELEMENTS // prod(frame.shape))
        for start in range(0, len(files), step):
            part = files[start : start + step]
            pixels = decoded(part, frame, collector, ())
            self._check(collector)
            names = [file.name for file in part]
            yield RowBlock(pixels, names, names)

    def _read(self, path: Path, suffix: str) -> Any:
        import numpy as np

        from specnet.data.arrays.npz import read_inputs
        from specnet.data.arrays.npz_file import open_arrays

        collector = Collector(())
        context = DataContext(Path(), collector)
        data_format = self.encoding.format
        array: Any = None
        if suffix == ".npy":
            try:
                array = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError, EOFError) as error:
                raise self._fault("SN520", f"`{self.name}` is not a valid npy file: {error}") from None
        elif suffix == ".npz":
            place = FilePlace(path, self.name, (), context)
            if data_format.type == "npz":
                array = read_inputs(cast("Npz", data_format), place)
            else:
                found = open_arrays(place, [("inputs", ())])
                array = None if found is None else found[0].read(context)
        else:
            array = data_format.raw_inputs(path, context)
        self._check(collector)
        if not isinstance(array, np.ndarray) or array.ndim == 0:
            raise self._fault("SN540", f"`{self.name}` holds no rows of numbers")
        return array

    def _fault(self, code: str, message: str, help: str | None = None) -> SpecError:
        return SpecError([Diagnostic(code, message, file=self.name, help=help)])

    def _check(self, collector: Collector) -> None:
        """Raise what was found, as findings about this file."""
        try:
            collector.check()
        except SpecError as error:
            raise SpecError(
                Diagnostic(d.code, d.message, file=self.name, help=d.help) for d in error.diagnostics
            ) from None


def _json_lines(stream: IO[bytes]) -> Iterable[bytes]:
    return iter(stream.readline, b"")


def _with(
    first: tuple[int, list[str]], rest: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
    yield first
    yield from rest
