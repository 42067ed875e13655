"""What changes with a column, and what stays as it is: targets, other columns, other outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import specnet
from specnet.analysis import permutation
from tests.support.reversing import reverse_permutations

RNG = np.random.default_rng(6)
X = RNG.normal(size=(60, 3))


@pytest.fixture
def reversing(monkeypatch: pytest.MonkeyPatch) -> None:
    reverse_permutations(monkeypatch)


def trained(data: Any, layers: list[Any], **more: Any) -> specnet.Model:
    spec = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "arrays", **more.pop("described", {})},
        "layers": layers,
        **({} if "outputs" in more else {"loss": "mse"}),
        "training": {"epochs": 20, "optimizer": {"type": "adam", "learning_rate": 0.02}},
        **more,
    }
    return specnet.run(spec, data=data).model


def changed(column: int) -> np.ndarray:
    rows = X.copy()
    rows[:, column] = X[::-1, column]
    return rows


@pytest.mark.usefixtures("reversing")
def test_inputs_that_are_targets_stay_what_they_are() -> None:
    described = {"target": "inputs", "transforms": ["standardize"]}
    model = trained(X, [{"type": "dense", "units": 3}], described=described, metrics=["mae"])
    found = specnet.permutation_importance(model, X, repeats=1)
    std = X.std(axis=0)  # such inputs are compared as the network takes them
    error = {n: np.abs((model.predict(changed(n)) - X) / std).mean() for n in range(3)}
    kept = np.abs((model.predict(X) - X) / std).mean()
    assert found.value == pytest.approx(kept)
    for each in found.columns:
        assert each.drops[0] == pytest.approx(error[int(each.column[1])] - kept)
        assert each.dependence is None


@pytest.mark.usefixtures("reversing")
def test_columns_are_permuted_one_at_a_time_in_large_splits_too() -> None:
    rows = np.tile(X, (50, 1))  # more than are evaluated at once
    targets = rows @ [1.0, -2.0, 0.5]
    model = trained((X, targets[:60]), [{"type": "dense", "units": 1}], metrics=["mae"])
    found = specnet.permutation_importance(model, (rows, targets), repeats=1)
    kept = np.abs(model.predict(rows)[:, 0] - targets).mean()
    for each in found.columns:
        n = int(each.column[1])
        other = rows.copy()
        other[:, n] = rows[::-1, n]
        drop = np.abs(model.predict(other)[:, 0] - targets).mean() - kept
        assert each.drops[0] == pytest.approx(drop)
    assert len({round(each.drops[0], 6) for each in found.columns}) == 3


def test_each_output_has_predictions_under_its_name() -> None:
    classes = (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 0)
    model = trained(
        (X, classes),
        [
            {"type": "dense", "units": 8, "activation": "relu", "name": "body"},
            {"type": "dense", "units": 3, "inputs": ["body"], "name": "kind"},
            {"type": "dense", "units": 3, "inputs": ["body"], "name": "again"},
        ],
        outputs={
            "kind": {"loss": "cross_entropy", "metrics": ["accuracy"]},
            "again": {"loss": "mse", "target": "inputs"},
        },
    )
    found = specnet.permutation_importance(model, (X, classes), repeats=2)
    assert (found.metric, found.better) == ("kind.accuracy", "higher")
    assert found.value == model.evaluate(X, classes).splits["data"]["kind.accuracy"]
    (first,) = [each.dependence for each in found.columns if each.column == "x0"]
    assert first is not None
    assert list(first.predictions) == ["kind.P(0)", "kind.P(1)", "kind.P(2)"]
    value = X.copy()
    value[:, 0] = first.values[3]
    mean = model.predict(value, output="kind").mean(axis=0)
    assert [means[3] for means in first.predictions.values()] == pytest.approx(mean.tolist())
    other = specnet.permutation_importance(model, (X, classes), metric="again.loss", repeats=1)
    assert other.better == "lower"


def test_whole_numbers_that_are_indices_stay_whole() -> None:
    codes = RNG.integers(0, 40, (60, 2))
    layers = [
        {"type": "embedding", "input_dim": 40, "output_dim": 2},
        {"type": "flatten"},
        {"type": "dense", "units": 1},
    ]
    model = trained((codes, codes[:, 0] / 40), layers)
    found = specnet.permutation_importance(model, (codes, codes[:, 0] / 40), repeats=2)
    assert found.columns[0].column == "x0"
    for each in found.columns:
        assert each.dependence is not None
        assert np.isin(each.dependence.values, codes[:, int(each.column[1])]).all()


def test_only_the_most_important_columns_have_curves_where_few_are_asked_for() -> None:
    from specnet.runs.importance import measured_run

    targets = X @ [0.0, 1.0, -2.0]
    model = trained((X, targets), [{"type": "dense", "units": 1}])
    settings = permutation.ImportanceSettings(dependences=1)
    found = measured_run(model, (X, targets)).importance(settings)
    assert [each.column for each in found.columns] == ["x2", "x1", "x0"]
    assert [each.dependence is None for each in found.columns] == [False, True, True]


def test_a_model_needs_data() -> None:
    model = trained((X, X[:, 0]), [{"type": "dense", "units": 1}])
    with pytest.raises(TypeError, match="a model does not record its training data"):
        specnet.permutation_importance(model)
