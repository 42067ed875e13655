"""A file of JSON rows as a table: an array of rows, or a line for each row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from specnet.data.json_rows import LINES_SUFFIXES
from specnet.data.opening import open_regular
from specnet.data.tables.table import Chunk, DataTable
from specnet.diagnostics.text import clipped

if TYPE_CHECKING:
    from specnet.data.files import FilePlace
    from specnet.data.tables.cells import CellParser


class JsonTable(DataTable):
    """The rows of a JSON file, in memory: objects, whose keys are the names of columns, or arrays of cells."""

    def __init__(self, place: FilePlace, parser: CellParser) -> None:
        self.lines = place.path.suffix.lower() in LINES_SUFFIXES
        self.row_word = "line" if self.lines else "row"
        rows = list(_lines(place) if self.lines else _array(place))
        if not rows:
            raise place.error("SN506", f"`{place.name}` is empty")
        self.line, first = rows[0]
        self.header = isinstance(first, dict)
        self._numbers = [number for number, _ in rows]
        self._rows = [self._cells(place, number, row, first) for number, row in rows]
        super().__init__(place, parser, list(map(str, first)))

    def read(self, records: int) -> Iterator[Chunk]:
        """Yield the rows: all at once, since they are in memory already."""
        yield Chunk(list(zip(*self._rows, strict=True)), self._numbers)

    def _cells(self, place: FilePlace, number: int, row: Any, first: Any) -> list[Any]:
        """Return the cells of a row in the order of the first one's."""
        where = f"{self.row_word} {number} of `{place.name}`"
        if not isinstance(row, (dict, list)):
            raise place.error("SN540", f"{where} is neither an object nor an array")
        if type(row) is not type(first):
            raise place.error(
                "SN540", f"{where} is not of the same form as the first one, an object or an array"
            )
        if isinstance(row, dict):
            for name in first:
                if name not in row:
                    message = f"{where} has no `{clipped(name)}`, which the first one has"
                    raise place.error("SN509", message, help="write null for a missing value")
            cells = [row[name] for name in first]
        else:
            cells = row
        if len(cells) != len(first):
            raise place.error("SN505", f"{where} has {len(cells)} cells, where the first has {len(first)}")
        odd = next((cell for cell in cells if isinstance(cell, (dict, list))), None)
        if odd is not None:
            message = f"{where} holds an object or an array where a cell is due"
            raise place.error("SN540", message, help="a cell is a number, a string, true, false or null")
        return cells


def _lines(place: FilePlace) -> Iterator[tuple[int, Any]]:
    with open_regular(place.path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, _read(place, line, f", in line {number}")


def _array(place: FilePlace) -> Iterator[tuple[int, Any]]:
    with open_regular(place.path) as file:
        rows = _read(place, file.read(), "")
    if not isinstance(rows, list):
        raise place.error("SN540", f"`{place.name}` is not an array of rows")
    yield from enumerate(rows, 1)


def _read(place: FilePlace, text: bytes, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise place.error("SN504", f"`{place.name}` is not valid JSON: {error}{where}") from None
