from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from specnet.data.reader import FilePath
from specnet.data.readers.table import Tabular
from specnet.vocabulary.kind import Table

if TYPE_CHECKING:
    from specnet.data.tables.dialect import Dialect


class ParquetRows(Table):
    """A Parquet file with rows of their own, of the same form as the training file."""

    path: FilePath
    """The file; relative to the document, then to $SPECNET_DATA."""


class Parquet(Tabular):
    """A table in a Parquet file: one row an example, one column a feature or a target.

    It is read by pyarrow, which the extra `parquet` brings. Columns have types of their own: numbers, text
    (categories, whatever it looks like) and booleans; `columns` can say otherwise, so that numbers are
    categories or text is numbers. All else is as for `csv`. Dates, lists and other types are an error where a
    column of them is used.
    """

    type: Literal["parquet"] = "parquet"
    validation: ParquetRows | None = None
    """A file of the rows that the training is judged by while it runs."""
    test: ParquetRows | None = None
    """A file of the rows that the finished model is tested on."""

    @property
    def dialect(self) -> Dialect:
        """How the file's cells are to be understood."""
        from specnet.data.tables.parquet import parquet_dialect

        return parquet_dialect(self)
