from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from specnet.data.files import Site
from specnet.data.reader import FilePath, Load, Reader
from specnet.vocabulary.kind import Table, fault

if TYPE_CHECKING:
    from specnet.data.tables.dialect import Dialect
    from specnet.data.tables.source import CsvSource

MARKERS = ("", "?", "NA", "N/A", "NaN", "nan", "null", "NULL")


ColumnName = str | int
Columns = tuple[ColumnName, ...]


class CsvRows(Table):
    """A CSV file with rows of their own, of the same form as the training file."""

    path: FilePath
    """The file; relative to the document, then to $SPECNET_DATA."""


class Csv(Reader):
    """A table in a CSV file: one row an example, one column a feature or a target.

    A column whose cells are all numbers is a number; one whose cells are all text is a category. Categories
    are those of the file that `path` names, before any split is drawn, in alphabetical order (or by size,
    where all are numbers): a category feature becomes a one-hot stretch of inputs, a category target the
    index of its class. Blanks around a cell and blank lines mean nothing.
    """

    type: Literal["csv"] = "csv"
    path: FilePath
    """The file; relative to the document, then to $SPECNET_DATA."""
    target: ColumnName | Columns
    """The column to predict: its name, or its place from 0 (-1 is the last); a list for several numbers."""
    features: Columns | None = None
    """The columns to predict it from, in this order; all others if left out."""
    exclude: Columns = ()
    """Columns that are left out where `features` is not given."""
    categories: Columns = ()
    """Columns whose cells are names even where they look like numbers, such as postcodes."""
    header: bool = True
    """Whether the first line holds the columns' names."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The character between two cells."""
    encoding: str = "utf-8"
    """The text encoding of the file, by its name in Python."""
    categorical: Literal["one_hot", "index"] = "one_hot"
    """Whether a category feature becomes zeros and a one, or its index as a number."""
    max_categories: PositiveInt = 1000
    """How many categories a feature may have; more are hardly categories but names or numbers of rows."""
    unknown: Literal["refuse", "zeros"] = "refuse"
    """What becomes of a feature's category that the training file does not have: an error, or all zeros."""
    missing: Literal["refuse", "drop", "mean"] = "refuse"
    """What becomes of cells without a value: an error; the row is left out; or a feature gets the training
    split's mean, a category its most frequent one (a target must still be there)."""
    missing_markers: tuple[str, ...] = MARKERS
    """The cells that mean that there is no value."""
    replace: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it for each table
    """Cells that are read as another text, such as a second spelling of a class."""
    load: Load = "auto"
    """Whether all rows are read before the training (`whole`), or those of a batch when it is its turn
    (`batches`), for files of any size: these are parsed anew in each epoch, in the file's order, and shuffled in a
    buffer. `auto` is `whole` for files of up to an eighth of the machine's memory."""
    shuffle_buffer: PositiveInt = 10_000
    """How many rows are held back for the shuffle, where rows are read in batches; from as many rows as the
    training split has, it is the same shuffle as of rows that are read whole."""
    validation: CsvRows | None = None
    """A file of the rows that the training is judged by while it runs."""
    test: CsvRows | None = None
    """A file of the rows that the finished model is tested on."""

    @model_validator(mode="after")
    def _sound(self) -> Csv:
        if self.delimiter in '"\r\n':
            message = "`delimiter` cannot be a quote or the end of a line"
            raise fault(message, key="delimiter")
        if self.unknown == "zeros" and self.categorical == "index":
            message = '`unknown = "zeros"` has a meaning for one-hot categories only: an index has no zeros'
            raise fault(message, key="unknown")
        if self.load == "whole" and "shuffle_buffer" in self.model_fields_set:
            message = "`shuffle_buffer` has a meaning only where rows are read in batches"
            raise fault(message, key="shuffle_buffer")
        if self.features is not None and self.exclude:
            message = "`exclude` has a meaning only where `features` is not given"
            raise fault(message, key="exclude")
        try:
            text_encoding = codecs.lookup(self.encoding)._is_text_encoding  # noqa: SLF001 - as open() asks
        except (LookupError, ValueError):
            text_encoding = False
        if not text_encoding:
            message = f"`{self.encoding}` is not a text encoding that Python knows, such as utf-8 or latin-1"
            raise fault(message, key="encoding")
        return self

    @property
    def dialect(self) -> Dialect:
        """How the file's text is to be understood."""
        from specnet.data.tables.dialect import Dialect

        return Dialect(
            self.delimiter, self.encoding, self.header, frozenset(self.missing_markers), self.replace
        )

    def open(self, site: Site) -> CsvSource | None:
        """Return the columns, read and checked."""
        from specnet.data.tables.source import open_csv

        return open_csv(self, site)
