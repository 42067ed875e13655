"""New rows in CSV, for a model that was trained on a table, or on rows of numbers."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from specnet.data.formats.csv.reader import RecordReader, decoded
from specnet.data.new_rows import ROWS
from specnet.data.tables.cells import number

if TYPE_CHECKING:
    from specnet.data.new_rows import RowBlock, RowFile


def new_rows(
    file: RowFile, stream: IO[bytes], *, header: bool, delimiter: str, encoding: str
) -> Iterator[RowBlock]:
    """Yield the rows of a stream in blocks; raise SpecError naming its faults.

    Where the model was not trained on a table, whether there is a header is found out.
    """
    text = decoded(stream, encoding)
    reader = RecordReader(text, delimiter)
    try:
        first = reader.first()
        if first is None:
            raise file.error("SN506", f"`{file.name}` is empty")
        cells = [cell.strip() for cell in first[1]]
        if file.known.columns is None:
            header = any(number(cell) is None for cell in cells)
        positions = file.positions(cells, header=header)
        if not header:
            reader.unread(first)
        for chunk in reader.chunks(len(cells), ROWS):
            yield from file.blocks(chunk, positions, "line")
    except UnicodeError:
        raise file.error("SN503", f"`{file.name}` is not text in {encoding}") from None
    except csv.Error as error:
        message = f"`{file.name}` is not well-formed CSV: {error}, in line {reader.line}"
        raise file.error("SN504", message) from None
    finally:
        text.detach()
