from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from specnet.data.signature import ColumnSlice
from specnet.data.tables.date_cells import DateFormat, DatePart

FITTED = ("mean", "median", "most_frequent")
"""What missing cells become by what the training split holds."""


@dataclass(slots=True)
class ColumnPlan:
    """How the cells of one column become numbers: plain data, which a stored model keeps."""

    name: str
    place: int
    """Where it stands in the training file, from 0."""
    type: Literal["number", "category", "boolean", "date"]
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

    @property
    def text(self) -> bool:
        """Whether its cells are read as text, and held as codes of categories; dates are held as numbers of days."""
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
        return len(self.categories) if self.one_hot else len(self.parts) or 1

    @property
    def elements(self) -> list[str]:
        """A name for each: the column's, with `=category` for a one-hot element and `.part` for that of a date."""
        if self.parts:
            return [f"{self.name}.{part}" for part in self.parts]
        return [f"{self.name}={category}" for category in self.categories] if self.one_hot else [self.name]

    @property
    def slice_kind(self) -> Literal["number", "onehot", "index", "boolean", "date"]:
        """What kind of elements they are."""
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
            found.append(
                ColumnSlice(column.name, start, column.width, column.slice_kind, len(column.categories))
            )
            start += column.width
        return tuple(found)

    def state(self) -> dict[str, Any]:
        """Return it as plain data, ready for JSON."""
        state = asdict(self)
        for column in (column for part in ("features", "targets", "weights") for column in state[part]):
            if column["type"] != "date":
                del column["format"], column["parts"]
        if not self.weights:
            del state["weights"]  # which models of documents without weights never had
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> TablePlan:
        """Return what `state` gave."""
        features, targets, weights = (
            [
                ColumnPlan(**column | {"parts": tuple(column.get("parts", ()))})
                for column in state.get(part, ())
            ]
            for part in ("features", "targets", "weights")
        )
        return cls(state["width"], features, targets, weights)
