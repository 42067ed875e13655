"""Tables in Parquet files, which pyarrow reads."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from specnet.data.format import FilePath
from specnet.data.opening import open_regular
from specnet.data.tables.table import Chunk, DataTable
from specnet.data.tables.tabular import FileTable
from specnet.diagnostics import SpecError
from specnet.diagnostics.text import clipped
from specnet.installation import install_command
from specnet.vocabulary.kind import Table

if TYPE_CHECKING:
    from specnet.data.files import FilePlace
    from specnet.data.readers import Readers
    from specnet.data.tables.cells import CellParser

ROWS = 4096
"""The fewest rows that are read at once."""

CELLS = 1 << 19
"""Cells that are read at once, where they are more than those of the rows."""


class ParquetRows(Table):
    """A separate Parquet file, of the same format as the training file."""

    path: FilePath = Field(examples=["test.parquet"])
    """The file; relative to the document, then to $SPECNET_DATA."""


class Parquet(FileTable):
    """A table in a Parquet file: one row per example, one column per feature or target.

    It is read by pyarrow, which the extra `parquet` installs. Columns keep their types: numbers, text (categories,
    even if it looks like numbers) and booleans; `columns` can override this, so that numbers are categories or text is
    numbers. Everything else is as for `csv`. Using a column of dates, lists or another type is an error.
    """

    type: Literal["parquet"] = "parquet"
    path: FilePath = Field(examples=["table.parquet"])
    """The file; relative to the document, then to $SPECNET_DATA."""
    validation: ParquetRows | None = None
    """A file of the rows to validate on during training."""
    test: ParquetRows | None = None
    """A file of the rows to test the finished model on."""

    suffixes: ClassVar[tuple[str, ...] | None] = (".parquet", ".pq")

    def table(self, place: FilePlace) -> DataTable:
        """Return the table in a file, its schema read."""
        return ParquetTable(place, self.typed_parser)


class ParquetTable(DataTable):
    """A Parquet file, its schema read."""

    def __init__(self, place: FilePlace, parser: CellParser) -> None:
        self.place = place
        if place.context.readers is not None:
            from specnet.data.formats.parquet.row_groups import prepare

            prepare(place.context.readers, place.path)
        try:
            self._arrow = importlib.import_module("pyarrow")
            self._parquet = importlib.import_module("pyarrow.parquet")
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "pyarrow":
                raise
            message = (
                f"`{place.name}` cannot be read: Parquet needs pyarrow, which the extra `parquet` installs"
            )
            raise place.error("SN582", message, help=install_command("parquet")) from None
        self.errors = (self._arrow.ArrowException, OSError)
        try:
            with open_regular(place.path) as raw, self._parquet.ParquetFile(raw) as file:
                schema = file.schema_arrow
        except self.errors as error:
            message = f"`{place.name}` is not a valid Parquet file{_why(place, error)}"
            raise place.error("SN519", message) from None
        self._kinds = {
            name: _kind(self._arrow.types, type_)
            for name, type_ in zip(schema.names, schema.types, strict=True)
        }
        super().__init__(place, parser, [name.strip() for name in schema.names])

    @property
    def kinds(self) -> Mapping[str, str | None]:
        """What columns hold by their types."""
        return self._kinds

    def read(self, records: int) -> Iterator[Chunk]:
        """Yield the rows; pyarrow is quicker with more of them at once."""
        return self._rows()

    def read_with(self, readers: Readers, records: int) -> Iterator[Chunk]:
        """Yield the rows; where others may use cores that this process may not, they decode row groups."""
        return self._rows(readers)

    def _rows(self, readers: Readers | None = None) -> Iterator[Chunk]:
        from specnet.data.formats.parquet.row_groups import RowGroups

        row = 1
        with open_regular(self.place.path) as raw, self._parquet.ParquetFile(raw) as file:
            self.expected = file.metadata.num_rows
            source = RowGroups(self.place.path, raw, file, max(ROWS, CELLS // max(1, self.width)))
            batches = source.batches()
            if readers is not None and source.can_be_shared(readers):
                batches = source.shared(readers)
            for rows, columns in batches:
                yield Chunk(columns, range(row, row + rows))
                row += rows

    def fault(self, error: Exception) -> SpecError:
        """Return what to raise for a damaged file."""
        return self.place.error("SN519", f"`{self.place.name}` is damaged{_why(self.place, error)}")


def _why(place: FilePlace, error: Exception) -> str:
    """Return what pyarrow says of a file, which may hold some of its contents."""
    first = next(iter(str(error).splitlines()), type(error).__name__)
    return f": {clipped(first, 200)}" if place.quotable else ""


def _kind(types: Any, of: Any) -> str | None:
    """Return what a column holds, in the words of `DataTable.kinds`."""
    if types.is_dictionary(of):
        of = of.value_type
    if types.is_boolean(of):
        return "boolean"
    if types.is_integer(of) or types.is_floating(of) or types.is_decimal(of):
        return "number"
    if types.is_string(of) or types.is_large_string(of) or types.is_string_view(of):
        return "text"
    return None if types.is_null(of) else str(of)
