"""The settings of a table, and of single columns of it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from specnet.data.format import DataFormat
from specnet.data.tables.cells import CellParser, TypedCellParser
from specnet.vocabulary.kind import Table, fault

if TYPE_CHECKING:
    from specnet.data.files import DataContext, FilePlace
    from specnet.data.tables.table import DataTable

MARKERS = ("", "?", "NA", "N/A", "NaN", "nan", "null", "NULL")

ColumnName = str | int
Columns = tuple[ColumnName, ...]
ColumnType = Literal["number", "category", "boolean"]

WORDS = {"number": "numbers", "category": "categories", "boolean": "booleans"}

FITTING: dict[str, tuple[str, ...]] = {
    "number": ("refuse", "drop", "mean", "median", "most_frequent"),
    "category": ("refuse", "drop", "most_frequent", "category"),
    "boolean": ("refuse", "drop", "most_frequent"),
}
"""What may become of missing cells, by the type of a column."""


class ColumnSettings(Table):
    """Settings of one column of a table. By default they are those of the table.

    A key that has no effect on the column is an error: `encode` for a number, `scale` for a
    category, any key for a column that is neither a feature nor a target. For a target, only `type`, `values` and
    `missing` (`refuse` or `drop`) can be set.
    """

    type: ColumnType | None = Field(default=None, examples=["category"])
    """The type of its cells; by default it is a number if all cells are numbers, a category if all are text. The
    cells of a category are names even if they look like numbers; those of a boolean are true, yes, t, y, on or 1
    (also 1.0), and false, no, f, n, off or 0 (0.0), in any case, and become 1 and 0; a boolean target has the
    classes false and true."""
    values: tuple[str, ...] | None = Field(default=None, examples=[["small", "large"]])
    """The categories, in this order; any other cell is an unknown category. By default those of the training file,
    in alphabetical order."""
    encode: Literal["onehot", "index"] | None = Field(default=None, examples=["index"])
    """Whether a category is one-hot encoded, or becomes its index as a number."""
    scale: Literal["none", "standardize", "minmax"] | None = Field(default=None, examples=["standardize"])
    """How numbers are scaled, by statistics of the training split after missing values are filled: to mean 0 and
    standard deviation 1, or to the range 0 to 1."""
    missing: Literal["refuse", "drop", "mean", "median", "most_frequent", "category"] | None = Field(
        default=None, examples=["median"]
    )
    """How cells without a value are handled: an error; the row is dropped (at prediction, an error); they get the
    training split's mean, median or most frequent value (the smallest, or first, of several); or they are a
    category of their own, called `(missing)`, after all others."""
    fill: float | str | bool | None = Field(default=None, examples=[0])
    """The value of cells without one, instead of `missing`: a number, true or false, or a category,
    which becomes one of the column's even if no other cell has it."""
    unknown: Literal["refuse", "zeros"] | None = Field(default=None, examples=["zeros"])
    """How a category that the training file (or `values`) does not have is handled: an error, or all zeros."""

    @model_validator(mode="after")
    def _sound(self) -> ColumnSettings:
        if self.values is not None:
            if not self.values:
                message = "`values` lists no category"
                raise fault(message, key="values")
            for i, value in enumerate(self.values):
                if value in self.values[:i]:
                    message = f"`{value}` is named twice"
                    raise fault(message, key=("values", i))
        if self.fill is not None and self.missing is not None:
            message = "`missing` and `fill` both say what to do with missing values: keep one of them"
            raise fault(message, key="fill")
        problem = self.misfit(self.type) if self.type is not None else None
        if problem is not None:
            key, message = problem
            raise fault(message, key=key)
        return self

    @property
    def own(self) -> str | None:
        """The category that missing cells are; None where they are none."""
        if isinstance(self.fill, str):
            return self.fill
        return OWN if self.missing == "category" else None

    def misfit(self, kind: ColumnType) -> tuple[str, str] | None:
        """Return a key that does not apply to a column of this type, and why; None if all have."""
        for key, only in (
            ("encode", "category"),
            ("values", "category"),
            ("unknown", "category"),
            ("scale", "number"),
        ):
            if getattr(self, key) is not None and kind != only:
                return (
                    key,
                    f"`{key}` applies to {WORDS[only]} only, and the column holds {WORDS[kind]}",
                )
        given = self.fill
        found = "boolean" if isinstance(given, bool) else "category" if isinstance(given, str) else "number"
        if given is not None and found != kind:
            return "fill", f"this is a {found}, and the column holds {WORDS[kind]}"
        if self.missing is not None and self.missing not in FITTING[kind]:
            return "missing", f'`missing = "{self.missing}"` does not apply to a column of {WORDS[kind]}'
        return None


