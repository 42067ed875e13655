"""The windows of series: which there are, which split each belongs to, and what a model sees of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.series.dates import calendar_features
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.series.panel import OneSeries, SeriesPanel
    from specnet.data.series.settings import SeriesSettings


@dataclass(frozen=True, slots=True)
class Cuts:
    """The times at which the held-out parts begin."""

    starts: tuple[tuple[str, Any], ...]
    """The name of each part with its first time, in order of time; `train` begins before all times."""

    @property
    def end_of_training(self) -> Any:
        """The first time that is held out; infinity where none is."""
        return self.starts[1][1] if len(self.starts) > 1 else np.inf

    def members(self, first: NDArray[Any], last: NDArray[Any]) -> dict[str, NDArray[np.bool_]]:
        """Return for each part whether spans from a first to a last time lie in it."""
        found = {}
        for i, (name, start) in enumerate(self.starts):
            end = self.starts[i + 1][1] if i + 1 < len(self.starts) else np.inf
            found[name] = (first >= start) & (last < end)
        return found


def cuts(settings: SeriesSettings, panel: SeriesPanel, collector: Collector) -> Cuts:
    """Return where the held-out parts begin; note parts that no horizon fits into."""
    split, times = settings.split, panel.times
    wanted = {} if split is None else split.steps(len(times))
    starts: list[tuple[str, Any]] = []
    end = len(times)
    for name in ("test", "validation"):
        if name not in wanted:
            continue
        steps, key = wanted[name]
        if steps < settings.horizon:
            message = f"the {name} split has {counted(steps, 'step')} of time, and a horizon takes {settings.horizon}"
            help = f"give it at least {counted(settings.horizon, 'step')}"
            collector.add("SN550", message, "split", key, help=help)
        end -= steps
        if end <= 0:
            message = f"no time is left to train on: the other splits take all {len(times)}"
            collector.add("SN550", message, "split", part="table")
            break
        if steps:  # else it has been noted that no horizon fits into it
            starts.insert(0, (name, times[end]))
    return Cuts((("train", -np.inf), *starts))


@dataclass(frozen=True, slots=True)
class SeriesWindows:
    """The windows of a panel in one order: series by series, and by their first steps."""

    series: NDArray[np.int64]
    """(windows,): the index of each window's series."""
    starts: NDArray[np.int64]
    """(windows,): the first step of each window in its series."""
    parts: Mapping[str, NDArray[np.intp]]
    """The windows of each split."""

    def rows(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first step of each window in all series one below the other, of which each begins somewhere."""
        return np.asarray(offsets[self.series] + self.starts)


def find_windows(
    settings: SeriesSettings, panel: SeriesPanel, where: Cuts, collector: Collector
) -> SeriesWindows:
    """Return all windows whose targets lie in one split, in steps of `stride`; note series that are too short."""
    lookback, horizon = settings.lookback, settings.horizon
    length = lookback + horizon
    owners, starts = [], []
    members: dict[str, list[NDArray[np.intp]]] = {name: [] for name, _ in where.starts}
    count = 0
    for index, series in enumerate(panel.series):
        if series.steps < length:
            message = (
                f"{panel.title(series)} has {counted(series.steps, 'step')}, and a window takes {length}"
            )
            help = f"`lookback` and `horizon` are {lookback} and {horizon}; leave short series out, or take fewer steps"
            collector.add("SN558", message, "lookback", help=help)
            continue
        first = np.arange(series.steps - length + 1)
        begin, end = series.times[first + lookback], series.times[first + length - 1]
        # Counted from the first window of each split, so that a stride leaves none of them empty.
        for name, inside in where.members(begin, end).items():
            own = first[inside][:: settings.stride]
            members[name].append(np.arange(count, count + len(own)))
            owners.append(np.full(len(own), index))
            starts.append(own)
            count += len(own)
    parts = {name: np.concatenate(own) if own else np.empty(0, np.intp) for name, own in members.items()}
    for name, own in parts.items():
        if not len(own) and not collector.found:
            message = f"the {name} split has no window, which takes {lookback} steps before its {horizon}"
            collector.add("SN550", message, "split", part="table")
    empty = np.empty(0, np.int64)
    return SeriesWindows(np.concatenate(owners or [empty]), np.concatenate(starts or [empty]), parts)


def feature_names(settings: SeriesSettings, panel: SeriesPanel) -> tuple[str, ...]:
    """Return the names of the features of each step of a window."""
    known = [panel.columns[place].name for place in panel.of("known")]
    ahead = [f"{name}+{settings.horizon}" for name in (*known, *settings.calendar)]
    seen = [panel.columns[place].name for place in panel.of("target", "past")]
    return (*seen, *known, *settings.calendar, *ahead)


def step_features(
    settings: SeriesSettings, panel: SeriesPanel, series: OneSeries, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the features (steps, features) of each observed step of a series.

    `values` are those of its columns, scaled or not, with at least `horizon` steps after the observed ones where there
    are known covariates. They are targets and past covariates, what is known of the step, and what is known of the
    step `horizon` steps later.
    """
    steps, horizon = series.steps, settings.horizon
    calendar = np.empty((steps + horizon, 0))
    if settings.calendar:
        times = series.times[: steps + horizon]
        if len(times) < steps + horizon and panel.frequency is not None:
            more = panel.frequency.after(times[-1], steps + horizon - len(times))
            times = np.concatenate([times, more])
        calendar = calendar_features(times, settings.calendar)
    known = values[: steps + horizon, panel.of("known")]
    if len(known) < steps + horizon:
        # The last steps are in no window that has targets.
        known = np.concatenate([known, np.zeros((steps + horizon - len(known), known.shape[1]))])
    seen = values[:steps, panel.of("target", "past")]
    given = np.concatenate([known, calendar], axis=1)
    return np.concatenate([seen, given[:steps], given[horizon:]], axis=1)
