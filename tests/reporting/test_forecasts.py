"""Pictures of forecasts, against networks whose forecasts are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.data import Dataset
from specnet.model.compiled import CompiledModel
from specnet.reporting.drawing import Colours, InapplicableError
from specnet.reporting.predictions import predicted
from specnet.runs.compiling import compile_spec
from tests.support.series import DAYS, SERIES, spec, table

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from specnet.reporting.drawings.forecasts import (
    SplitForecasts,
    forecast_drawing,
    forecasts_drawing,
    forecasts_of,
)


def compiled(folder: Path, **more: Any) -> tuple[CompiledModel, Dataset]:
    (folder / "s.csv").write_text(table())
    return compile_spec(specnet.load({**spec(folder / "s.csv"), **more}))


def found(model: CompiledModel, data: Dataset, split: str = "test") -> SplitForecasts:
    made = forecasts_of(model, Path(), predicted(model, data, split)[0])
    assert made is not None
    return made


@pytest.mark.parametrize("split", ["train", "test"])
def test_windows_are_those_of_the_split_in_the_units_of_the_data(tmp_path: Path, split: str) -> None:
    model, data = compiled(tmp_path)
    made = found(model, data, split)
    for each in [*made.shown, *made.worst]:
        values, day = SERIES[each.series], int(np.flatnonzero(np.datetime64(each.begins) == DAYS)[0])
        assert (day >= 50) == (split == "test")
        # The network repeats the last value.
        np.testing.assert_allclose(each.forecast, values[day - 1], rtol=1e-9)
        np.testing.assert_array_equal(each.actual, values[day : day + 3])
        np.testing.assert_array_equal(each.past[1], values[day - 4 : day])
        assert each.past[0].tolist() == DAYS[day - 4 : day].astype("datetime64[us]").tolist()
        assert each.times.tolist() == DAYS[day : day + 3].astype("datetime64[us]").tolist()
        assert each.error == pytest.approx(np.abs(values[day : day + 3] - values[day - 1]).mean())
        row = data.splits[split].at(np.array([each.number - 1]))
        assert each.cost == pytest.approx(float(((model.forward(row[0]) - row[1]) ** 2).mean()), rel=1e-6)


def test_the_worst_the_median_and_the_last_window_of_each_series_are_shown(tmp_path: Path) -> None:
    model, data = compiled(tmp_path)
    made = found(model, data)
    costs = sorted((each.cost for each in made.worst), reverse=True)
    assert [each.cost for each in made.worst] == costs
    assert len(costs) == 12  # of 16 windows
    assert [each.why for each in made.shown[:2]] == ["the highest loss", "the median loss"]
    assert made.shown[0] == made.worst[0]
    last = [(each.series, each.begins) for each in made.shown if each.why == "the last window"]
    assert set(last) <= {("a", "2024-02-27"), ("b", "2024-02-27")}
    assert {each.series for each in made.shown if each.begins == "2024-02-27"} == {"a", "b"}


def test_predictions_of_series_with_scales_of_their_own_are_in_the_units_of_the_data(tmp_path: Path) -> None:
    model, data = compiled(tmp_path)
    (given,) = predicted(model, data, "test")
    wanted = np.concatenate([[values[i : i + 3] for i in range(50, 58)] for values in SERIES.values()])
    np.testing.assert_allclose(given.targets, wanted, rtol=1e-9)
    last = np.concatenate([values[49:57] for values in SERIES.values()])
    np.testing.assert_allclose(given.outputs, np.repeat(last[:, None], 3, axis=1), rtol=1e-9)


def test_of_several_targets_the_one_that_is_furthest_off_for_how_hard_it_is_is_shown(tmp_path: Path) -> None:
    lines = ["date,p,q"]
    lines += [f"{DAYS[i]},{1000 * i % 7},{float(i % 2) if i < 50 else 10.0 * i!r}" for i in range(60)]
    (tmp_path / "s.csv").write_text("\n".join(lines) + "\n")
    document = spec(tmp_path / "s.csv", series=None, target=["p", "q"], scale="none")
    del document["data"]["series"]
    zeros = {"type": "constant", "value": np.zeros((8, 6)).tolist()}
    document["layers"] = [
        {"type": "flatten"},
        {"type": "dense", "units": 6, "kernel_init": zeros},
        {"type": "reshape", "shape": [3, 2]},
    ]
    made = found(*compile_spec(specnet.load({**document, "metrics": ["mae"]})))
    assert {(each.series, each.target) for each in made.shown} == {("", "q")}
    assert made.shown[0].title == f"q from {made.shown[0].begins}"


def test_bands_lie_between_quantiles(tmp_path: Path) -> None:
    kernel = np.zeros((4, 15))
    kernel[3] = [0.8, 0.9, 1.0, 1.1, 1.2] * 3
    layers = spec(tmp_path)["layers"]
    layers[1] |= {"units": 15, "kernel_init": {"type": "constant", "value": kernel.tolist()}}
    loss = {"type": "quantile", "quantiles": [0.05, 0.25, 0.5, 0.75, 0.95]}
    model, data = compiled(tmp_path, layers=layers, loss=loss)
    worst = found(model, data).shown[0]
    assert worst.bands == [(0.05, 0.95), (0.25, 0.75)]
    figure = Figure()
    drawing = forecast_drawing(worst)
    drawing.draw(figure, Colours())
    (axes,) = figure.axes
    bands = [band.get_paths()[0].vertices[:, 1] for band in axes.collections]
    for band, (low, high) in zip(bands, worst.bands, strict=True):
        assert set(band) == {*worst.quantiles[low], *worst.quantiles[high]}
    inside = (worst.quantiles[0.05] <= worst.actual) & (worst.actual <= worst.quantiles[0.95])
    assert f"{int(inside.sum())} of 3 targets lie within the widest band" in drawing.description
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_array_equal(lines["forecast"], worst.forecast)
    np.testing.assert_array_equal(lines["target"], worst.actual)


def test_one_step_ahead_has_a_band_that_can_be_seen(tmp_path: Path) -> None:
    layers = [{"type": "flatten"}, {"type": "dense", "units": 2}]
    loss = {"type": "quantile", "quantiles": [0.1, 0.9]}
    model, data = compiled(
        tmp_path, data={**spec(tmp_path / "s.csv", horizon=1)["data"]}, layers=layers, loss=loss
    )
    figure = Figure()
    forecast_drawing(found(model, data).shown[0]).draw(figure, Colours())
    assert figure.axes[0].collections[0].get_linewidth()[0] > 0


def test_a_model_of_anything_else_has_no_forecasts() -> None:
    data = {"type": "builtin", "name": "iris"}
    document = {
        "specnet": 1,
        "data": data,
        "loss": "cross_entropy",
        "layers": [{"type": "dense", "units": 3}],
    }
    model, dataset = compile_spec(specnet.load(document))
    assert forecasts_of(model, Path(), predicted(model, dataset, "train")[0]) is None
    with pytest.raises(InapplicableError, match='type = "series"'):
        forecasts_drawing(None)
