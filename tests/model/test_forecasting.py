"""Forecasts and backtests of series, against networks whose forecasts are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.model.forecast import Forecast
from tests.support.series import DAYS, SERIES, spec, table


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "s.csv"
    path.write_text(table())
    return path


@pytest.mark.parametrize("scale", ["none", "standardize", "minmax"])
@pytest.mark.parametrize("by", ["series", "together"])
def test_a_forecast_is_in_the_units_of_the_data(file: Path, scale: str, by: str) -> None:
    more = {} if scale == "none" else {"scale_by": by}
    made = specnet.compile(spec(file, scale=scale, **more)).forecast(file)
    assert made.series == ("a", "b")
    assert made.columns == ("id", "date", "y")
    assert [row[1] for row in list(made.rows())[:3]] == ["2024-03-01", "2024-03-02", "2024-03-03"]
    wanted = np.array([[SERIES["a"][-1]] * 3, [SERIES["b"][-1]] * 3])
    np.testing.assert_allclose(made.values[..., 0], wanted, rtol=1e-9)
    assert len(made) == 6


def test_metrics_are_in_the_units_of_the_data(file: Path) -> None:
    model = specnet.compile(spec(file))
    found = model.evaluate(file).splits["data"]
    errors = {
        name: np.stack([np.abs(of[i + 1 : i + 4] - of[i]) for i in range(3, 57)])
        for name, of in SERIES.items()
    }
    assert found["mae"] == pytest.approx(np.mean([each.mean() for each in errors.values()]), rel=1e-9)
    # The seasonal naive forecast of `b` is right, so it has no scaled error.
    naive = np.abs(SERIES["a"][:50][7:] - SERIES["a"][:50][:-7]).mean()
    assert found["mase"] == pytest.approx(errors["a"].mean() / naive, rel=1e-9)


def test_a_frame_is_forecast_as_its_file(file: Path) -> None:
    pd = pytest.importorskip("pandas")
    model = specnet.compile(spec(file))
    frame = pd.read_csv(file, parse_dates=["date"])
    wanted, made = model.forecast(file), model.forecast(frame)
    assert list(made.rows()) == list(wanted.rows())


@pytest.mark.parametrize("factors", [[0.9, 1.0, 1.1], [1.0, 1.1, 0.9]])
def test_quantiles_are_forecast_in_the_units_of_the_data(file: Path, factors: list[float]) -> None:
    document = spec(file)
    kernel = np.zeros((4, 9))
    kernel[3] = factors * 3  # those of the second case cross, and are sorted
    document["layers"][1] |= {"units": "auto", "kernel_init": {"type": "constant", "value": kernel.tolist()}}
    document["loss"] = {"type": "quantile", "quantiles": [0.1, 0.5, 0.9]}
    document["metrics"] = ["mae", "wql", "quantile_coverage"]
    model = specnet.compile(document)
    made = model.forecast(file)
    past = SERIES["a"][:50]
    last = (SERIES["a"][-1] - past.mean()) / past.std()
    for level, factor in ((0.1, 0.9), (0.5, 1.0), (0.9, 1.1)):
        np.testing.assert_allclose(made.quantiles[level][0, :, 0], factor * last * past.std() + past.mean())
    np.testing.assert_array_equal(made.quantiles[0.5], made.values)
    assert (made.quantiles[0.1] <= made.quantiles[0.5]).all()
    assert (made.quantiles[0.5] <= made.quantiles[0.9]).all()
    assert made.columns == ("id", "date", "y", "y_0.1", "y_0.5", "y_0.9")
    found = model.backtest(file).evaluation.splits["all"]
    actual = np.stack([SERIES[name][57:] for name in "ab"])
    quantiles = np.stack([made_at(model, file).quantiles[level][..., 0] for level in (0.1, 0.5, 0.9)])
    missed = actual - quantiles
    levels = np.array([0.1, 0.5, 0.9])[:, None, None]
    losses = np.maximum(levels * missed, (levels - 1) * missed)
    assert found["wql"] == pytest.approx(2 * losses.sum() / 3 / np.abs(actual).sum(), rel=1e-9)
    inside = (actual >= quantiles[0]) & (actual <= quantiles[2])
    assert found["quantile_coverage"] == pytest.approx(inside.mean())


def made_at(model: Any, file: Path) -> Forecast:
    """The forecast of the last horizon, from a file that lacks it."""
    shorter = file.with_name("shorter.csv")
    shorter.write_text(table(count=57))
    return model.forecast(shorter)


def test_a_backtest_forecasts_from_origins_within_the_data(file: Path) -> None:
    made = specnet.compile(spec(file)).backtest(file, 3, step=2)
    assert list(made.forecasts) == ["2024-02-23", "2024-02-25", "2024-02-27"]
    everything, naive = [], []
    for back, (name, forecast) in zip((4, 2, 0), made.forecasts.items(), strict=True):
        first = 57 - back
        actual = np.stack([of[first : first + 3] for of in SERIES.values()])
        wanted = np.stack([[of[first - 1]] * 3 for of in SERIES.values()])
        np.testing.assert_allclose(forecast.values[..., 0], wanted)
        np.testing.assert_array_equal(forecast.actual[..., 0], actual)
        assert made.evaluation.splits[name]["mae"] == pytest.approx(np.abs(wanted - actual).mean())
        seasonal = np.stack([of[first - 7 : first - 4] for of in SERIES.values()])
        assert made.naive[name] == pytest.approx(np.abs(seasonal - actual).mean())
        everything.append(np.abs(wanted - actual).mean())
        naive.append(made.naive[name])
    assert made.evaluation.splits["all"]["mae"] == pytest.approx(np.mean(everything))
    assert made.naive["all"] == pytest.approx(np.mean(naive))
    assert made.evaluation.rows == {**dict.fromkeys(made.forecasts, 2), "all": 6}
    assert made.as_dict()["naive"]["all"] == {"mae": made.naive["all"]}


def test_what_is_known_ahead_comes_from_rows_without_a_target(file: Path) -> None:
    document = spec(file, known=["k"], scale="none", calendar=["weekday"])
    # The forecast of each step is what is known of the last three steps of the horizon.
    kernel = np.zeros((20, 3))
    kernel[[8, 13, 18], [0, 1, 2]] = 1.0
    document["layers"][1]["kernel_init"]["value"] = kernel.tolist()
    model = specnet.compile(document)
    with pytest.raises(specnet.SpecError, match="series `a` has 0 rows after its last target"):
        model.forecast(file)
    file.write_text(table(future=3))
    made = model.forecast(file)
    np.testing.assert_allclose(made.values[..., 0], [[0, 1, 0]] * 2)
    file.write_text(table(future=5))
    np.testing.assert_allclose(model.forecast(file).values[..., 0], [[0, 1, 0]] * 2)


def test_a_series_that_is_too_short_is_named(file: Path) -> None:
    model = specnet.compile(spec(file))
    file.write_text(table() + "\n".join(f"{DAYS[i]},c,1,0" for i in range(3)) + "\n")
    with pytest.raises(specnet.SpecError, match="series `c` has 3 steps, and a forecast looks back at 4"):
        model.forecast(file)
    with pytest.raises(specnet.SpecError, match="series `c` has 3 steps, and a backtest takes 13"):
        model.backtest(file, 3)


def test_only_models_of_series_forecast(file: Path) -> None:
    document = {
        **spec(file),
        "data": {"type": "inline", "inputs": [[1.0]], "targets": [1.0]},
        "metrics": ["mae"],
    }
    document["layers"] = [{"type": "dense", "units": 1}]
    model = specnet.compile(document)
    for call in (model.forecast, model.backtest):
        with pytest.raises(ValueError, match='not trained on data of `type = "series"`'):
            call(file)
    with pytest.raises(TypeError, match="path of a file"):
        specnet.compile(spec(file)).forecast([1.0, 2.0])
    with pytest.raises(ValueError, match="at least one origin"):
        specnet.compile(spec(file)).backtest(file, 0)


def test_mase_and_quantile_metrics_need_what_they_measure(file: Path) -> None:
    document = {**spec(file), "metrics": ["wql"]}
    (found,) = specnet.validate(document).diagnostics
    assert found.code == "SN412"
    assert found.message == "wql: it measures predicted quantiles, and mse predicts none"
    document = {
        **document,
        "data": {"type": "inline", "inputs": [[1.0]] * 9, "targets": [[1.0, 2.0, 3.0]] * 9},
    }
    document |= {"metrics": ["mase"], "layers": [{"type": "dense", "units": 3}]}
    errors = [each for each in specnet.validate(document).diagnostics if each.severity == "error"]
    assert [each.code for each in errors] == ["SN412"]
    assert "only windows of series have one" in errors[0].message


def test_a_run_and_its_file_forecast_alike(file: Path, tmp_path: Path) -> None:
    document = spec(file)
    result = specnet.run({**document, "training": {"epochs": 2}}, out=tmp_path / "run")
    wanted = list(result.model.forecast(file).rows())
    assert list(specnet.load_run(tmp_path / "run").forecast(file).rows()) == wanted
    result.model.save(tmp_path / "m.specnet")
    assert list(specnet.load_model(tmp_path / "m.specnet").forecast(file).rows()) == wanted
    assert specnet.evaluate(tmp_path / "run").splits["test"] == result.splits["test"]
