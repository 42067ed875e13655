"""New rows in CSV, for a model that learnt from a table, or from rows of numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from specnet.data.collector import Collector
from specnet.data.new_rows import ROWS, RowBlock
from specnet.data.tables.dialect import Dialect, Records, number

if TYPE_CHECKING:
    from specnet.data.new_rows import RowFile

PLAIN = Dialect(",", "utf-8", header=True, markers=frozenset(), replace={})
"""How rows of numbers are written, of which a document says nothing; whether there is a header is found out."""


def new_rows(file: RowFile, path: Path) -> Iterator[RowBlock]:
    """Yield the rows of a file in blocks; raise SpecError naming its faults."""
    with path.open("rb") as stream:
        yield from new_rows_of_stream(file, stream)


def new_rows_of_stream(file: RowFile, stream: IO[bytes]) -> Iterator[RowBlock]:
    """Yield the rows of a stream in blocks; raise SpecError naming its faults."""
    dialect = file.text or PLAIN
    plain = dialect.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
    text = io.TextIOWrapper(stream, encoding="utf-8-sig" if plain else dialect.encoding, newline="")
    reader = csv.reader(
        text, delimiter=dialect.delimiter, skipinitialspace=dialect.delimiter != " ", strict=True
    )
    try:
        records = Records(reader).numbered()
        first = next(records, None)
        if first is None:
            raise file.error("SN506", f"`{file.name}` is empty")
        cells = [cell.strip() for cell in first[1]]
        header = dialect.header if file.text else any(number(cell) is None for cell in cells)
        positions = file.positions(cells, header=header)
        rest = records if header else chain([first], records)
        while chunk := list(islice(rest, ROWS)):
            yield _block(file, chunk, positions, len(cells))
    except UnicodeError:
        raise file.error("SN503", f"`{file.name}` is not text in {dialect.encoding}") from None
    except csv.Error as error:
        message = f"`{file.name}` is not well-formed CSV: {error}, in line {reader.line_num}"
        raise file.error("SN504", message) from None
    finally:
        text.detach()


def _block(file: RowFile, chunk: list[tuple[int, list[str]]], positions: list[int], width: int) -> RowBlock:
    """Return the model's cells of some records."""
    collector = Collector(())
    for line, record in chunk:
        if len(record) != width:
            message = f"line {line} of `{file.name}` has {len(record)} cells, where the first has {width}"
            collector.add("SN505", message, help="text that contains the delimiter must be quoted")
    file.check(collector)
    rows: list[Any] = [[record[i] for i in positions] for _, record in chunk]
    places = [f"line {line}" for line, _ in chunk]
    return RowBlock(file.numbers(rows, places) if file.known.columns is None else rows, places)
