"""What may be wrong with the rows of a series: their order, gaps between them, and values that are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from specnet.diagnostics.text import clipped, counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.series.panel import OneSeries, SeriesColumn, SeriesPanel
    from specnet.data.series.settings import SeriesSettings


@dataclass(frozen=True, slots=True)
class PanelCheck:
    """The checks of the series of a panel, each of which notes the first row at fault."""

    settings: SeriesSettings
    panel: SeriesPanel
    where: Callable[[int], str]
    """Return what a message calls the row in a line."""
    row_word: str

    def in_order(self, series: OneSeries, lines: NDArray[np.int64], faults: Collector) -> bool:
        """Return whether times ascend; note the first that does not."""
        panel = self.panel
        wrong = np.flatnonzero(np.diff(series.times) <= 0)
        if not len(wrong):
            return True
        at = int(wrong[0]) + 1
        time, before = panel.shown(series.times[at]), panel.shown(series.times[at - 1])
        if series.times[at] == series.times[at - 1]:
            both = f"{self.where(lines[at - 1])} and {self.row_word} {lines[at]}"
            message = f"{panel.title(series)} has {time} twice, in {both}"
            several = "" if panel.named else "; `series` names the column of the ids of several"
            help = f"a series has one row for each time{several}"
        else:
            message = f"{panel.title(series)} has {time} in {self.where(lines[at])}, after {before}"
            help = "sort the rows of each series by time"
        faults.add("SN557", message, "time", help=help)
        return False

    def without_gaps(self, series: OneSeries, lines: NDArray[np.int64], faults: Collector) -> None:
        """Note the first time that is not one step after the one before it, unless gaps are ignored."""
        panel = self.panel
        if panel.frequency is None or self.settings.gaps == "ignore":
            return
        wrong = np.flatnonzero(panel.frequency.irregular(series.times))
        if not len(wrong):
            return
        at = int(wrong[0]) + 1
        before, time = panel.shown(series.times[at - 1]), panel.shown(series.times[at])
        message = f"{panel.title(series)} goes from {before} to {time} in {self.where(lines[at])}"
        more = f", the first of {counted(len(wrong), 'such place')}" if len(wrong) > 1 else ""
        message += f", and its steps are of {panel.frequency.name}{more}"
        help = 'add the missing rows; `gaps = "ignore"` takes rows for consecutive steps whatever their times'
        faults.add("SN557", message, "time", help=help)

    def complete(
        self,
        series: OneSeries,
        lines: NDArray[np.int64],
        columns: Sequence[tuple[SeriesColumn, int, tuple[str | int, ...]]],
        faults: Collector,
    ) -> None:
        """Fill in missing values as the document says; note the first that is left in each column."""
        panel, seen = self.panel, series.values[: series.steps]
        if not series.steps:
            faults.add("SN511", f"{panel.title(series)} has no value of its target", *columns[0][2])
        if self.settings.missing == "forward":
            for values in seen.T:
                last = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
                values[:] = values[last]
        for place, (column, _, key) in enumerate(columns):
            # Of the future, nothing else is known.
            values = series.values[:, place] if column.role == "known" else seen[:, place]
            wrong = np.flatnonzero(np.isnan(values))
            if not len(wrong):
                continue
            name = f"`{clipped(column.name)}`" if panel.quotable else f"a {column.role} column"
            more = f", the first of {counted(len(wrong), 'such row')}" if len(wrong) > 1 else ""
            message = f"{panel.title(series)} has no value of {name} in {self.where(lines[wrong[0]])}{more}"
            help = '`missing = "forward"` repeats the last value before it'
            if self.settings.missing == "forward":
                help = "there is none before it to repeat"
            faults.add("SN511", message, *key, help=help)
