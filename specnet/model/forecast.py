"""Forecasts of series, and what backtests of them come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specnet.model.evaluation import Evaluation

    Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Forecast:
    """The steps after the last one of each series, as `Model.forecast` returns them."""

    series: tuple[str, ...]
    """The id of each series."""
    times: tuple[tuple[Any, ...], ...]
    """For each series the times of the steps: dates as text in ISO 8601, or numbers."""
    targets: tuple[str, ...]
    """The columns that are forecast."""
    values: Array
    """(series, horizon, targets) in the data's units."""
    quantiles: Mapping[float, Array] = field(default_factory=dict)
    """The same for each quantile that the loss predicts."""
    series_column: str | None = None
    """The column of the ids; None where the data have none."""
    time_column: str | None = None
    """The column of the times; None where rows are steps, and times count from 0."""
    actual: Array | None = None
    """(series, horizon, targets): the targets themselves, where they are known: in a backtest."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the cells of `rows`."""
        return (
            *(() if self.series_column is None else (self.series_column,)),
            self.time_column or "step",
            *(name for target in self.targets for name in self._names(target)),
        )

    def _names(self, target: str) -> Iterator[str]:
        if self.actual is not None:
            yield target
        yield target if self.actual is None else f"{target}_forecast"
        yield from (f"{target}_{level:g}" for level in self.quantiles)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield a row for each series and step: id, time, and for each target the forecast and its quantiles."""
        for i, (name, times) in enumerate(zip(self.series, self.times, strict=True)):
            for step, time in enumerate(times):
                cells: list[Any] = [] if self.series_column is None else [name]
                cells.append(time)
                for target in range(len(self.targets)):
                    known = () if self.actual is None else (self.actual,)
                    arrays = (*known, self.values, *self.quantiles.values())
                    cells += [float(array[i, step, target]) for array in arrays]
                yield tuple(cells)

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(map(len, self.times))


@dataclass(frozen=True, slots=True)
class Backtest:
    """Forecasts from several origins in the past, measured, as `Model.backtest` returns them."""

    forecasts: Mapping[str, Forecast]
    """By the origin: the time of the first step that is forecast where all series share it, else `origin 1` and on."""
    evaluation: Evaluation
    """The figures of each origin, and of `all` together."""
    naive: Mapping[str, float]
    """The mean absolute error of the seasonal naive forecast, for each origin and `all`."""

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data: those of a model, and of the seasonal naive forecast."""
        found = self.evaluation.as_dict()
        return {
            "origins": found["splits"],
            "rows": found["rows"],
            "naive": {name: {"mae": error} for name, error in self.naive.items()},
        }
