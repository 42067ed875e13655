from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from specnet.data.collector import Collector
from specnet.data.files import DataContext, FilePlace
from specnet.data.format import FilePath
from specnet.data.formats.table import Tabular
from specnet.data.new_rows import RowBlock
from specnet.vocabulary.kind import Table

if TYPE_CHECKING:
    from specnet.data.new_rows import RowFile
    from specnet.data.tables.dialect import Dialect


class ParquetRows(Table):
    """A separate Parquet file, of the same format as the training file."""

    path: FilePath
    """The file; relative to the document, then to $SPECNET_DATA."""


class Parquet(Tabular):
    """A table in a Parquet file: one row per example, one column per feature or target.

    It is read by pyarrow, which the extra `parquet` installs. Columns keep their types: numbers, text (categories,
    even if it looks like numbers) and booleans; `columns` can override this, so that numbers are categories or text is
    numbers. Everything else is as for `csv`. Using a column of dates, lists or another type is an error.
    """

    type: Literal["parquet"] = "parquet"
    validation: ParquetRows | None = None
    """A file of the rows to validate on during training."""
    test: ParquetRows | None = None
    """A file of the rows to test the finished model on."""

    suffixes: ClassVar[tuple[str, ...] | None] = (".parquet", ".pq")

    @property
    def dialect(self) -> Dialect:
        """How the file's cells are to be understood."""
        from specnet.data.tables.parquet import parquet_dialect

        return parquet_dialect(self)

    def new_rows(self, file: RowFile, path: Path) -> Iterator[RowBlock]:
        """Yield the rows of a file block by block."""
        return new_rows(file, path)


def new_rows(file: RowFile, path: Path) -> Iterator[RowBlock]:
    """Yield the rows of a file: cells of a table as they are, numbers of an array by their names."""
    from specnet.data.tables.parquet import open_parquet

    collector = Collector(())
    table = open_parquet(FilePlace(path, file.name, (), DataContext(Path(), collector)))
    file.check(collector)
    assert table is not None
    positions = file.positions(table.names, header=True)
    start = 0
    for columns in table.batches():
        rows: list[Any] = list(zip(*(columns[i] for i in positions), strict=True))
        places = [f"row {start + n + 1}" for n in range(len(rows))]
        start += len(rows)
        if file.known.columns is None:
            texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
            yield RowBlock(file.numbers(texts, places), places)
        else:
            yield RowBlock(rows, places)
    file.check(collector)
