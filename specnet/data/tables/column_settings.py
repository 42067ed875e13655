"""The settings of single columns of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, ValidationError
from pydantic_core import PydanticCustomError

from specnet.data.tables.date_cells import PARTS, DateFormat, DatePart, format_problem
from specnet.data.text import TOKENIZERS, Tokenizer
from specnet.data.text.tokenizer import Normalization
from specnet.vocabulary.kind import Table, fault, table_check

ColumnType = Literal["number", "category", "boolean", "date", "text"]

WORDS = {
    "number": "numbers",
    "category": "categories",
    "boolean": "booleans",
    "date": "dates",
    "text": "text",
}

APPLIES: dict[str, tuple[str, ...]] = {
    "encode": ("category",),
    "values": ("category",),
    "unknown": ("category",),
    "scale": ("number", "date"),
    "parts": ("date",),
    "format": ("date",),
    "tokens": ("text",),
    "size": ("text",),
    "length": ("text",),
    "truncate": ("text",),
    "lowercase": ("text",),
    "normalization": ("text",),
}
"""The keys that do not apply to columns of every type, and the types that they apply to."""

FITTING: dict[str, tuple[str, ...]] = {
    "number": ("refuse", "drop", "mean", "median", "most_frequent"),
    "category": ("refuse", "drop", "most_frequent", "category"),
    "boolean": ("refuse", "drop", "most_frequent"),
    "date": ("refuse", "drop", "mean", "median", "most_frequent"),
    "text": ("refuse", "drop", "empty"),
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
    classes false and true; a date, with or without a time, becomes the numbers that `parts` lists; text becomes a
    sequence of the indices of its tokens, which is an input of its own."""
    format: str | None = Field(default=None, examples=["%d.%m.%Y"])
    """How a date is written, as in `strptime`: `%d.%m.%Y` for 31.5.2024, `%m/%d/%Y %H:%M` for 5/31/2024 13:45. By
    default ISO 8601, such as 2024-05-31 or 2024-05-31T13:45. A time zone is left out of account."""
    parts: tuple[DatePart, ...] | None = Field(default=None, examples=[["year", "month", "weekday"]])
    """The numbers that a date becomes: `year`; `month` from 1; `day` of the month from 1; `weekday` from 0 for Monday
    to 6; `days` since 1970-01-01, with the time of day as a fraction. By default all of them, in this order."""
    values: tuple[str, ...] | None = Field(default=None, examples=[["small", "large"]])
    """The categories, in this order; any other cell is an unknown category. By default those of the training file,
    in alphabetical order."""
    encode: Literal["onehot", "index"] | None = Field(default=None, examples=["index"])
    """Whether a category is one-hot encoded, or becomes its index as a number."""
    scale: Literal["none", "standardize", "minmax"] | None = Field(default=None, examples=["standardize"])
    """How numbers, and the parts of a date, are scaled, by statistics of the training split after missing values are
    filled: to mean 0 and standard deviation 1, or to the range 0 to 1."""
    missing: Literal["refuse", "drop", "mean", "median", "most_frequent", "category", "empty"] | None = Field(
        default=None, examples=["median"]
    )
    """How cells without a value are handled: an error; the row is dropped (at prediction, an error); they get the
    training split's mean, median or most frequent value (the smallest, or first, of several); they are a
    category of their own, called `(missing)`, after all others; or they are empty text, as they are in a text column
    unless the table drops their rows."""
    fill: float | str | bool | None = Field(default=None, examples=[0])
    """The value of cells without one, instead of `missing`: a number, true or false, a date as the cells write it,
    text, or a category, which becomes one of the column's even if no other cell has it."""
    unknown: Literal["refuse", "zeros"] | None = Field(default=None, examples=["zeros"])
    """How a category that the training file (or `values`) does not have is handled: an error, or all zeros."""
    tokens: Annotated[Tokenizer, TOKENIZERS] | None = Field(default=None, examples=["word"])
    """How text is cut into tokens; by default into words. The vocabulary is that of the training split alone, and what
    it does not have becomes its unknown token."""
    size: PositiveInt | None = Field(default=None, examples=[10000])
    """How many tokens the vocabulary has at most, padding and unknown token included: short for `size` in
    `tokens`, as are the next two."""
    lowercase: bool | None = Field(default=None, examples=[True])
    """Whether text is converted to lower case before it is cut."""
    normalization: Normalization | None = Field(default=None, examples=["nfkc"])
    """The Unicode normalization form of the text before it is cut."""
    length: PositiveInt | None = Field(default=None, examples=[64])
    """The number of tokens, or steps, that each cell becomes: shorter ones are padded at their end, and longer ones are
    cut. By default that of the longest cell in the training split."""
    truncate: Literal["end", "start"] | None = Field(default=None, examples=["start"])
    """The end at which cells that are too long lose tokens; by default their end."""

    @table_check()
    def _some_category(self) -> Iterator[PydanticCustomError]:
        if self.values is not None and not self.values:
            yield fault("`values` lists no category", key="values")

    @table_check(each="values")
    def _named_once(self, index: int, value: str) -> Iterator[PydanticCustomError]:
        if self.values is not None and value in self.values[:index]:
            yield fault(f"`{value}` is named twice", key=("values", index))

    @table_check()
    def _some_part(self) -> Iterator[PydanticCustomError]:
        if self.parts is not None and not self.parts:
            yield fault("`parts` lists no part of a date", key="parts")

    @table_check(each="parts")
    def _part_once(self, index: int, part: str) -> Iterator[PydanticCustomError]:
        if self.parts is not None and part in self.parts[:index]:
            yield fault(f"`{part}` is named twice", key=("parts", index))

    @table_check()
    def _format_reads_dates(self) -> Iterator[PydanticCustomError]:
        problem = format_problem(self.format) if self.format is not None else None
        if problem is not None:
            yield fault(problem, key="format")

    @table_check()
    def _filled_once(self) -> Iterator[PydanticCustomError]:
        if self.fill is not None and self.missing is not None:
            message = "`missing` and `fill` both say what to do with missing values: keep one of them"
            yield fault(message, key="fill")

    @table_check()
    def _encode_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("encode")

    @table_check()
    def _values_fit(self) -> Iterator[PydanticCustomError]:
        return self._fits("values")

    @table_check()
    def _unknown_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("unknown")

    @table_check()
    def _format_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("format")

    @table_check()
    def _parts_fit(self) -> Iterator[PydanticCustomError]:
        return self._fits("parts")

    @table_check()
    def _scale_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("scale")

    @table_check()
    def _tokens_fit(self) -> Iterator[PydanticCustomError]:
        return self._fits("tokens")

    @table_check()
    def _size_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("size")

    @table_check()
    def _lowercase_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("lowercase")

    @table_check()
    def _normalization_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("normalization")

    @table_check()
    def _length_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("length")

    @table_check()
    def _truncate_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("truncate")

    @table_check()
    def _size_of_tokens(self) -> Iterator[PydanticCustomError]:
        return self._shortened("size", self.size)

    @table_check()
    def _lowercase_of_tokens(self) -> Iterator[PydanticCustomError]:
        return self._shortened("lowercase", self.lowercase)

    @table_check()
    def _normalization_of_tokens(self) -> Iterator[PydanticCustomError]:
        return self._shortened("normalization", self.normalization)

    def _shortened(self, key: str, value: Any) -> Iterator[PydanticCustomError]:
        """Yield a fault where a key of the tokenizer that stands beside `tokens` cannot be one of it."""
        tokenizer = self._tokens
        if value is None:
            return
        own = type(tokenizer).model_fields.get(key)
        # A document that is written out again has all keys of `tokens`, with their defaults.
        if own is not None and getattr(tokenizer, key) != own.default:
            yield fault(f"`{key}` is also in `tokens`: keep one of them", key=key)
            return
        try:
            type(tokenizer).model_validate({key: value})
        except ValidationError as error:
            if own is None:
                message = f"`tokens` of type `{tokenizer.type}` have no `{key}`"
            else:
                message = f"`{key}` of `{tokenizer.type}` tokens: {error.errors()[0]['msg'].lower()}"
            yield fault(message, key=key)

    @table_check()
    def _fill_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("fill")

    @table_check()
    def _missing_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("missing")

    def _fits(self, key: str) -> Iterator[PydanticCustomError]:
        """Yield a fault where a key does not apply to a column of the type that the document says."""
        message = self._misfit(key, self.type) if self.type is not None else None
        if message is not None:
            yield fault(message, key=key)

    @property
    def own(self) -> str | None:
        """The category that missing cells are; None where they are none."""
        if isinstance(self.fill, str) and self.type not in ("date", "text"):
            return self.fill
        return OWN if self.missing == "category" else None

    @property
    def dates(self) -> DateFormat:
        """How the column's cells write dates."""
        return DateFormat(self.format)

    @property
    def date_parts(self) -> tuple[DatePart, ...]:
        """The parts that its dates become."""
        return self.parts or PARTS

    @property
    def _tokens(self) -> Tokenizer:
        return TOKENIZERS.validate("word") if self.tokens is None else self.tokens

    @property
    def tokenizer(self) -> Tokenizer:
        """How its texts are cut into tokens."""
        tokens = self._tokens
        beside = {key: getattr(self, key) for key in ("size", "lowercase", "normalization")}
        given = {key: value for key, value in beside.items() if value is not None}
        return type(tokens).model_validate({**tokens.model_dump(), **given}) if given else tokens

    def misfit(self, kind: ColumnType) -> tuple[str, str] | None:
        """Return a key that does not apply to a column of this type, and why; None if all have."""
        found = ((key, self._misfit(key, kind)) for key in (*APPLIES, "fill", "missing"))
        return next(((key, message) for key, message in found if message is not None), None)

    def _misfit(self, key: str, kind: ColumnType) -> str | None:
        """Return why a key does not apply to a column of a type; None if it does or is not given."""
        given = getattr(self, key)
        if given is None:
            return None
        if key in APPLIES and kind not in APPLIES[key]:
            takes = " and ".join(WORDS[each] for each in APPLIES[key])
            return f"`{key}` applies to {takes} only, and the column holds {WORDS[kind]}"
        if key == "fill" and kind == "date":
            if isinstance(given, str) and self.dates.days(given) is not None:
                return None
            shown = f"{given:g}" if isinstance(given, float) else str(given).lower()
            return f"`{shown}` is not a date in {self.dates.stated}"
        if key == "fill" and kind == "text":
            return None if isinstance(given, str) else f"`{given}` is not text: put it in quotes"
        if key == "fill":
            found = (
                "boolean" if isinstance(given, bool) else "category" if isinstance(given, str) else "number"
            )
            return f"this is a {found}, and the column holds {WORDS[kind]}" if found != kind else None
        if key == "missing" and given not in FITTING[kind]:
            return f'`missing = "{given}"` does not apply to a column of {WORDS[kind]}'
        return None


OWN = "(missing)"
"""The category that missing cells are where they have one of their own."""

NOTHING_SAID = ColumnSettings.model_construct()
"""The settings of a column of which a document says nothing."""
