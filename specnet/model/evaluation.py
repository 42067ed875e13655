"""What an evaluation comes to: figures by name, and by split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

Figure: TypeAlias = float | list[list[float]]
"""A loss or a metric; a confusion matrix is a list of rows."""


class Figures(dict[str, Figure]):
    """Loss and metrics by name; with several outputs, `output.figure` as well.

    It is a dictionary whose figures that are always numbers have that type. NaN is a figure that is not defined.
    """

    __slots__ = ("by_target",)

    def __init__(self, *figures: Any, **more: Figure) -> None:
        super().__init__(*figures, **more)
        self.by_target: dict[str, dict[str, float]] = {}
        """The metrics of each of several target columns, by the column's name; empty for any other target."""

    def extended(self, more: Mapping[str, Figure]) -> Figures:
        """Return the same figures, and others after them."""
        made = Figures(self, **more)
        made.by_target = self.by_target
        return made

    def as_dict(self) -> dict[str, Any]:
        """Return them as plain data: with `by_target`, if there is more than one column."""
        return {**self, "by_target": self.by_target} if self.by_target else dict(self)

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal[
                "loss",
                "accuracy",
                "auc",
                "bits_per_character",
                "cosine_similarity",
                "dice",
                "edit_distance",
                "exact_match",
                "f1",
                "iou",
                "mae",
                "mse",
                "perplexity",
                "precision",
                "r2",
                "recall",
                "rmse",
            ],
            /,
        ) -> float: ...

        @overload
        def __getitem__(self, key: Literal["confusion"], /) -> list[list[float]]: ...

        @overload
        def __getitem__(self, key: str, /) -> Figure: ...

        def __getitem__(self, key: str, /) -> Figure: ...


@dataclass(frozen=True, slots=True)
class MemberFigures:
    """What each of several models comes to by itself on the rows that their mean is evaluated on."""

    count: int
    """The number of models."""
    mean: Figures
    """The means of their figures; of a confusion matrix, too."""
    std: Figures
    """The standard deviations of those that are numbers; that of a sample."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The loss and metrics of a model on some rows, as `specnet.evaluate` and `model.evaluate` return them."""

    splits: Mapping[str, Figures]
    """Loss and metrics by split; rows that belong to no split are `data`."""
    rows: Mapping[str, int]
    """The number of rows of each split."""
    classes: tuple[str, ...] | None
    """The names of the classes, in the order of a confusion matrix."""
    uncertainty: Mapping[str, Any] = field(default_factory=dict)
    """The `calibration` and the `intervals` of the model as plain data; the figures are those after calibration."""
    members: Mapping[str, MemberFigures] = field(default_factory=dict)
    """Of several models, whose mean `splits` is about, what each comes to by itself, by split; empty for one."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, in the form that `evaluate --output json` prints."""
        members = {
            name: {"count": own.count, "mean": own.mean.as_dict(), "std": dict(own.std)}
            for name, own in self.members.items()
        }
        return {
            "splits": {name: figures.as_dict() for name, figures in self.splits.items()},
            "rows": dict(self.rows),
            **({"uncertainty": dict(self.uncertainty)} if self.uncertainty else {}),
            **({"members": members} if members else {}),
        }
