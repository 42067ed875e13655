"""The keys of `data.split`: which rows are held out of the training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.vocabulary.kind import Table, fault, table_check

Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]

KeyName = Annotated[str, Field(min_length=1)] | int
"""The name of a column or an array, or the index of a column."""


MOST_FOLDS = 1000
"""The largest number of folds, each of which is a training and a directory of its own."""


class SplitSpec(Table):
    """Which rows are held out of the training: fractions of them, or folds, drawn with the document's seed.

    Of n rows, round(n · fraction) go to a split and the rest to training; each split keeps the file's order. `group`,
    `time` and `column` name a column of a table, or an array of an npz file or of passed arrays; it is a feature only
    if `features` lists it.

    Of `series`, the last times are the test split, those before them the validation split, and a window belongs to the
    split in which all of its targets lie; the steps that it looks back at may lie before.

    With `folds`, `run` trains once for each fold, which is its `test` split, and reports the means; `validation` is a
    fraction of the other rows. Everything else takes such a document with its first fold.
    """

    validation: Fraction = Field(default=0.0, examples=[0.2])
    """The fraction of the rows to validate on during training; with `folds`, of the rows that are not held out."""
    test: Fraction = Field(default=0.0, examples=[0.2])
    """The fraction of the rows to test the finished model on."""
    validation_steps: NonNegativeInt = Field(default=0, examples=[28])
    """For `series`: how many of the times to validate on, instead of a fraction of them."""
    test_steps: NonNegativeInt = Field(default=0, examples=[28])
    """For `series`: how many of the times to test on, instead of a fraction of them."""
    stratify: bool = False
    """Whether each class has the same share of the rows in every split; requires one class per row as target. With
    `group`, as nearly as whole groups allow."""
    group: KeyName | None = Field(default=None, examples=["patient"])
    """The column whose equal values are one group: all rows of a group are in the same split."""
    time: KeyName | None = Field(default=None, examples=["date"])
    """The column of numbers or ISO 8601 dates that orders the rows: the last ones are the test split, those before
    them the validation split. Rows of the same time are in the same split. With `folds`, each fold follows the rows
    that it is predicted from, which grow from fold to fold."""
    column: KeyName | None = Field(default=None, examples=["split"])
    """The column that names the split of each row: `train`, `validation` or `test`."""
    folds: Annotated[int, Field(ge=2)] | None = Field(default=None, examples=[5])
    """The number of folds of a cross-validation."""
    repeats: PositiveInt = Field(default=1, examples=[3])
    """How many times the folds are drawn."""
    fold: PositiveInt | None = Field(default=None, examples=[1])
    """The only fold to train, from 1; those of the second repeat follow those of the first."""

    @table_check()
    def _leave_rows(self) -> Iterator[PydanticCustomError]:
        if self.validation + self.test >= 1:
            yield fault(
                f"`validation` and `test` take {self.validation + self.test:g} of the rows: "
                "less than 1 must be taken, so that rows are left to train on",
                key="test" if "test" in self.model_fields_set else "validation",
            )

    @table_check()
    def _one_size_of_validation(self) -> Iterator[PydanticCustomError]:
        return self._one_size("validation", self.validation, self.validation_steps)

    @table_check()
    def _one_size_of_test(self) -> Iterator[PydanticCustomError]:
        return self._one_size("test", self.test, self.test_steps)

    def _one_size(self, name: str, fraction: float, steps: int) -> Iterator[PydanticCustomError]:
        if fraction and steps:
            message = f"`{name}` is a fraction of all times, and `{name}_steps` a number of them: keep one"
            yield fault(message, key=f"{name}_steps")

    @table_check()
    def _column_alone(self) -> Iterator[PydanticCustomError]:
        others = ("validation", "test", "stratify", "folds", "group", "time")
        # A column may have the index 0.
        given = [
            name for name in others if getattr(self, name) not in (None, False, 0.0) or name in self.keys
        ]
        given = [] if self.column is None else given
        if given:
            message = f"`column` names the split of each row, and so does `{given[0]}`: keep one of them"
            yield fault(message, key=given[0])

    @table_check()
    def _group_or_time(self) -> Iterator[PydanticCustomError]:
        if self.group is not None and self.time is not None:
            yield fault("rows are split by `time` or by `group`: keep one of them", key="time")

    @table_check()
    def _stratified_or_by_time(self) -> Iterator[PydanticCustomError]:
        if self.stratify and self.time is not None:
            yield fault("rows are split by `time` or by `stratify`: keep one of them", key="time")

    @table_check()
    def _something_to_group(self) -> Iterator[PydanticCustomError]:
        return self._has_effect("group")

    @table_check()
    def _something_to_order(self) -> Iterator[PydanticCustomError]:
        return self._has_effect("time")

    def _has_effect(self, key: str) -> Iterator[PydanticCustomError]:
        if getattr(self, key) is None or self.column is not None:
            return
        if not (self.folds or self.validation or self.test):
            message = f"`{key}` has no effect: give `validation` or `test` a fraction, or a number of `folds`"
            yield fault(message, key=key, part="key")

    @table_check()
    def _folds_to_repeat(self) -> Iterator[PydanticCustomError]:
        if self.folds is None and self.repeats > 1:
            yield fault("`repeats` applies only with `folds`", key="repeats", part="key")

    @table_check()
    def _folds_to_choose_from(self) -> Iterator[PydanticCustomError]:
        if self.folds is None and self.fold is not None:
            yield fault("`fold` applies only with `folds`", key="fold", part="key")

    @table_check()
    def _test_is_the_fold(self) -> Iterator[PydanticCustomError]:
        if self.folds is not None and self.test:
            help = "leave `test` out; `validation` takes a fraction of the other rows"
            yield fault("with `folds`, the fold that is held out is the test split", key="test", help=help)

    @table_check()
    def _repeats_differ(self) -> Iterator[PydanticCustomError]:
        if self.folds is not None and self.time is not None and self.repeats > 1:
            yield fault("folds by `time` are the same in each repeat: leave `repeats` out", key="repeats")

    @table_check()
    def _not_too_many(self) -> Iterator[PydanticCustomError]:
        if self.folds is not None and self.folds * self.repeats > MOST_FOLDS:
            message = (
                f"{self.folds * self.repeats:,} folds are more than {MOST_FOLDS:,}, in all repeats together"
            )
            yield fault(message, key="folds")

    @table_check()
    def _fold_is_there(self) -> Iterator[PydanticCustomError]:
        if self.folds is not None and self.fold is not None and self.fold > self.folds * self.repeats:
            message = f"there are {self.folds * self.repeats} folds, and this is number {self.fold}"
            yield fault(message, key="fold")

    @property
    def parts(self) -> dict[str, float]:
        """The splits that are drawn as fractions of the rows, with their fractions."""
        return {name: f for name, f in (("validation", self.validation), ("test", self.test)) if f > 0}

    @property
    def taken(self) -> dict[str, str]:
        """The splits that are, or may be, taken from the training rows, each with the key that asks for it."""
        found = {name: key for name, (_, key) in self.steps(0).items()}
        if self.folds is not None:
            found["test"] = "folds"
        if self.column is not None:
            found = {"validation": "column", "test": "column"}
        return found

    def steps(self, times: int) -> dict[str, tuple[int, str]]:
        """Return how many of some times of series each held-out split takes, and the key that says so."""
        asked = {
            "validation": (self.validation, self.validation_steps),
            "test": (self.test, self.test_steps),
        }
        return {
            name: (steps, f"{name}_steps") if steps else (round(times * fraction), name)
            for name, (fraction, steps) in asked.items()
            if fraction or steps
        }

    @property
    def keys(self) -> dict[str, KeyName]:
        """The columns or arrays by which rows are split, by the key that names them."""
        named = {name: getattr(self, name) for name in ("group", "time", "column")}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def fold_count(self) -> int:
        """How many folds there are in all repeats; 0 without folds."""
        return 0 if self.folds is None else self.folds * self.repeats

    @property
    def is_whole(self) -> bool:
        """Whether a run trains every fold, not just one."""
        return self.folds is not None and self.fold is None

    @property
    def place(self) -> tuple[int, int]:
        """The repeat, and the fold in it, that is held out, both from 0; the first where none is named."""
        return divmod((self.fold or 1) - 1, self.folds or 1)
