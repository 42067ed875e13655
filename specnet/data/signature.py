from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from specnet.graph.sizes import DType

if TYPE_CHECKING:
    from specnet.data.split_keys import SplitKeys

TargetKind = Literal["class", "number"]

NAMED = 1000
"""Up to how many classes integer targets are given names; above, they are hardly classes."""


LARGEST_INDEX = 2**31
"""Whole numbers from here on are not taken for class indices."""

ONLY = "inputs"
"""The name of the only array that a model takes."""

WHOLE = ("b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8")
"""The types of stored arrays that hold nothing but whole numbers, all of which int64 holds."""


Padding = Literal["token", "boundary", "nan"]
"""How a sequence that is shorter than others is filled up at its end: with token 0, which stands for nothing else; with
token 0, which else is only the first of a sequence, and the last of its targets; or with steps (steps, features) of
NaN."""


class ColumnSlice(NamedTuple):
    """The elements of an input that one column of a table becomes, or one of several arrays."""

    name: str
    """The column's or the array's name."""
    start: int
    """The place of its first element in the flat input."""
    width: int
    """How many elements it becomes."""
    kind: Literal["number", "onehot", "index", "boolean", "date", "tokens"]
    """What they are: a number; zeros and a one; a category's index as a number; 0 or 1; the parts of a date; or the
    indices of a text's tokens, and 0 for padding behind them."""
    categories: int = 0
    """How many categories it has: the width of a one-hot slice, one more than the largest index; 0 of a number. Of
    tokens, the size of the vocabulary."""
    shape: tuple[int, ...] = ()
    """The shape of an array's own rows, (1,) for a number a row; () of a column."""
    whole: bool = False
    """Whether all of its elements are known to be whole numbers."""


@dataclass(frozen=True, slots=True)
class InputArray:
    """One array of a model's inputs, as the model takes it."""

    name: str
    """`inputs` where it is the only one, else `inputs/NAME`."""
    shape: tuple[int, ...]
    """The shape of one example."""
    dtype: DType
    """The document's, or int64 for what is read as indices."""
    spans: tuple[tuple[int, int], ...] | None = None
    """Which elements of a flat row it holds: the first of each run, and one past its last; None for all."""
    tokens: int = 0
    """How many tokens there are, where it holds indices of tokens; 0 elsewhere."""
    padding: Padding | None = None
    """How sequences are filled up that are shorter than others."""

    @property
    def short(self) -> str:
        """The name that the document gives it; `inputs` where it gives none."""
        return self.name.removeprefix(f"{ONLY}/")

    @property
    def is_plain(self) -> bool:
        """Whether it holds all elements of an example as floats, which need only be finite."""
        return self.spans is None and not self.tokens and self.padding is None and self.dtype != "int64"


def only_array(
    shape: tuple[int, ...], dtype: DType, tokens: int = 0, padding: Padding | None = None
) -> tuple[InputArray, ...]:
    """Return the arrays of a model that takes all elements of an example, of some shape, as one."""
    return (InputArray(ONLY, shape, dtype, None, tokens, padding),)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model must know of its data: the shapes of one example, and what its target means."""

    inputs: tuple[int, ...]
    """The shape of one example's input after all transforms, without the batch axis."""
    target: tuple[int, ...]
    """The shape of one target after all transforms: () for one number or class index a row."""
    target_kind: TargetKind
    """`class` where the data say so (text, or a data set of known classes), else `number`."""
    integers: bool = False
    """Whether targets come as int64 of shape (rows,): class indices, or numbers without fractions that
    could be class indices. The loss decides which it takes them for."""
    class_count: int | None = None
    """How many classes there are, or would be, where `integers` or one-hot targets show it."""
    classes: tuple[str, ...] | None = None
    """The classes' names in the order of their indices; None where there are no classes, or above 1000."""
    features: tuple[str, ...] | None = None
    """The names of the elements of one input, where the inputs are columns of a table."""
    column_slices: tuple[ColumnSlice, ...] | None = None
    """Which column, or which of several arrays, each element of an input comes from, counted in the flat input;
    None where there is nothing to distinguish, or a transform has changed what the elements are."""
    whole: bool = False
    """Whether all elements of the inputs are known to be whole numbers, before and after all transforms."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows by split: `train`, and `validation` and `test` where there are such."""
    batches: tuple[str, ...] = ()
    """What stays in its file, and is read for each batch: nothing, `inputs`, or also `targets`."""
    reading: int = 0
    """The bytes of memory that reading them takes, for each split that is read by itself."""
    passing: int = 0
    """The same once for all splits, where rows are read in the order of their file: text that is being parsed, and
    rows that a shuffle holds back."""
    loading: int = field(default=0, compare=False)
    """The bytes of the rows as they are stored, which are in memory until the model's arrays have been made of them."""
    stored: str = ""
    """The type of the inputs as they are stored, such as `f4`, where their array can be the model's own."""
    quotable: bool = True
    """Whether findings may quote names of columns, classes and values: not of files outside of the document's
    project. It is no part of what a model keeps."""
    weighted: bool = False
    """Whether rows have weights."""
    tokens: int = 0
    """How many tokens there are, where all inputs are indices of tokens (steps,); 0 elsewhere."""
    padding: Padding | None = None
    """How sequences are filled up that are shorter than others; None where all are of one length."""
    held: int = field(default=0, compare=False)
    """The bytes of the arrays in memory that rows are windows of."""
    scaled: bool = False
    """Whether the targets of each row have a scale of their own: those of windows of series."""
    first_tokens: tuple[str, ...] = field(default=(), compare=False)
    """The first ones of the tokens, to be shown."""
    column_tokens: tuple[tuple[str, ...], ...] = field(default=(), compare=False)
    """The same for each text column of a table, in their order."""


@dataclass(slots=True)
class DataDescription:
    """What a format finds out about its data before any transform and any split by fractions."""

    inputs: tuple[int, ...]
    target: tuple[int, ...]
    rows: dict[str, int]
    target_kind: TargetKind = "number"
    class_count: int | None = None
    """Given exactly where the targets are whole numbers from 0, one a row or one for each step of a sequence."""
    classes: tuple[str, ...] | None = None
    features: tuple[str, ...] | None = None
    per_class: list[int] | None = None
    """Rows of `train` in each class, where counting them is cheap."""
    column_slices: tuple[ColumnSlice, ...] | None = None
    whole: bool = False
    batches: tuple[str, ...] = ()
    reading: int = 0
    passing: int = 0
    loading: int = field(default=0, compare=False)
    stored: str = ""
    help: str | None = None
    """What helps where the data are too large for the memory."""
    quotable: bool = True
    """Whether findings may quote what is in the files."""
    weighted: bool = False
    tokens: int = 0
    padding: Padding | None = None
    held: int = 0
    scaled: bool = False
    first_tokens: tuple[str, ...] = ()
    column_tokens: tuple[tuple[str, ...], ...] = ()
    keys: SplitKeys | None = None
    """What splits the rows of `train` by groups, by times or as a column says, where the document asks for it."""


def names(count: int) -> tuple[str, ...] | None:
    """Return the names of classes that are known by their indices alone."""
    return tuple(map(str, range(count))) if count <= NAMED else None
