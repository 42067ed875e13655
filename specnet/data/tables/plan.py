from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from specnet.data.signature import ColumnSlice
from specnet.data.tables.date_cells import DateFormat, DatePart

if TYPE_CHECKING:
    from specnet.data.tables.texts import TextEncoding

FITTED = ("mean", "median", "most_frequent")
"""What missing cells become by what the training split holds."""


@dataclass(slots=True)
class ColumnPlan:
    """How the cells of one column become numbers: plain data, which a stored model keeps."""

    name: str
    place: int
    """Where it stands in the training file, from 0."""
    type: Literal["number", "category", "boolean", "date", "text"]
    categories: list[str]
    """The categories in the order of their indices; `false` and `true` of a boolean; empty for a number."""
    names_only: bool
    """Whether its cells are names even where they look like numbers."""
    encode: str
    """How a category is encoded: `onehot` or `index`."""
    missing: str
    """What becomes of missing cells: as the document says it, or `value` for a number or index known beforehand."""
    fill: float | None
    """The number or index that missing cells become; None where they become nothing, or it is not fitted yet."""
    unknown: str
    scale: str
    format: str | None = None
    """How dates are written; None for ISO 8601."""
    parts: tuple[DatePart, ...] = ()
    """The parts that dates become; empty for what is not a date."""
    texts: TextEncoding | None = None
    """How texts become tokens; None for what is not a text column, or before its vocabulary is learnt."""

    @property
    def coded(self) -> bool:
        """Whether its cells are held as codes of categories; dates are held as numbers of days."""
        return self.type in ("category", "boolean")

    @property
    def dates(self) -> DateFormat | None:
        """How its cells write dates; None for what is not a date."""
        return DateFormat(self.format) if self.type == "date" else None

    @property
    def optional(self) -> bool:
        """Whether a cell may be without a value."""
        return self.missing not in ("refuse", "drop")

    @property
    def one_hot(self) -> bool:
        """Whether it becomes zeros and a one."""
        return self.type == "category" and self.encode == "onehot"

    @property
    def width(self) -> int:
        """How many elements of an input it becomes."""
        if self.type == "text":
            return 0 if self.texts is None else self.texts.length
        return len(self.categories) if self.one_hot else len(self.parts) or 1

    @property
    def elements(self) -> list[str]:
        """A name for each: the column's, with `=category` for a one-hot element and `.part` for that of a date.

        That of a token has its place in brackets.
        """
        if self.type == "text":
            return [f"{self.name}[{step}]" for step in range(self.width)]
        if self.parts:
            return [f"{self.name}.{part}" for part in self.parts]
        return [f"{self.name}={category}" for category in self.categories] if self.one_hot else [self.name]

    @property
    def distinct(self) -> int:
        """How many categories or tokens its elements tell apart; 0 for numbers and dates."""
        return len(self.categories) if self.texts is None else self.texts.size

    @property
    def slice_kind(self) -> Literal["number", "onehot", "index", "boolean", "date", "tokens"]:
        """What kind of elements they are."""
        if self.type == "text":
            return "tokens"
        if self.type == "category":
            return "onehot" if self.one_hot else "index"
        return self.type


@dataclass(slots=True)
class TablePlan:
    """How the columns of a table become inputs and targets."""

    width: int
    """How many columns the training file has."""
    features: list[ColumnPlan]
    """The columns of the inputs, in their order."""
    targets: list[ColumnPlan] = field(default_factory=list)
    weights: list[ColumnPlan] = field(default_factory=list)
    """The column of sample weights, if there is one."""

    @property
    def used(self) -> tuple[ColumnPlan, ...]:
        """All columns that are read of rows with targets."""
        return (*self.features, *self.targets, *self.weights)

    @property
    def names(self) -> list[str]:
        """The names of the features' columns."""
        return [column.name for column in self.features]

    @property
    def size(self) -> int:
        """How many elements an input has."""
        return sum(column.width for column in self.features)

    @property
    def elements(self) -> tuple[str, ...]:
        """A name for each element of an input."""
        return tuple(name for column in self.features for name in column.elements)

    @property
    def column_slices(self) -> tuple[ColumnSlice, ...]:
        """Which elements of an input each column becomes."""
        found, start = [], 0
        for column in self.features:
            found.append(ColumnSlice(column.name, start, column.width, column.slice_kind, column.distinct))
            start += column.width
        return tuple(found)

    def state(self) -> dict[str, Any]:
        """Return it as plain data, ready for JSON."""
        columns = {"features": self.features, "targets": self.targets, "weights": self.weights}
        if not self.weights:
            del columns["weights"]  # which models of documents without weights never had
        return {"width": self.width, **{part: [_state(c) for c in own] for part, own in columns.items()}}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> TablePlan:
        """Return what `state` gave."""
        features, targets, weights = (
            [_restored(column) for column in state.get(part, ())]
            for part in ("features", "targets", "weights")
        )
        return cls(state["width"], features, targets, weights)


def _state(column: ColumnPlan) -> dict[str, Any]:
    state = {each.name: getattr(column, each.name) for each in fields(column)}
    if column.type != "date":
        del state["format"], state["parts"]
    if column.texts is None:
        del state["texts"]
    else:
        state["texts"] = column.texts.state()
    return state


def _restored(state: Mapping[str, Any]) -> ColumnPlan:
    own = dict(state, parts=tuple(state.get("parts", ())))
    if "texts" in state:
        from specnet.data.tables.texts import TextEncoding

        own["texts"] = TextEncoding.from_state(state["texts"])
    return ColumnPlan(**own)
