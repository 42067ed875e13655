"""Series one below the other, as a table or an array holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from specnet.data.series.dates import Frequency, shown
from specnet.diagnostics.text import clipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

Role = Literal["target", "past", "known"]


class SeriesColumn(NamedTuple):
    """A column of numbers, and what it is for."""

    name: str
    role: Role


@dataclass(slots=True, eq=False)
class OneSeries:
    """One series in the order of its times."""

    id: str
    times: NDArray[Any]
    """(steps,): microseconds since 1970-01-01, or numbers."""
    values: NDArray[np.float64]
    """(steps, columns): targets, past and known covariates."""
    steps: int
    """How many steps are observed; those after them have known covariates alone, and are the future."""


@dataclass(slots=True)
class SeriesPanel:
    """Some series with the same columns."""

    series: list[OneSeries]
    columns: tuple[SeriesColumn, ...]
    dated: bool
    """Whether times are dates."""
    frequency: Frequency | None
    """By how much times grow; None where no series has two."""
    named: bool
    """Whether the series have names of their own, in a column."""
    quotable: bool = True
    """Whether messages may quote ids and times."""

    def of(self, *roles: Role) -> list[int]:
        """Return the places of the columns of some roles."""
        return [place for place, column in enumerate(self.columns) if column.role in roles]

    def title(self, series: OneSeries) -> str:
        """Return what a message calls a series."""
        if not self.named:
            return "the series"
        return (
            f"series `{clipped(series.id)}`" if self.quotable else f"series {self.series.index(series) + 1}"
        )

    def shown(self, time: Any) -> str:
        """Return a time as it is written, or where it may not be quoted a word for it."""
        return "a time" if not self.quotable else shown(time, dated=self.dated)

    @property
    def times(self) -> NDArray[Any]:
        """The different times at which some series is observed, ascending."""
        return np.unique(np.concatenate([each.times[: each.steps] for each in self.series]))


def observed(values: NDArray[np.float64], targets: Sequence[int]) -> int:
    """Return how many rows are left of a series without those at its end whose targets are all missing."""
    there = np.flatnonzero(~np.isnan(values[:, targets]).all(axis=1))
    return int(there[-1]) + 1 if len(there) else 0
