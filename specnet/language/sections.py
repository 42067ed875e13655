from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.language.warnings import unknown_warning
from specnet.vocabulary.kind import Table, Words, fault, table_check
from specnet.vocabulary.thresholds import Threshold


class Entry(Table):
    """One input of a network that has several: some columns of the data's inputs, or one of several arrays."""

    columns: Annotated[tuple[str | int, ...], Field(min_length=1)] | None = Field(
        default=None, examples=[["size", "age"]]
    )
    """The columns of a table that it contains, in this order; without a header, their indices."""
    array: Annotated[str, Field(min_length=1)] | None = Field(default=None, examples=["pixels"])
    """Instead of `columns`, the one of several arrays (`inputs = [...]` of npz data) that it contains."""
    shape: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = Field(
        default=None, examples=[[8, 8, 1]]
    )
    """The shape of the input; by default one axis for columns, and an array's own shape."""

    @table_check()
    def _of_one_kind(self) -> Iterator[PydanticCustomError]:
        if (self.columns is None) == (self.array is None):
            both = self.array is not None
            message = (
                "`columns` and `array` both say what it holds: keep one of them"
                if both
                else ("it does not say what it holds: `columns` of a table, or an `array`")
            )
            yield fault(message, key="array" if both else (), part=None if both else "table")


class Lint(Table):
    """How likely mistakes that are not errors are reported."""

    ignore: tuple[str, ...] = Field(default=(), examples=[["SN701"]])
    """The codes of warnings to suppress, such as `SN701`."""

    @table_check(each="ignore")
    def _known(self, index: int, code: str) -> Iterator[PydanticCustomError]:
        unknown = unknown_warning(code)
        if unknown is not None:
            message, help = unknown
            yield fault(message, key=("ignore", index), code="SN207", help=help)


class Output(Table):
    """What to show at the end of a run, how predictions are read, and how sure they are."""

    show: tuple[Literal["predictions", "weights"], ...] = ()
    """Tables to print, for models and data small enough to read. With folds, predictions are those out of fold, and
    weights those of each fold's model."""
    threshold: Threshold | None = Field(default=None, examples=[0.3])
    """The value from which a binary label is predicted as yes: one for all labels, or an array with one for each;
    `"f1"` or `"balanced_accuracy"` chooses the threshold of each label that maximizes this on the validation split. By
    default 0.5, or 0 for hinge losses. Metrics may have thresholds of their own."""
    calibration: Literal["temperature", "isotonic"] | None = Field(default=None, examples=["temperature"])
    """How the trained model's probabilities are calibrated, on the validation split: `temperature` divides all logits
    by one number, `isotonic` passes the probability of each class through an increasing function, which needs about
    1,000 validation rows. All predictions, metrics and exports of the trained model are calibrated."""
    intervals: (
        Annotated[float, Field(gt=0, lt=1), Words("a number above 0 and below 1, such as 0.9")] | None
    ) = Field(default=None, examples=[0.9])
    """The share of new rows that intervals around predicted numbers, or sets of plausible classes, are to cover. They
    are fitted on the validation split by split conformal prediction."""
