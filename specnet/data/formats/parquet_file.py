from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from specnet.data.format import FilePath
from specnet.data.formats.table import Tabular
from specnet.vocabulary.kind import Table

if TYPE_CHECKING:
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

    @property
    def dialect(self) -> Dialect:
        """How the file's cells are to be understood."""
        from specnet.data.tables.parquet import parquet_dialect

        return parquet_dialect(self)
