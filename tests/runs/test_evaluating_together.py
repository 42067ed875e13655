"""The loss and the metrics of the mean of several runs, compared with the textbook's formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet as package

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 3))
Y = 40.0 + 9.0 * X[:, 0] + 3.0 * RNG.normal(size=60)
KIND = (Y > 40).astype(int) + (X[:, 1] > 0.8)
NEW, NEW_Y = RNG.normal(size=(25, 3)), 40.0 + 9.0 * RNG.normal(size=25)
NEW_KIND = RNG.integers(0, 3, 25)


def on(*kinds: str) -> list[dict[str, Any]]:
    return [{"type": kind, "on": "targets"} for kind in kinds]


def document(seed: int, loss: Any, units: int, **more: Any) -> dict[str, Any]:
    return {
        "specnet": 1,
        "name": "several",
        "seed": seed,
        "dtype": "float64",
        "loss": loss,
        "data": {"type": "arrays", "split": {"validation": 0.4}, "transforms": more.pop("transforms", [])},
        "layers": [{"type": "dense", "units": 6, "activation": "tanh"}, {"type": "dense", "units": units}],
        "training": {"epochs": 3, "batch_size": 8},
        **more,
    }


class Several:
    """Runs of one document with seeds of their own."""

    def __init__(self, folder: Path, targets: Any, *arguments: Any, **more: Any) -> None:
        self.paths = [folder / str(seed) for seed in (1, 2, 3)]
        for seed, path in enumerate(self.paths):
            package.run(document(seed, *arguments, **more), data=(X, targets), out=path)
        self.mean = package.load_run(self.paths)
        assert isinstance(self.mean, package.AveragedModel)
        self.models: Any = self.mean.models

    def raw(self) -> list[Any]:
        """Return what the last layer of each gives for the new rows."""
        return [model.outputs_of("dense_2", NEW) for model in self.models]

    def scales(self) -> list[tuple[float, float]]:
        """Return the scale and the offset of each that lead back to the units of the data."""
        found = []
        for model, raw in zip(self.models, self.raw(), strict=True):
            made = model.predict(NEW).ravel()
            scale = (made[1] - made[0]) / (raw[1, 0] - raw[0, 0])
            found.append((scale, made[0] - scale * raw[0, 0]))
        return found


def figures(several: Several, targets: Any, **more: Any) -> Any:
    return several.mean.evaluate(NEW, targets, **more).splits["data"]


def test_numbers_are_measured_in_the_units_of_the_first(tmp_path: Path) -> None:
    several = Several(tmp_path, Y, "mse", 1, transforms=on("standardize"), metrics=["rmse", "r2"])
    found = several.mean.evaluate(NEW, NEW_Y)
    off = several.mean.predict(NEW).ravel() - NEW_Y
    scale = several.scales()[0][0]
    assert found.splits["data"]["rmse"] == pytest.approx(np.sqrt(np.mean(off**2)))
    assert found.splits["data"]["r2"] == pytest.approx(
        1 - np.sum(off**2) / np.sum((NEW_Y - NEW_Y.mean()) ** 2)
    )
    assert found.splits["data"]["loss"] == pytest.approx(np.mean(off**2) / scale**2)
    alone = [model.evaluate(NEW, NEW_Y).splits["data"]["rmse"] for model in several.models]
    assert found.members["data"].count == 3
    assert found.members["data"].mean["rmse"] == pytest.approx(np.mean(alone))
    assert found.members["data"].std["rmse"] == pytest.approx(np.std(alone, ddof=1))
    assert package.evaluate(several.paths, (NEW, NEW_Y)).as_dict() == found.as_dict()
    weights = RNG.uniform(0.5, 2.0, 25)
    weighted = np.average(off**2, weights=weights)
    assert figures(several, NEW_Y, weights=weights)["rmse"] == pytest.approx(np.sqrt(weighted))


def test_curves_are_taken_forth_and_back(tmp_path: Path) -> None:
    several = Several(tmp_path, Y, "mae", 1, transforms=on("log", "standardize"))
    mean, scale = np.log(several.mean.predict(NEW).ravel()), np.log(Y)
    first = np.log(several.models[0].predict(NEW).ravel())
    raw = several.raw()[0].ravel()
    scale = (first[1] - first[0]) / (raw[1] - raw[0])
    truth = np.abs(NEW_Y) + 1
    assert figures(several, truth)["loss"] == pytest.approx(np.mean(np.abs(mean - np.log(truth))) / scale)


def test_normal_distributions_are_those_of_the_mixture(tmp_path: Path) -> None:
    loss = {"type": "gaussian_nll", "full": True, "epsilon": 1e-12}
    several = Several(tmp_path, Y, loss, 2, transforms=on("standardize"))
    raws, scales = several.raw(), several.scales()
    means = np.array([raw[:, 0] * scale + offset for raw, (scale, offset) in zip(raws, scales, strict=True)])
    variances = np.array([np.exp(raw[:, 1]) * scale**2 for raw, (scale, _) in zip(raws, scales, strict=True)])
    mean = means.mean(axis=0)
    # The law of total variance.
    variance = variances.mean(axis=0) + means.var(axis=0)
    expected = 0.5 * np.mean(np.log(2 * np.pi * variance) + (NEW_Y - mean) ** 2 / variance)
    found = figures(several, NEW_Y)
    assert found["loss"] + np.log(scales[0][0]) == pytest.approx(expected)
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((mean - NEW_Y) ** 2)))


def test_quantiles_are_averaged_by_their_rank(tmp_path: Path) -> None:
    levels = [0.1, 0.5, 0.9]
    several = Several(tmp_path, Y, {"type": "quantile", "quantiles": levels}, 3, transforms=on("standardize"))
    scales = []
    for model, raw in zip(several.models, several.raw(), strict=True):
        middle, made = np.sort(raw, axis=1)[:, 1], model.predict(NEW).ravel()
        scale = (made[1] - made[0]) / (middle[1] - middle[0])
        scales.append((scale, made[0] - scale * middle[0]))
    each = [np.sort(raw, axis=1) * a + b for raw, (a, b) in zip(several.raw(), scales, strict=True)]
    off = NEW_Y[:, None] - np.mean(each, axis=0)
    expected = np.mean(np.maximum(off * levels, off * (np.array(levels) - 1)))
    assert figures(several, NEW_Y)["loss"] * scales[0][0] == pytest.approx(expected)


def test_probabilities_are_judged_by_their_mean(tmp_path: Path) -> None:
    several = Several(tmp_path / "classes", KIND, "cross_entropy", 3, metrics=["accuracy", "confusion"])
    made = several.mean.predict(NEW)
    found = figures(several, NEW_KIND)
    assert found["loss"] == pytest.approx(-np.log(made[np.arange(25), NEW_KIND]).mean())
    assert found["accuracy"] == pytest.approx((made.argmax(axis=1) == NEW_KIND).mean())
    assert np.sum(found["confusion"]) == 25
    output = {"calibration": "isotonic"}
    several = Several(tmp_path / "calibrated", KIND, "cross_entropy", 3, output=output)
    made = several.mean.predict(NEW)
    assert figures(several, NEW_KIND)["accuracy"] == pytest.approx((made.argmax(axis=1) == NEW_KIND).mean())
    yes = NEW_KIND == 1
    threshold = {"threshold": "f1"}
    several = Several(
        tmp_path / "yes", KIND == 1, "binary_cross_entropy", 1, output=threshold, metrics=["accuracy"]
    )
    made = several.mean.predict(NEW).ravel()
    assert figures(several, yes)["loss"] == pytest.approx(-np.log(np.where(yes, made, 1 - made)).mean())
    decided = made >= several.mean.thresholds["prediction"]
    assert figures(several, yes)["accuracy"] == pytest.approx((decided == yes).mean())


def test_rates_are_averaged(tmp_path: Path) -> None:
    several = Several(tmp_path, KIND, "poisson", 1)
    made = several.mean.predict(NEW).ravel()
    truth = NEW_KIND.astype(float)
    assert figures(several, truth)["loss"] == pytest.approx(np.mean(made - truth * np.log(made)))


ALIKE = [
    ("mse", 1, {"transforms": on("log", "standardize")}, Y),
    ({"type": "gaussian_nll"}, 2, {"transforms": on("log", "standardize")}, Y),
    ({"type": "quantile", "quantiles": [0.2, 0.7]}, 2, {"transforms": on("log")}, Y),
    ("cross_entropy", 3, {"output": {"calibration": "temperature"}}, KIND),
    ("focal", 3, {}, KIND),
    ("hinge", 1, {}, KIND == 1),
    ("poisson", 1, {}, KIND),
]


@pytest.mark.parametrize(("loss", "units", "more", "targets"), ALIKE)
def test_the_mean_of_equal_models_is_each_of_them(
    tmp_path: Path, loss: Any, units: int, more: dict[str, Any], targets: Any
) -> None:
    layers = [
        {
            "type": "dense",
            "units": 6,
            "activation": "tanh",
            "kernel_regularizer": {"type": "l2", "factor": 0.1},
        },
        {"type": "dense", "units": units},
    ]
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        package.run(document(1, loss, units, **{**more, "layers": layers}), data=(X, targets), out=path)
    found = package.evaluate(paths, (X, targets))
    alone = package.evaluate(paths[0], (X, targets)).splits["data"]
    assert found.splits["data"].keys() == alone.keys()
    for name, value in alone.items():
        if name == "loss" and "quantiles" in loss:
            # Quantiles that cross are put in order before their mean is taken, as they are where they are predicted.
            assert found.splits["data"][name] <= value
        else:
            assert found.splits["data"][name] == pytest.approx(value, rel=1e-9)
        assert found.members["data"].std[name] == 0


def test_padded_sequences_are_judged_step_by_step(tmp_path: Path) -> None:
    steps = [np.array(RNG.integers(1, 5, RNG.integers(2, 7))) for _ in range(20)]
    rows = np.zeros((20, 6), int)
    for row, own in zip(rows, steps, strict=True):
        row[: len(own)] = own
    layers = [
        {"type": "embedding", "input_dim": 5, "output_dim": 3, "padding_index": 0},
        {"type": "dense", "units": 5},
    ]
    paths = [tmp_path / str(seed) for seed in (1, 2)]
    for seed, path in enumerate(paths):
        asked = {**document(seed, "cross_entropy", 5), "layers": layers}
        package.run(asked, data=(rows, rows), out=path)
    found = package.evaluate(paths, (rows, rows)).splits["data"]
    made = package.load_run(paths).predict(rows)
    there = rows > 0
    own = np.take_along_axis(made, rows[..., None], axis=2)[..., 0]
    assert found["loss"] == pytest.approx(-np.log(own[there]).mean())
    assert found["accuracy"] == pytest.approx((made.argmax(axis=2) == rows)[there].mean())


def test_what_has_no_loss_of_the_mean_is_refused(tmp_path: Path) -> None:
    losses: list[tuple[Any, int]] = [
        ("gaussian_nll", 2),
        ("mse", 1),
        ({"type": "quantile", "quantiles": [0.5]}, 1),
    ]
    paths = [tmp_path / str(n) for n in range(3)]
    for (loss, units), path in zip(losses, paths, strict=True):
        package.run(document(1, loss, units), data=(X, Y), out=path)
    message = (
        "`gaussian_nll`, the loss of the first, judges variances, and model 2, whose loss is `mse`, predicts"
    )
    with pytest.raises(package.RunError, match=message):
        package.evaluate(paths[:2], (NEW, NEW_Y))
    with pytest.raises(package.RunError, match="judges the quantiles"):
        package.evaluate([paths[2], paths[1]], (NEW, NEW_Y))
    made = package.load_run(paths[1::-1]).predict(NEW).ravel()
    found = package.evaluate(paths[1::-1], (NEW, NEW_Y)).splits["data"]
    assert found["loss"] == pytest.approx(np.mean((made - NEW_Y) ** 2))
    with pytest.raises(package.RunError, match="2 runs have no data in common: name the data"):
        package.evaluate(paths[:2])


def test_intervals_hold_those_of_each_run(tmp_path: Path) -> None:
    several = Several(tmp_path, Y, "mse", 1, transforms=on("standardize"), output={"intervals": 0.8})
    each = [model.predict_intervals(NEW) for model in several.models]
    found = several.mean.predict_intervals(NEW)
    np.testing.assert_allclose(found.lower, np.min([own.lower for own in each], axis=0))
    np.testing.assert_allclose(found.upper, np.max([own.upper for own in each], axis=0))
    np.testing.assert_allclose(found.predictions, several.mean.predict(NEW))
    inside = (found.lower.ravel() <= NEW_Y) & (found.upper.ravel() >= NEW_Y)
    own = figures(several, NEW_Y)
    assert own["coverage"] == pytest.approx(inside.mean())
    assert own["width"] == pytest.approx((found.upper - found.lower).mean())
    # Each covers what it covers alone, and as the runs differ more.
    assert own["coverage"] >= max(
        model.evaluate(NEW, NEW_Y).splits["data"]["coverage"] for model in several.models
    )
