"""Series that were opened: one array of all steps, and the windows in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from specnet.data.arrays.windows import WindowRows
from specnet.data.collector import Collector
from specnet.data.new_rows import LabelledRows
from specnet.data.sample import Sample
from specnet.data.series.scaling import SeriesScales
from specnet.data.series.windows import Cuts, SeriesWindows, cuts, feature_names, find_windows, step_features
from specnet.data.signature import DataDescription
from specnet.data.source import DataPart, DataSource
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.new_rows import KnownRows
    from specnet.data.series.panel import SeriesPanel
    from specnet.data.series.settings import SeriesSettings
    from specnet.data.transform import Transform


@dataclass
class SeriesSource(DataSource):
    """Series, read and checked, and the windows that belong to the splits."""

    settings: SeriesSettings
    panel: SeriesPanel
    windows: SeriesWindows
    scales: SeriesScales
    description: DataDescription = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        count = len(settings.roles["target"])
        width = len(feature_names(settings, self.panel))
        target = (settings.horizon,) if count == 1 else (settings.horizon, count)
        steps = sum(each.steps for each in self.panel.series)
        self.description = DataDescription(
            (settings.lookback, width),
            target,
            {name: len(own) for name, own in self.windows.parts.items()},
            batches=("inputs", "targets"),
            held=8 * steps * (width + count),
            scaled=True,
        )

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the windows of each split as views of one array."""
        inputs, targets = window_rows(self.settings, self.panel, self.windows, self.scales)
        scales = self.scales.rows(self.windows.series, self.panel.of("target"))
        return {
            name: DataPart(_chosen(inputs, own), _chosen(targets, own), None, scales[own])
            for name, own in self.windows.parts.items()
        }

    def series(self) -> SeriesScales:
        """Return what is known of each series."""
        return self.scales

    def steps(self) -> dict[Literal["inputs", "targets"], list[Transform]]:
        """Return the scales that all series share, as transforms."""
        return self.scales.transforms(self.panel, self.description.inputs[-1])

    def samples(self) -> dict[str, Sample]:
        """Return nothing: windows are no rows of a table."""
        return {}


def open_series(settings: SeriesSettings, panel: SeriesPanel, collector: Collector) -> SeriesSource:
    """Return the source of a panel; raise SpecError where it has no windows for a split."""
    with collector.together() as faults:
        where = cuts(settings, panel, faults)
    with collector.together() as faults:
        windows = find_windows(settings, panel, where, faults)
        _check_season(settings, panel, where, faults)
    return SeriesSource(settings, panel, windows, SeriesScales.fit(settings, panel, where))


def _check_season(settings: SeriesSettings, panel: SeriesPanel, where: Cuts, collector: Collector) -> None:
    """Note a season that no series has before the held-out times: no naive forecast repeats it there."""
    seen = max(int((each.times[: each.steps] < where.end_of_training).sum()) for each in panel.series)
    if settings.season >= seen and not collector.found:
        what = "the series has" if len(panel.series) == 1 else "the longest series has"
        message = (
            f"`season` is {counted(settings.season, 'step')}, and {what} {seen:,} before the held-out ones"
        )
        collector.add(
            "SN558", message, "season", help="a season is the number of steps after which a pattern repeats"
        )


def window_rows(
    settings: SeriesSettings, panel: SeriesPanel, windows: SeriesWindows, scales: SeriesScales
) -> tuple[WindowRows, WindowRows]:
    """Return the inputs and the targets of windows, as views of one array each."""
    targets = panel.of("target")
    inputs, aimed = [], []
    for index, series in enumerate(panel.series):
        values = scales.scaled(index, series.values)
        inputs.append(step_features(settings, panel, series, values))
        aimed.append(values[: series.steps, targets])
    ends = np.cumsum([0, *(each.steps for each in panel.series)])
    starts = windows.rows(ends[:-1])
    below = np.concatenate(aimed)
    return (
        WindowRows(np.concatenate(inputs), settings.lookback, starts),
        WindowRows(
            below[:, 0].copy() if len(targets) == 1 else below, settings.horizon, starts + settings.lookback
        ),
    )


def _chosen(rows: WindowRows, own: NDArray[np.intp]) -> WindowRows:
    return WindowRows(rows.array, rows.length, np.asarray(rows.starts)[own])


def labelled_windows(
    settings: SeriesSettings, known: KnownRows, panel: SeriesPanel, collector: Collector
) -> LabelledRows:
    """Return all windows of other series, with their targets, and with what is known of the series."""
    assert known.series is not None
    with collector.together() as faults:
        windows = find_windows(settings, panel, Cuts((("train", -np.inf),)), faults)
    scales = known.series.of(settings, panel)
    inputs, targets = window_rows(settings, panel, windows, scales)
    rows = scales.rows(windows.series, panel.of("target"))
    return LabelledRows(inputs, targets, None, rows)
