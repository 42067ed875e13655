"""Forecasts of series, from a model that was trained on windows of such."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data import Encoding, Split
from specnet.data.collector import Collector
from specnet.data.files import DataContext, FilePlace
from specnet.data.formats.series import SeriesFormat
from specnet.data.new_rows import LabelledRows
from specnet.data.series.dates import Frequency
from specnet.data.series.scaling import SeriesScales
from specnet.data.series.source import window_rows
from specnet.data.series.windows import SeriesWindows, cuts, find_windows
from specnet.data.tables.frames import is_frame
from specnet.diagnostics.text import counted
from specnet.model.fitted import FittedModel
from specnet.model.forecast import Forecast
from specnet.model.labelled import labelled_split
from specnet.model.scoring import scored, together

if TYPE_CHECKING:
    from specnet.data.series.panel import OneSeries, SeriesPanel

Array = np.ndarray[Any, Any]


class Forecaster:
    """The series of a file or a frame, to be forecast by a model.

    Raises SpecError with all that is wrong with them, and ValueError for a model that was not trained on series, or has
    several outputs.
    """

    def __init__(
        self, model: FittedModel, encoding: Encoding | None, data: Any, name: str | None = None
    ) -> None:
        if encoding is None or encoding.series is None or not isinstance(encoding.format, SeriesFormat):
            raise ValueError(
                'the model was not trained on data of `type = "series"`: it has nothing to forecast'
            )
        if model.network.several:
            raise ValueError("the model has several outputs, and forecasts are those of one")
        self.model, self.encoding, self.settings = model, encoding, encoding.format
        self.collector = Collector(())
        with self.collector.limited():
            self.panel: SeriesPanel = self._read(data, name)
        self.scales: SeriesScales = encoding.series.of(self.settings, self.panel)

    def _read(self, data: Any, name: str | None) -> SeriesPanel:
        if is_frame(data):
            return self.settings.frame_panel(data, self.collector)
        if not isinstance(data, (str, PathLike)):
            raise TypeError("series are the path of a file, or a pandas or Polars frame")
        context = DataContext(Path(), self.collector)
        path = context.find(fspath(data))
        place = FilePlace(path, name or fspath(data), (), context)
        return self.settings.panel(self.settings.table(place))

    def forecast(self) -> Forecast:
        """Return the `horizon` steps after the last one of each series."""
        lookback, series = self.settings.lookback, self.panel.series
        with self.collector.limited():
            with self.collector.together() as faults:
                for each in series:
                    self._check(each, lookback, faults)
            times = tuple(self._ahead(each) for each in series)
        starts = np.array([each.steps - lookback for each in series])
        return self._made(np.arange(len(series)), starts, times)

    def origins(
        self, count: int, step: int
    ) -> tuple[dict[str, Forecast], dict[str, Split], dict[str, float]]:
        """Return forecasts from so many origins, `step` steps apart, and their windows as splits.

        The last one forecasts the last steps of each series. Also returned are the mean absolute errors of the seasonal
        naive forecast, all of them by origin, and of `all` together.
        """
        settings, series = self.settings, self.panel.series
        needed = settings.lookback + settings.horizon + (count - 1) * step
        with self.collector.limited(), self.collector.together() as faults:
            for each in series:
                self._check(each, needed, faults, future=False)
        forecasts: dict[str, Forecast] = {}
        splits: dict[str, Split] = {}
        errors: dict[str, Array] = {}
        own = np.arange(len(series))
        ends = np.array([each.steps - settings.horizon for each in series])
        firsts = [ends - (count - 1 - number) * step for number in range(count)]
        for number, first in enumerate(firsts):
            made = self.of_windows(own, first - settings.lookback)
            starts = {row[0] for row in made.times}
            name = str(made.times[0][0]) if len(starts) == 1 else f"origin {number + 1}"
            forecasts[name], actual = made, made.actual
            assert actual is not None
            splits[name] = self._split(own, first - settings.lookback)
            errors[name] = np.abs(self._naive(first) - actual)
        splits["all"] = self._split(np.tile(own, count), np.concatenate(firsts) - settings.lookback)
        naive = {name: float(own.mean()) for name, own in errors.items()}
        return forecasts, splits, {**naive, "all": float(np.mean(list(errors.values())))}

    def windows_of(self, split: str) -> SeriesWindows:
        """Return the windows of a split of the training data, which these series must be, in the order of its rows."""
        with self.collector.limited(), self.collector.together() as faults:
            where = cuts(self.settings, self.panel, faults)
            found = find_windows(self.settings, self.panel, where, faults)
        own = found.parts[split]
        return SeriesWindows(found.series[own], found.starts[own], {})

    def of_windows(self, series: Array, starts: Array) -> Forecast:
        """Return the forecasts of windows that begin at some steps of some series, with their targets."""
        settings, targets = self.settings, self.panel.of("target")
        each = [self.panel.series[index] for index in series]
        first = starts + settings.lookback
        steps = [slice(at, at + settings.horizon) for at in first]
        times = tuple(self._shown(own.times[at]) for own, at in zip(each, steps, strict=True))
        actual = np.stack([own.values[at][:, targets] for own, at in zip(each, steps, strict=True)])
        return self._made(series, starts, times, actual)

    def _check(self, series: OneSeries, needed: int, faults: Collector, *, future: bool = True) -> None:
        """Note a series that is too short, or of which too little is known ahead."""
        title, settings = self.panel.title(series), self.settings
        if series.steps < needed:
            what = "a forecast looks back at" if future else "a backtest takes"
            message = f"{title} has {counted(series.steps, 'step')}, and {what} {needed}"
            faults.add("SN558", message, help=None if future else "fewer origins take fewer steps")
        ahead = len(series.times) - series.steps
        if future and settings.known and ahead < settings.horizon:
            message = (
                f"{title} has {counted(ahead, 'row')} after its last target, and a forecast takes {settings.horizon} "
                "with what is known ahead"
            )
            faults.add("SN511", message, help="add rows with the known columns, and without a target")
        if future and self.panel.dated and self.panel.frequency is None and not ahead:
            faults.add("SN557", f"{title} has one time, which does not say when the next one is")

    def _ahead(self, series: OneSeries) -> tuple[Any, ...]:
        """Return the times of the steps after the last one."""
        horizon, there = self.settings.horizon, series.times[series.steps :][: self.settings.horizon]
        frequency = self.panel.frequency or Frequency("number")
        last = there[-1] if len(there) else series.times[series.steps - 1]
        return self._shown(np.concatenate([there, frequency.after(last, horizon - len(there))]))

    def _shown(self, times: Array) -> tuple[Any, ...]:
        if self.panel.dated:
            return tuple(self.panel.shown(time) for time in times)
        return tuple(int(time) if float(time).is_integer() else float(time) for time in times)

    def _windows(self, series: Array, starts: Array) -> LabelledRows:
        windows = SeriesWindows(series.astype(np.int64), starts.astype(np.int64), {})
        inputs, targets = window_rows(self.settings, self.panel, windows, self.scales)
        return LabelledRows(inputs, targets, None, self.scales.rows(windows.series, self.panel.of("target")))

    def _split(self, series: Array, starts: Array) -> Split:
        return labelled_split(self.model.network, self.encoding, self._windows(series, starts))

    def _made(
        self, series: Array, starts: Array, times: tuple[tuple[Any, ...], ...], actual: Array | None = None
    ) -> Forecast:
        """Return the forecasts of windows of some series."""
        settings, output = self.settings, self.model.network.outputs[""]
        rows = self._windows(series, starts)
        with self.collector.limited():
            inputs = self.encoding.run(rows.inputs, "the series", self.collector)
        count, width = len(series), len(settings.targets_of)
        own = together(scored(self.model, Split(inputs, np.zeros((count, *output.target_shape)))))[""]
        scales = rows.scales
        assert scales is not None

        def in_units(made: Array) -> Array:
            made = made.reshape(count, *output.target_shape)
            if output.in_units:
                way = self.model.way_back(output)
                made = made if way is None else way.invert(made)
            found = made.astype(np.float64).reshape(count, settings.horizon, width)
            return found * scales[:, None, 1] + scales[:, None, 0] if output.in_units else found

        levels: Sequence[float] = getattr(output.loss, "quantiles", ())
        each = np.sort(own.logits.reshape(count, -1, len(levels)), axis=-1) if levels else None
        return Forecast(
            tuple(self.panel.series[i].id for i in series),
            times,
            tuple(self.panel.columns[i].name for i in self.panel.of("target")),
            in_units(own.predictions),
            {} if each is None else {level: in_units(each[..., i]) for i, level in enumerate(levels)},
            None if settings.series is None else str(settings.series),
            None if settings.time is None else str(settings.time),
            actual,
        )

    def _naive(self, first: Array) -> Array:
        """Return the seasonal naive forecasts (series, horizon, targets) from the steps before the first ones."""
        found, targets = [], self.panel.of("target")
        for series, at in zip(self.panel.series, first.tolist(), strict=True):
            season = min(self.settings.season, at)
            places = at - season + np.arange(self.settings.horizon) % season
            found.append(series.values[places][:, targets])
        return np.stack(found)
