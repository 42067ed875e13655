"""How series are scaled, and what is known of each for its metrics: learnt from the steps before all held-out ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from specnet.data.transform import Finite, Transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import Fitted, State
    from specnet.data.series.panel import OneSeries, SeriesPanel
    from specnet.data.series.settings import SeriesSettings
    from specnet.data.series.windows import Cuts
    from specnet.graph.graph import Value

    Array = NDArray[np.float64]


class SeriesScale(Transform):
    """What the `scale` of series comes to where all have the same: y = (x - center) / span for each feature of a step.

    It runs before the transforms of the document, which do not name it.
    """

    type: Literal["series_scale"]
    """Always given, unlike that of kinds that a document can choose."""
    center: tuple[Finite, ...]
    """What is subtracted of each feature of a step; one number where a step is a number."""
    span: tuple[Finite, ...]
    """What each feature is divided by then."""
    order_kept: ClassVar[bool] = True

    def fit_blocks(self, blocks: Iterable[NDArray[Any]]) -> State:
        """Return `center` and `span`, which do not depend on the windows."""
        return {"center": np.array(self.center), "span": np.array(self.span)}

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append (x - center) / span."""
        return (x - fitted["center"]) / fitted["span"]

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append y · span + center."""
        return y * fitted["span"] + fitted["center"]


@dataclass(frozen=True, slots=True)
class SeriesScales:
    """The scale of each series, and the error of its seasonal naive forecast.

    A series that training did not have is scaled by its own steps.
    """

    ids: tuple[str, ...]
    """Those of the series of the training."""
    center: Array
    """(series, columns); one row where all series have the same scale."""
    span: Array
    naive: Array
    """(series, targets): the mean absolute error of the seasonal naive forecast of each target."""
    each: bool
    """Whether each series has a scale of its own, so that windows alone do not say what their units are."""

    @classmethod
    def fit(cls, settings: SeriesSettings, panel: SeriesPanel, where: Cuts) -> Self:
        """Return the scales of series by what lies before the held-out times."""
        past = [_past(each, where) for each in panel.series]
        together = settings.scale_by == "together" or settings.scale == "none" or len(past) == 1
        groups = [np.concatenate(past)] if together else past
        found = [_scale(settings.scale, rows) for rows in groups]
        targets = panel.of("target")
        naive = np.stack([naive_error(rows[:, targets], settings.season) for rows in past])
        ids = tuple(each.id for each in panel.series)
        return cls(ids, np.stack([f[0] for f in found]), np.stack([f[1] for f in found]), naive, not together)

    def of(self, settings: SeriesSettings, panel: SeriesPanel) -> SeriesScales:
        """Return the scales of the series of another panel in its order."""
        index = {name: place for place, name in enumerate(self.ids)}
        places = [index.get(each.id) for each in panel.series] if panel.named else [0] * len(panel.series)
        own = [each.values[: each.steps] for each in panel.series]
        targets = panel.of("target")
        naive = [
            naive_error(rows[:, targets], settings.season) if at is None else self.naive[at]
            for at, rows in zip(places, own, strict=True)
        ]
        ids = tuple(each.id for each in panel.series)
        if not self.each:
            return SeriesScales(ids, self.center, self.span, np.stack(naive), each=False)
        found = [
            _scale(settings.scale, rows) if at is None else (self.center[at], self.span[at])
            for at, rows in zip(places, own, strict=True)
        ]
        return SeriesScales(
            ids, np.stack([f[0] for f in found]), np.stack([f[1] for f in found]), np.stack(naive), each=True
        )

    def scaled(self, index: int, values: Array) -> Array:
        """Return the columns of a series as the data hold them for a model: scaled, where each series has a scale."""
        return (values - self.center[index]) / self.span[index] if self.each else values

    def rows(self, series: NDArray[np.int64], targets: list[int]) -> Array:
        """Return for windows of some series (windows, 3, targets) center, span and naive error of each target.

        The model's transforms lead to numbers that, times span plus center, are in the data's units.
        """
        count, width = self.naive.shape
        center, span = np.zeros((count, width)), np.ones((count, width))
        if self.each:
            center, span = self.center[:, targets], self.span[:, targets]
        stacked: Array = np.stack([center, span, self.naive], axis=1)
        return stacked[series]

    def transforms(
        self, panel: SeriesPanel, features: int
    ) -> dict[Literal["inputs", "targets"], list[Transform]]:
        """Return the steps that windows of `features` and their targets go through first."""
        if self.each or (not self.center.any() and (self.span == 1).all()):
            return {"inputs": [], "targets": []}
        seen, known = panel.of("target", "past"), panel.of("known")
        ahead = features - len(seen) - len(known)
        calendar = ahead - len(known)
        calendar //= 2
        places = [*seen, *known, *[None] * calendar, *known, *[None] * calendar]
        center = [0.0 if at is None else float(self.center[0, at]) for at in places]
        span = [1.0 if at is None else float(self.span[0, at]) for at in places]
        targets = panel.of("target")
        made: dict[Literal["inputs", "targets"], tuple[list[float], list[float]]] = {
            "inputs": (center, span),
            "targets": (self.center[0, targets].tolist(), self.span[0, targets].tolist()),
        }
        return {
            on: [SeriesScale.model_validate({"type": "series_scale", "on": on, "center": c, "span": s})]
            for on, (c, s) in made.items()
        }

    def state(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        arrays = {name: getattr(self, name).tolist() for name in ("center", "span", "naive")}
        return {"ids": list(self.ids), **arrays, "each": self.each}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> SeriesScales:
        """Return the scales of which `state` is the state."""
        center, span, naive = (np.array(state[name], np.float64) for name in ("center", "span", "naive"))
        return cls(tuple(state["ids"]), center, span, naive, state["each"])


def naive_error(targets: Array, season: int) -> Array:
    """Return the mean absolute error of repeating each value (steps, targets) `season` steps later; 0 without any."""
    if len(targets) <= season:
        return np.zeros(targets.shape[1])
    return np.asarray(np.abs(targets[season:] - targets[:-season]).mean(axis=0))


def _past(series: OneSeries, where: Cuts) -> Array:
    """Return the observed steps before all held-out times."""
    seen = series.times[: series.steps] < where.end_of_training
    past: Array = series.values[: series.steps][seen]
    return past


def _scale(kind: str, rows: Array) -> tuple[Array, Array]:
    """Return center and span of each column; 0 and 1 where there are no rows, and span 1 where all are alike."""
    width = rows.shape[1]
    if kind == "none" or not len(rows):
        return np.zeros(width), np.ones(width)
    center, span = (
        (rows.mean(axis=0), rows.std(axis=0))
        if kind == "standardize"
        else (rows.min(axis=0), np.ptp(rows, axis=0))
    )
    small = span <= 1e-12 * np.abs(rows).max(axis=0)
    return center, np.where(small, 1.0, span)
