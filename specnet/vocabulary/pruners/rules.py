"""The pruners of Optuna, whose options have the names that they have there.

A step is one report of the objective: an epoch, or with `training.steps` one step of the training.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.pruners.pruner import Count, Pruner


class Never(Pruner):
    """Train every trial to its end."""

    optuna: ClassVar[str] = "NopPruner"

    type: Literal["none"] = "none"


class Median(Pruner):
    """End a trial whose best value so far is worse than the median of other trials at the same epoch."""

    optuna: ClassVar[str] = "MedianPruner"

    type: Literal["median"] = "median"
    n_startup_trials: Count = 5
    """How many trials must have ended before any is ended early."""
    n_warmup_steps: Count = 0
    """The epochs of each trial before it may be ended."""
    interval_steps: PositiveInt = 1
    """The epochs from one decision to the next."""
    n_min_trials: PositiveInt = 1
    """How many trials must have reported at an epoch for a decision there."""


class Percentile(Pruner):
    """End a trial whose best value so far is not among the best `percentile` per cent at the same epoch."""

    optuna: ClassVar[str] = "PercentilePruner"

    type: Literal["percentile"] = "percentile"
    percentile: Annotated[float, Field(ge=0, le=100)] = 25.0
    """How many per cent of the trials continue."""
    n_startup_trials: Count = 5
    """How many trials must have ended before any is ended early."""
    n_warmup_steps: Count = 0
    """The epochs of each trial before it may be ended."""
    interval_steps: PositiveInt = 1
    """The epochs from one decision to the next."""
    n_min_trials: PositiveInt = 1
    """How many trials must have reported at an epoch for a decision there."""


class SuccessiveHalving(Pruner):
    """Let only the best share of the trials continue at each of some epochs: ASHA (Li et al., 2018)."""

    optuna: ClassVar[str] = "SuccessiveHalvingPruner"

    type: Literal["successive_halving"] = "successive_halving"
    min_resource: PositiveInt | Literal["auto"] = "auto"
    """The epochs until the first decision; by default estimated from the first trial."""
    reduction_factor: Annotated[int, Field(ge=2)] = 4
    """One trial in this number continues, for as many times the epochs."""
    min_early_stopping_rate: Annotated[int, Field(ge=0, le=63)] = 0
    """How many decisions are left out at the beginning."""


class Hyperband(Pruner):
    """Run several successive halvings that begin at different epochs (Li et al., 2018)."""

    optuna: ClassVar[str] = "HyperbandPruner"

    type: Literal["hyperband"] = "hyperband"
    min_resource: PositiveInt = 1
    """The epochs until the first decision of the most eager one."""
    max_resource: PositiveInt | Literal["auto"] = "auto"
    """The epochs of a whole trial; by default those of the first trial."""
    reduction_factor: Annotated[int, Field(ge=2)] = 3
    """One trial in this number continues, for as many times the epochs."""


class Bounds(Pruner):
    """End a trial whose value is outside of fixed bounds."""

    optuna: ClassVar[str] = "ThresholdPruner"

    type: Literal["threshold"] = "threshold"
    lower: float | None = Field(default=None, examples=[0.1])
    """The lower bound."""
    upper: float | None = Field(default=None, examples=[3.0])
    """The upper bound."""
    n_warmup_steps: Count = 0
    """The epochs of each trial before it may be ended."""
    interval_steps: PositiveInt = 1
    """The epochs from one decision to the next."""

    @table_check()
    def _bounded(self) -> Iterator[PydanticCustomError]:
        if self.lower is None and self.upper is None:
            yield fault("`threshold` needs a bound", part="table", help="give `lower`, `upper`, or both")
