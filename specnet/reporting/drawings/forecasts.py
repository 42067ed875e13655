"""Forecasts of some windows of a split, beside what came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from specnet.data.collector import Collector
from specnet.data.files import DataContext
from specnet.data.formats.series import SeriesFormat
from specnet.data.series.windows import SeriesWindows
from specnet.model.compiled import CompiledModel
from specnet.model.forecasting import Forecaster
from specnet.reporting.drawing import Colours, Drawing, InapplicableError, label, plain_axes
from specnet.reporting.predictions import Predicted
from specnet.runs.extras import needed

Array = np.ndarray[Any, Any]

WORST = 12
"""Windows listed as those with the highest loss."""

RECENT = 4
"""Series whose last window is drawn."""

HISTORY, LEAST_HISTORY = 4, 30
"""The maximum number of steps drawn before the first one that is forecast: so many horizons, but not fewer than so many
steps."""


MARKED = 30
"""The steps of a horizon up to which each is marked."""


@dataclass(frozen=True, slots=True)
class ForecastWindow:
    """The forecast of one target in one window."""

    series: str
    """The id of its series; empty where the data have one series."""
    target: str
    begins: str
    """The time of the first step that is forecast."""
    past: tuple[Array, Array]
    """The times of the last steps that the model sees, and their values."""
    times: Array
    """(horizon,) dates or numbers."""
    actual: Array
    """(horizon,)."""
    forecast: Array
    """(horizon,)."""
    quantiles: Mapping[float, Array]
    """(horizon,) each."""
    number: int = 0
    """The row of the window in its split, from 1."""
    cost: float = 0.0
    """The loss of the window, with all targets."""
    why: str = ""
    """What distinguishes the window."""

    @property
    def error(self) -> float:
        """The mean absolute error of the forecast."""
        return float(np.abs(self.forecast - self.actual).mean())

    @property
    def bands(self) -> list[tuple[float, float]]:
        """The quantiles between which there is a band, the widest first."""
        levels = sorted(self.quantiles)
        return list(zip(levels[: len(levels) // 2], reversed(levels), strict=False))

    @property
    def title(self) -> str:
        """The series, if there are several, and the target with the time at which the forecast begins."""
        return f"{self.series + ': ' if self.series else ''}{self.target} from {self.begins}"


@dataclass(frozen=True, slots=True)
class SplitForecasts:
    """The windows of a split that are shown, and those that are forecast worst."""

    shown: tuple[ForecastWindow, ...]
    worst: tuple[ForecastWindow, ...]


def forecasts_of(model: CompiledModel, base: Path, given: Predicted) -> SplitForecasts | None:
    """Return forecasts of windows of a split; None for a model of anything but series, or with several outputs.

    `base` is the folder in which the document finds its data, and `given` has the loss of each window. Shown are the
    worst window, the one with the median loss, and the last one of some series.
    """
    encoding = model.encoding
    if encoding is None or not isinstance(encoding.format, SeriesFormat) or model.network.several:
        return None
    path = DataContext(base, Collector(())).find(encoding.format.path)
    source = Forecaster(model, encoding, path)
    windows = source.windows_of(given.split)
    own = SeriesWindows(windows.series[given.rows], windows.starts[given.rows], {})
    order = np.argsort(-np.nan_to_num(given.costs, nan=np.inf), kind="stable")
    why = dict.fromkeys(_last(own), "the last window")
    why |= {int(order[len(order) // 2]): "the median loss", int(order[0]): "the highest loss"}
    worst = order[:WORST].tolist()
    places = list(dict.fromkeys([*reversed(why), *worst]))
    rows = SeriesWindows(own.series[places], own.starts[places], {})
    found = {
        place: replace(
            each, number=int(given.rows[place]) + 1, cost=float(given.costs[place]), why=why.get(place, "")
        )
        for place, each in zip(places, _forecast(source, rows), strict=True)
    }
    return SplitForecasts(
        tuple(found[place] for place in reversed(why)), tuple(found[place] for place in worst)
    )


def _last(windows: SeriesWindows) -> list[int]:
    """Return the places of the last windows of some series, spread evenly, the first series last."""
    owners = np.unique(windows.series)
    chosen = owners[np.linspace(0, len(owners) - 1, min(RECENT, len(owners))).astype(np.intp)]
    ends = [np.where(windows.series == owner, windows.starts, -1).argmax() for owner in chosen]
    return [int(end) for end in reversed(ends)]


def _forecast(source: Forecaster, windows: SeriesWindows) -> Iterator[ForecastWindow]:
    """Yield the forecast of each window: of several targets, the one that is furthest off for how hard it is."""
    settings, panel = source.settings, source.panel
    made, targets = source.of_windows(windows.series, windows.starts), panel.of("target")
    assert made.actual is not None
    naive = source.scales.naive[windows.series]
    errors = np.abs(made.values - made.actual).mean(axis=1) / np.where(naive > 0, naive, 1.0)
    for n, worst in enumerate(errors.argmax(axis=1).tolist()):
        series, start = panel.series[windows.series[n]], int(windows.starts[n])
        begin = start + settings.lookback
        seen = slice(max(start, begin - max(HISTORY * settings.horizon, LEAST_HISTORY)), begin)
        ahead = slice(begin, begin + settings.horizon)
        times = series.times.astype("datetime64[us]") if panel.dated else series.times
        yield ForecastWindow(
            series.id if panel.named else "",
            made.targets[worst],
            str(made.times[n][0]),
            (times[seen], series.values[seen, targets[worst]]),
            times[ahead],
            made.actual[n, :, worst],
            made.values[n, :, worst],
            {level: values[n, :, worst] for level, values in made.quantiles.items()},
        )


def forecast_drawing(given: ForecastWindow) -> Drawing:
    """Return a forecast beside the targets, after the last steps that the model sees."""
    title = f"{given.title}: {given.why} (loss {given.cost:.4g})"

    def draw(figure: Any, colours: Colours) -> None:
        axes = plain_axes(figure, colours)
        _panel(axes, given, colours)
        _legend(figure, axes, colours)

    return Drawing(title, f"Forecast of {title}. {_in_words(given)}", draw)


def forecasts_drawing(found: SplitForecasts | None) -> Drawing:
    """Return the forecasts that are shown, one below the other.

    Raises InapplicableError for a run that forecasts nothing.
    """
    if found is None:
        raise InapplicableError('forecasts are those of a model with one output on `type = "series"`')
    shown = found.shown

    def draw(figure: Any, colours: Colours) -> None:
        every = figure.subplots(len(shown), squeeze=False)[:, 0]
        for axes, each in zip(every, shown, strict=True):
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color=colours.ink, alpha=0.12, linewidth=0.6)
            _panel(axes, each, colours)
            title = f"{label(each.title, 60)}: {each.why}"
            axes.set_title(title, color=colours.ink, loc="left")
        _legend(figure, every[0], colours)

    words = " ".join(f"{each.title}, {each.why}: {_in_words(each)}" for each in shown)
    return Drawing("Forecasts", words, draw, (8.0, 0.6 + 2.2 * len(shown)))


def _in_words(given: ForecastWindow) -> str:
    words = f"The mean absolute error is {given.error:.4g}"
    if given.bands:
        low, high = given.bands[0]
        inside = (given.quantiles[low] <= given.actual) & (given.actual <= given.quantiles[high])
        words += f", and {int(inside.sum())} of {len(inside)} targets lie within the widest band"
    return f"{words}."


def _panel(axes: Any, given: ForecastWindow, colours: Colours) -> None:
    past, values = given.past
    for low, high in given.bands:
        ends = given.quantiles[low], given.quantiles[high]
        # The band of a single step is a line.
        wide = {"linewidth": 6.0 if len(given.times) == 1 else 0.0}
        axes.fill_between(
            given.times, *ends, color=colours.train, alpha=0.22, label=f"{low:g} to {high:g}", **wide
        )
    # The line continues to the first target, so that there is no hole in what came.
    axes.plot(
        np.concatenate([past, given.times[:1]]),
        np.concatenate([values, given.actual[:1]]),
        color=colours.ink,
        linewidth=1,
        label="seen",
    )
    size = 3 if len(given.times) <= MARKED else 0
    lines: dict[str, Any] = {"markersize": size, "linewidth": 1}
    axes.plot(given.times, given.actual, "-o", color=colours.ink, label="target", **lines)
    axes.plot(given.times, given.forecast, "--s", color=colours.train, label="forecast", **lines)
    axes.axvline(past[-1], color=colours.ink, linewidth=1, linestyle=":")
    axes.set_ylabel(label(given.target))
    if np.issubdtype(given.times.dtype, np.datetime64):
        dates = needed("matplotlib.dates", "report", "drawing")
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(axes.xaxis.get_major_locator()))


def _legend(figure: Any, axes: Any, colours: Colours) -> None:
    """Put the legend above the plots, where it hides nothing."""
    handles, names = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        loc="outside upper center",
        ncols=len(names),
        frameon=False,
        labelcolor=colours.ink,
        fontsize=8,
        columnspacing=1.2,
        handlelength=1.6,
    )
