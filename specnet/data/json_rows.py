"""New rows in JSON: a document that is one array of rows, or a line for each row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from specnet.data.collector import Collector
from specnet.data.new_rows import ROWS, RowBlock
from specnet.data.opening import open_given
from specnet.diagnostics import SpecError

if TYPE_CHECKING:
    from pathlib import Path

    from specnet.data.new_rows import RowFile

LINES_SUFFIXES = (".jsonl", ".ndjson")
"""The suffixes of files with a row a line."""


def new_rows(file: RowFile, path: Path) -> Iterator[RowBlock]:
    """Yield the rows of a file, objects by column or arrays of cells, in blocks."""
    with open_given(path) as stream:
        yield from _lines(file, stream) if path.suffix.lower() in LINES_SUFFIXES else _list(file, stream)


def new_rows_of_stream(file: RowFile, stream: IO[bytes]) -> Iterator[RowBlock]:
    """Yield the rows of a stream of JSON lines in blocks."""
    return _lines(file, stream)


def _lines(file: RowFile, stream: IO[bytes]) -> Iterator[RowBlock]:
    numbered = enumerate(iter(stream.readline, b""), 1)
    lines = ((f"line {n}", line) for n, line in numbered if line.strip())
    return _blocks(file, lines, json.loads)


def _list(file: RowFile, stream: IO[bytes]) -> Iterator[RowBlock]:
    try:
        rows = json.load(stream)
    except (ValueError, RecursionError) as error:
        raise file.error("SN504", f"`{file.name}` is not valid JSON: {error}") from None
    if not isinstance(rows, list):
        raise file.error("SN540", f"`{file.name}` is not an array of rows")
    yield from _blocks(file, ((f"row {n}", row) for n, row in enumerate(rows, 1)), lambda row: row)


def _blocks(
    file: RowFile, given: Iterator[tuple[str, Any]], parse: Callable[[Any], Any]
) -> Iterator[RowBlock]:
    """Yield rows that are given with what each is called; those before a faulty one come before its error."""
    while chunk := list(islice(given, ROWS)):
        rows: list[Any] = []
        kept: list[list[Any]] | None = []
        collector = Collector(())
        sound: int | None = None
        for place, item in chunk:
            try:
                row = parse(item)
                rows.append(_in_order(file, row))
                kept = _kept(file, row, kept)
                continue
            except (ValueError, RecursionError) as error:
                message = f"{place} of `{file.name}` is not valid JSON: {error}"
                help = 'each line holds an object, such as {"a": 1}, or an array of numbers'
                collector.add("SN504", message, help=help)
            except SpecError as error:
                for d in error.diagnostics:
                    collector.add(d.code, f"{place} of `{file.name}`: {d.message}", help=d.help)
            sound = len(rows) if sound is None else sound
        block = RowBlock(rows, [place for place, _ in chunk], kept=kept)
        if sound:
            yield block.first(sound)
        file.check(collector)
        yield block


def _in_order(file: RowFile, row: Any) -> Any:
    """Return the cells of a row in the model's order."""
    if isinstance(row, list):
        return row
    if not isinstance(row, dict):
        raise file.error("SN540", "neither an object nor an array")
    names = file.known.names
    if names is None:
        raise file.error("SN571", "the model knows no names of columns: give arrays of numbers")
    if not file.kept.names:  # the first row says which columns there are
        file.keep(list(row))
    file.check_names(names, list(row))
    return [row[name] for name in names]


def _kept(file: RowFile, row: Any, kept: list[list[Any]] | None) -> list[list[Any]] | None:
    """Return what is kept of the rows so far and of one more; None where one is an array, which names no columns."""
    if kept is None or not isinstance(row, dict):
        return None
    kept.append(file.kept.of_record(row))
    return kept
