"""The settings of a table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.data.format import DataFormat
from specnet.data.tables.cells import CellParser, TypedCellParser
from specnet.data.tables.column_settings import ColumnSettings
from specnet.data.tables.numbers import PLAIN
from specnet.vocabulary.kind import fault, table_check

if TYPE_CHECKING:
    from pathlib import Path

    from specnet.data.files import DataContext, FilePlace
    from specnet.data.tables.numbers import NumberFormat
    from specnet.data.tables.table import DataTable

MARKERS = ("", "?", "NA", "N/A", "NaN", "nan", "null", "NULL")

ColumnName = str | int
Columns = tuple[ColumnName, ...]


class TableSettings(DataFormat):
    """What a document says of a table: one row per example, one column per feature or target."""

    is_table: ClassVar[bool] = True
    has_keys: ClassVar[bool] = True

    target: ColumnName | Columns
    """The column to predict: its name, or its index from 0 (-1 is the last); a list for several numbers; or
    `inputs` for the transformed inputs (give a column named `inputs` by its index)."""
    weight: ColumnName | None = Field(default=None, examples=["importance"])
    """The column of sample weights, numbers of at least 0: how much each row counts in the loss, in all metrics and in
    the verdict; by default all rows count alike."""
    features: Columns | None = Field(default=None, examples=[["size", "age"]])
    """The columns to predict from, in this order; by default all others."""
    id: ColumnName | Columns | None = Field(default=None, examples=["id"])
    """The column, or columns, that identify rows: no features, but written next to the predictions of new rows
    that have them."""
    exclude: Columns = Field(default=(), examples=[["id"]])
    """Columns to leave out if `features` is not given."""
    columns: dict[str, ColumnSettings] = {}  # noqa: RUF012 - pydantic copies it for each table
    """Settings of single columns, by name (by index from 0, as a string, in a file without a header). They define
    how a feature or a target is read, but do not select columns."""
    categories: Columns = Field(default=(), examples=[["postcode"]])
    """Columns whose cells are names even if they look like numbers, such as postcodes; short for `type =
    "category"` of each."""
    encode: Literal["onehot", "index"] = Field(default="onehot", examples=["index"])
    """Whether a category feature is one-hot encoded, or becomes its index as a number."""
    scale: Literal["none", "standardize", "minmax"] = Field(default="none", examples=["standardize"])
    """How each numeric feature, and each part of a date, is scaled: to mean 0 and standard deviation 1, or to the
    range 0 to 1 over the training split. Unlike a transform, it leaves categories and booleans unchanged."""
    max_categories: PositiveInt = 1000
    """The maximum number of categories of a feature; a column with more is probably one of names or row numbers."""
    unknown: Literal["refuse", "zeros"] = Field(default="refuse", examples=["zeros"])
    """How a feature's category that the training file does not have is handled: an error, or all zeros."""
    missing: Literal["refuse", "drop", "mean", "median", "most_frequent"] = Field(
        default="refuse", examples=["median"]
    )
    """How cells without a value are handled: an error; the row is dropped; or a feature gets the training
    split's mean, median or most frequent value (for a category or boolean always the latter; a target must still
    have a value). Text without a value is empty unless its row is dropped."""
    missing_markers: tuple[str, ...] = MARKERS
    """The cells that mean a missing value."""
    replace: dict[str, str] = Field(default={}, examples=[{"Iris-setosa": "setosa"}])
    """Cells to replace by other strings, such as a second spelling of a class."""

    @table_check()
    def _zeros_are_onehot(self) -> Iterator[PydanticCustomError]:
        if self.unknown == "zeros" and self.encode == "index":
            message = '`unknown = "zeros"` applies to one-hot categories only: an index has no zeros'
            yield fault(message, key="unknown")

    @table_check(each="columns")
    def _zeros_of_column_are_onehot(self, name: str, column: ColumnSettings) -> Iterator[PydanticCustomError]:
        said = [key for key in ("unknown", "encode") if getattr(column, key) is not None]
        if said and self.unknown_of(column) == "zeros" and self.encode_of(column) == "index":
            message = f'column `{name}` has `encode = "index"` and `unknown = "zeros"`: an index has no zeros'
            yield fault(message, key=("columns", name, said[0]), help='write `unknown = "refuse"` for it')

    @table_check()
    def _chosen_once(self) -> Iterator[PydanticCustomError]:
        if self.features is not None and self.exclude:
            message = "`exclude` applies only where `features` is not given"
            yield fault(message, key="exclude")

    @property
    def ids(self) -> Columns:
        """The columns that identify rows."""
        if self.id is None:
            return ()
        return self.id if isinstance(self.id, tuple) else (self.id,)

    def encode_of(self, column: ColumnSettings) -> str:
        """Return how a category column is encoded."""
        return column.encode or self.encode

    def unknown_of(self, column: ColumnSettings) -> str:
        """Return what becomes of a category column's unknown categories."""
        return column.unknown or self.unknown

    def scale_of(self, column: ColumnSettings) -> str:
        """Return how a column of numbers is scaled."""
        return column.scale or self.scale

    def missing_of(self, column: ColumnSettings, *, target: bool, text: bool) -> str:
        """Return what becomes of a column's missing cells; `value` for a fixed value or a category of their own."""
        if column.type == "text":
            return self._missing_text(column)
        if column.fill is not None or column.missing == "category":
            return "value"
        if column.missing is not None:
            return column.missing
        if target and self.missing != "drop":
            return "refuse"
        return "most_frequent" if text and self.missing in ("mean", "median") else self.missing

    def _missing_text(self, column: ColumnSettings) -> str:
        """Return what becomes of missing cells of texts: they are empty, or another text, unless it is said."""
        if column.fill is not None:
            return "empty"
        return column.missing or ("drop" if self.missing == "drop" else "empty")

    def size(self, path: Path) -> int:
        """Return how many bytes of text, or of cells, a file holds."""
        return path.stat().st_size

    def buffer(self, size: int) -> int | None:
        """Return how many rows are held back for the shuffle, where those of a file of `size` bytes stay there.

        None where all rows are read before the training.
        """
        return None

    @property
    def help(self) -> str | None:
        """What helps where the data are too large for the memory."""
        return None

    @property
    def guessed_header(self) -> bool:
        """Whether the first line is taken for names of columns without being said to be."""
        return False

    @property
    def named(self) -> bool:
        """Whether the columns have names."""
        return True

    @property
    def numbers(self) -> NumberFormat:
        """How cells of text write numbers."""
        return PLAIN

    @property
    def parser(self) -> CellParser:
        """What tells what cells of text say."""
        return CellParser(frozenset(self.missing_markers), self.replace, self.numbers)

    @property
    def typed_parser(self) -> TypedCellParser:
        """What tells what cells say that have types."""
        return TypedCellParser(frozenset(self.missing_markers), self.replace, self.numbers)

    @property
    def file(self) -> str:
        """The file of the training rows, as the document names it; nothing where it names none."""
        return ""

    @abstractmethod
    def table(self, place: FilePlace) -> DataTable:
        """Return the table in a file of this format, its first record read; raises SpecError where there is none."""

    @classmethod
    def like(cls, data_format: DataFormat) -> Self:
        """Return this format for other files of rows of a format: its defaults, and what a table says of its cells."""
        if isinstance(data_format, cls):
            return data_format
        if isinstance(data_format, TableSettings):
            return cls.model_construct(
                missing_markers=data_format.missing_markers, replace=data_format.replace
            )
        return cls.model_construct()

    def check_given(self, context: DataContext) -> None:
        """Note frames that cannot take the place of files."""
        for name, key in self.split.taken.items() if self.split is not None else ():
            if name in context.frames:
                what = "a fraction" if key == name else f"`{key}`"
                message = f"the {name} split has both {what} here and a frame of its own: keep one of them"
                context.collector.add("SN571", message, "split", key)