OWN = "(missing)"
"""The category that missing cells are where they have one of their own."""

NOTHING_SAID = ColumnSettings.model_construct()
"""The settings of a column of which a document says nothing."""


class TableSettings(DataFormat):
    """What a document says of a table: one row per example, one column per feature or target."""

    is_table: ClassVar[bool] = True

    target: ColumnName | Columns
    """The column to predict: its name, or its index from 0 (-1 is the last); a list for several numbers; or
    `inputs` for the transformed inputs (give a column named `inputs` by its index)."""
    features: Columns | None = Field(default=None, examples=[["size", "age"]])
    """The columns to predict from, in this order; by default all others."""
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
    """How each numeric feature is scaled: to mean 0 and standard deviation 1, or to the range 0 to 1 over
    the training split. Unlike a transform, it leaves categories and booleans unchanged."""
    max_categories: PositiveInt = 1000
    """The maximum number of categories of a feature; a column with more is probably one of names or row numbers."""
    unknown: Literal["refuse", "zeros"] = Field(default="refuse", examples=["zeros"])
    """How a feature's category that the training file does not have is handled: an error, or all zeros."""
    missing: Literal["refuse", "drop", "mean", "median", "most_frequent"] = Field(
        default="refuse", examples=["median"]
    )
    """How cells without a value are handled: an error; the row is dropped; or a feature gets the training
    split's mean, median or most frequent value (for a category or boolean always the latter; a target must still
    have a value)."""
    missing_markers: tuple[str, ...] = MARKERS
    """The cells that mean a missing value."""
    replace: dict[str, str] = Field(default={}, examples=[{"Iris-setosa": "setosa"}])
    """Cells to replace by other strings, such as a second spelling of a class."""

    @model_validator(mode="after")
    def _apart(self) -> TableSettings:
        if self.unknown == "zeros" and self.encode == "index":
            message = '`unknown = "zeros"` applies to one-hot categories only: an index has no zeros'
            raise fault(message, key="unknown")
        for name, column in self.columns.items():
            said = [key for key in ("unknown", "encode") if getattr(column, key) is not None]
            if said and self.unknown_of(column) == "zeros" and self.encode_of(column) == "index":
                message = (
                    f'column `{name}` has `encode = "index"` and `unknown = "zeros"`: an index has no zeros'
                )
                raise fault(message, key=("columns", name, said[0]), help='write `unknown = "refuse"` for it')
        if self.features is not None and self.exclude:
            message = "`exclude` applies only where `features` is not given"
            raise fault(message, key="exclude")
        return self

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
        if column.fill is not None or column.missing == "category":
            return "value"
        if column.missing is not None:
            return column.missing
        if target and self.missing != "drop":
            return "refuse"
        return "most_frequent" if text and self.missing in ("mean", "median") else self.missing

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
    def parser(self) -> CellParser:
        """What tells what cells of text say."""
        return CellParser(frozenset(self.missing_markers), self.replace)

    @property
    def typed_parser(self) -> TypedCellParser:
        """What tells what cells say that have types."""
        return TypedCellParser(frozenset(self.missing_markers), self.replace)

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
        for name in self.split.parts if self.split is not None else ():
            if name in context.frames:
                message = (
                    f"the {name} split has both a fraction here and a frame of its own: keep one of them"
                )
                context.collector.add("SN571", message, "split", name)
