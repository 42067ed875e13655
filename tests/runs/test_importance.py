"""Permutation importance and partial dependence of saved runs, against scikit-learn's on the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error

import specnet
from specnet.analysis import permutation
from specnet.analysis.permutation import ImportanceSettings
from specnet.runs.importance import measured_run
from specnet.sklearn import SpecClassifier, SpecRegressor

pandas = pytest.importorskip("pandas")

N = 120
COLOURS = ["blue", "green", "red"]
FEATURES = ["size", "colour", "round", "age"]

Orders = Callable[[Any], list[np.ndarray]]


def table() -> Any:
    """Rows of numbers, categories, booleans and gaps; the importance of each column is another."""
    random = np.random.default_rng(8)
    size = random.normal(size=N)
    colour = random.integers(3, size=N)
    rounded = random.random(N) < 0.5
    score = 1.5 * size + np.array([-2.0, 0.0, 2.0])[colour] + 0.8 * rounded + random.normal(0, 0.3, N)
    frame = pandas.DataFrame(
        {
            "size": size,
            "colour": np.array(COLOURS, object)[colour],
            "round": np.where(rounded, "yes", "no"),
            "age": random.integers(20, 24, N).astype(float),
            "w": random.integers(0, 4, N) / 2,
            "kind": np.digitize(score, [-1.0, 1.0]).astype(str),
        }
    )
    frame["kind"] = frame["kind"].map({"0": "low", "1": "mid", "2": "high"})
    frame.loc[::7, "age"] = np.nan
    frame.loc[3::11, "colour"] = None
    return frame


def document(**data: Any) -> dict[str, Any]:
    columns = {
        "age": {"missing": "mean", "scale": "standardize"},
        "colour": {"missing": "most_frequent"},
        "round": {"type": "boolean"},
    }
    return {
        "specnet": 1,
        "name": "kinds",
        "dtype": "float64",
        "data": {
            "type": "csv", "path": "rows.csv", "target": "kind", "columns": columns,
            "split": {"validation": 0.2, "test": 0.3}, "transforms": [{"type": "minmax"}], **data,
        },
        "layers": [{"type": "dense", "units": 8, "activation": "tanh"}, {"type": "dense", "units": 3}],
        "loss": "cross_entropy",
        "metrics": ["confusion", "accuracy", "f1"],
        "training": {"epochs": 30, "batch_size": 16, "optimizer": {"type": "adam", "learning_rate": 0.02}},
    }  # fmt: skip


def trained(folder: Path, document: dict[str, Any]) -> Path:
    table().to_csv(folder / "rows.csv", index=False)
    (folder / "spec.json").write_text(json.dumps(document))
    specnet.run(folder / "spec.json", out=folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("unweighted"), document(exclude=["w"]))


@pytest.fixture(scope="module")
def weighted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("weighted"), document(weight="w"))


class Wrapped(ClassifierMixin, BaseEstimator):
    """A saved run as an estimator that takes frames as they are."""

    def __init__(self, run: Path | None = None) -> None:
        self.run = run

    def fit(self, X: Any, y: Any) -> Wrapped:
        self.model_ = specnet.load_run(self.run)
        self.classes_ = np.array(self.model_.classes)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.asarray(self.model_.predict(X[FEATURES]), np.float64)

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def by_scikit_learn(
    estimator: Any, X: Any, y: Any, score: Callable[..., float], key: Any, weights: Any = None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The importances (columns, repeats) that scikit-learn measures, and the permutations that it draws.

    It permutes all columns alike; `key` is one whose values are all different, from which the permutation is read.
    """
    own = (lambda x: x[key].to_numpy()) if isinstance(key, str) else (lambda x: x[:, key])
    assert len(np.unique(own(X))) == len(X)
    place = {value: n for n, value in enumerate(own(X).tolist())}
    orders: list[np.ndarray] = []

    def scorer(fitted: Any, x: Any, true: Any, sample_weight: Any = None) -> float:
        order = np.array([place[value] for value in own(x).tolist()])
        if not np.array_equal(order, np.arange(len(order))):
            orders.append(order)
        return score(fitted, x, true, sample_weight)

    given = {} if weights is None else {"sample_weight": weights}
    found = permutation_importance(estimator, X, y, scoring=scorer, n_repeats=4, random_state=5, **given)
    return found.importances, orders


class Given:
    """A generator of permutations that were drawn elsewhere."""

    def __init__(self, orders: list[np.ndarray]) -> None:
        self._orders: Iterator[np.ndarray] = iter(orders)

    def permutation(self, rows: int) -> np.ndarray:
        order = next(self._orders)
        assert len(order) == rows
        return order


@pytest.fixture
def permuted_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[np.ndarray]], None]:
    return lambda orders: monkeypatch.setattr(permutation, "stream", lambda seed, use: Given(orders))


def accuracy(fitted: Any, x: Any, true: Any, weights: Any) -> float:
    return accuracy_score(true, fitted.predict(x), sample_weight=weights)


def entropy(fitted: Any, x: Any, true: Any, weights: Any) -> float:
    return -log_loss(true, fitted.predict_proba(x), sample_weight=weights, labels=fitted.classes_)


def drops_of(found: specnet.Importance, names: list[str]) -> np.ndarray:
    by_name = {each.column: each.drops for each in found.columns}
    return np.array([by_name[name] for name in names])


@pytest.mark.parametrize(("metric", "score"), [("accuracy", accuracy), ("loss", entropy)])
def test_columns_are_as_important_as_to_scikit_learn(
    run: Path, metric: str, score: Callable[..., float], permuted_by: Callable[[list[np.ndarray]], None]
) -> None:
    rows = table()
    wanted, orders = by_scikit_learn(
        Wrapped(run).fit(None, None), rows[FEATURES], rows["kind"], score, "size"
    )
    permuted_by(orders)
    found = specnet.permutation_importance(run, rows, metric=metric, repeats=4, partial_dependence=False)
    np.testing.assert_allclose(drops_of(found, FEATURES), wanted, rtol=0, atol=1e-9)
    assert wanted.std(axis=1).max() > 0.005
    assert (found.split, found.rows, found.metric, found.repeats) == ("data", N, metric, 4)
    means = [each.mean for each in found.columns]
    np.testing.assert_allclose(means, sorted(wanted.mean(axis=1), reverse=True), atol=1e-9)
    by_name = {each.column: each.std for each in found.columns}
    np.testing.assert_allclose([by_name[name] for name in FEATURES], wanted.std(axis=1))


def test_weights_count_as_in_scikit_learn(
    weighted: Path, permuted_by: Callable[[list[np.ndarray]], None]
) -> None:
    rows, fitted = table(), Wrapped(weighted).fit(None, None)
    wanted, orders = by_scikit_learn(fitted, rows[FEATURES], rows["kind"], accuracy, "size", rows["w"])
    alike, _ = by_scikit_learn(fitted, rows[FEATURES], rows["kind"], accuracy, "size")
    permuted_by(orders)
    found = drops_of(specnet.permutation_importance(weighted, rows, repeats=4), FEATURES)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9)
    assert np.abs(wanted - alike).max() > 0.005


def test_own_permutations_agree_with_those_of_scikit_learn_within_their_spread(run: Path) -> None:
    rows = table()
    wanted = permutation_importance(
        Wrapped(run).fit(None, None), rows[FEATURES], rows["kind"], n_repeats=40, random_state=1
    )
    found = specnet.permutation_importance(run, rows, repeats=40, partial_dependence=False)
    drops = drops_of(found, FEATURES)
    error = np.hypot(drops.std(axis=1), wanted.importances_std) / np.sqrt(40)
    assert (np.abs(drops.mean(axis=1) - wanted.importances_mean) < 4 * error + 1e-12).all()
    assert found.columns[0].mean > 0.2


def test_regressors_lose_what_scikit_learn_says(
    tmp_path: Path, permuted_by: Callable[[list[np.ndarray]], None]
) -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=(90, 3)) * [1.0, 10.0, 0.1]
    y = 3.0 * x[:, 0] + 0.2 * x[:, 1] + 50.0
    weights = random.random(90) + 0.1
    regressor = SpecRegressor(random_state=0).fit(x, y)
    regressor.model_.save(tmp_path / "model")

    def score(fitted: Any, inputs: Any, true: Any, own: Any) -> float:
        return -mean_absolute_error(true, fitted.predict(inputs), sample_weight=own)

    wanted, orders = by_scikit_learn(regressor, x, y, score, 0, weights)
    permuted_by(orders)
    given = (x, y, weights)
    found = specnet.permutation_importance(tmp_path / "model", given, metric="mae", repeats=4)
    assert [found.better, found.total_rows] == ["lower", 90]
    np.testing.assert_allclose(drops_of(found, ["x0", "x1", "x2"]), wanted, rtol=1e-4, atol=1e-3)
    assert [each.column for each in found.columns] == ["x0", "x1", "x2"]
    grids = {each.column: each.dependence.values for each in found.columns if each.dependence}
    for i in range(3):
        brute = partial_dependence(
            regressor, x, [i], method="brute", kind="average",
            custom_values={i: np.array(grids[f"x{i}"])}, sample_weight=weights,
        )  # fmt: skip
        (own,) = [each for each in found.columns if each.column == f"x{i}"]
        assert own.dependence is not None
        np.testing.assert_allclose(own.dependence.predictions["prediction"], brute.average[0], rtol=1e-5)
        assert len(own.dependence.values) == permutation.GRID


def test_probabilities_depend_on_numbers_as_in_scikit_learn(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    x = np.column_stack([random.normal(size=100), random.integers(0, 5, 100)])
    y = np.array(["a", "b", "c"])[np.digitize(x[:, 0] + x[:, 1], [1.0, 3.0])]
    classifier = SpecClassifier(random_state=0).fit(x, y)
    classifier.model_.save(tmp_path / "model")
    codes = np.searchsorted(classifier.classes_, y)
    found = specnet.permutation_importance(tmp_path / "model", (x, codes), repeats=1)
    for i, column in enumerate(("x0", "x1")):
        (own,) = [each.dependence for each in found.columns if each.column == column]
        assert own is not None
        values = np.array(own.values)
        brute = partial_dependence(
            classifier, x, [i], method="brute", kind="average", response_method="predict_proba",
            custom_values={i: values},
        )  # fmt: skip
        np.testing.assert_allclose(list(own.predictions.values()), brute.average, atol=1e-5)
        assert np.isin(values, x[:, i]).all()
    (few,) = [each.dependence for each in found.columns if each.column == "x1"]
    assert few is not None
    assert few.values == (0, 1, 2, 3, 4)


def test_probabilities_depend_on_categories_as_in_scikit_learn(weighted: Path) -> None:
    rows = table()
    found = specnet.permutation_importance(weighted, rows, repeats=1)
    dependences = {each.column: each.dependence for each in found.columns}
    fitted = Wrapped(weighted).fit(None, None)
    for name, cells in {"colour": COLOURS, "round": ["no", "yes"]}.items():
        own = dependences[name]
        assert own is not None
        assert own.values == tuple(COLOURS if name == "colour" else ["false", "true"])
        for n, cell in enumerate(cells):
            changed = rows[FEATURES].assign(**{name: cell})
            mean = np.average(fitted.predict_proba(changed), axis=0, weights=rows["w"])
            np.testing.assert_allclose(
                [own.predictions[f"P({c})"][n] for c in fitted.classes_], mean, atol=1e-12
            )
    brute = partial_dependence(
        fitted, rows.dropna()[FEATURES], ["colour"], categorical_features=["colour"], method="brute",
        response_method="predict_proba", sample_weight=rows.dropna()["w"],
    )  # fmt: skip
    whole = specnet.permutation_importance(weighted, rows.dropna(), repeats=1)
    (colour,) = [each.dependence for each in whole.columns if each.column == "colour"]
    assert colour is not None
    assert list(colour.values) == list(brute.grid_values[0])
    np.testing.assert_allclose(list(colour.predictions.values()), brute.average, atol=1e-5)


def test_the_test_split_of_a_run_is_read_again(run: Path) -> None:
    found = specnet.permutation_importance(run, seed=3)
    assert (found.split, found.rows, found.total_rows, found.metric) == ("test", 36, 36, "accuracy")
    assert found.value == specnet.evaluate(run).splits["test"]["accuracy"]
    again = specnet.permutation_importance(run, seed=3)
    assert again == found
    assert specnet.permutation_importance(run, seed=4).columns != found.columns


def test_without_a_test_split_it_is_the_validation_split(tmp_path: Path) -> None:
    for split, wanted in (({"validation": 0.2}, "validation"), (None, "train")):
        folder = tmp_path / wanted
        folder.mkdir()
        own = trained(folder, document(exclude=["w"], split=split))
        assert specnet.permutation_importance(own, repeats=1).split == wanted


def test_early_stopping_says_what_a_run_is_judged_by(tmp_path: Path) -> None:
    made = document(exclude=["w"])
    made["training"]["early_stopping"] = {"monitor": "validation.f1"}
    assert specnet.permutation_importance(trained(tmp_path, made), repeats=1).metric == "f1"
    with pytest.raises(ValueError, match="no metric `acuracy`; did you mean `accuracy`"):
        specnet.permutation_importance(tmp_path / "run", metric="acuracy")
    with pytest.raises(ValueError, match="no metric `confusion`"):
        specnet.permutation_importance(tmp_path / "run", metric="confusion")
    with pytest.raises(ValueError, match="at least one repeat, not 0"):
        specnet.permutation_importance(tmp_path / "run", repeats=0)


def test_of_many_rows_some_are_drawn(run: Path) -> None:
    rows = table()
    few = measured_run(run, rows).importance(ImportanceSettings(maximum_rows=50, seed=2))
    assert (few.rows, few.total_rows) == (50, N)
    assert "50 rows of 120, drawn at random" in few.basis
    other = measured_run(run, rows).importance(ImportanceSettings(maximum_rows=50, seed=3))
    assert other.columns != few.columns
    assert few == measured_run(run, rows).importance(ImportanceSettings(maximum_rows=50, seed=2))


def test_rows_that_stay_in_their_file_are_as_important(tmp_path: Path) -> None:
    columns = {
        "round": {"type": "boolean"},
        "age": {"missing": "mean"},
        "colour": {"missing": "most_frequent"},
    }
    each = []
    for load in ("whole", "batches"):
        (tmp_path / load).mkdir()
        own = trained(tmp_path / load, document(exclude=["w"], load=load, columns=columns))
        each.append(specnet.permutation_importance(own))
    assert each[0].columns == each[1].columns


def test_the_folds_of_a_run_are_averaged(tmp_path: Path) -> None:
    own = trained(tmp_path, document(exclude=["w"], split={"folds": 2}))
    rows = table()
    found = specnet.permutation_importance(own, rows, repeats=2)
    each = [specnet.permutation_importance(own / "folds" / str(n), rows, repeats=2) for n in (1, 2)]
    assert found.value == pytest.approx(specnet.evaluate(own, rows).members["data"].mean["accuracy"])
    mean = (drops_of(each[0], FEATURES) + drops_of(each[1], FEATURES)) / 2
    np.testing.assert_allclose(drops_of(found, FEATURES), mean, atol=1e-12)
    with pytest.raises(specnet.RunError, match="name one of them"):
        specnet.permutation_importance(own)


def test_it_becomes_plain_data_a_frame_and_a_table(run: Path) -> None:
    found = specnet.permutation_importance(run)
    plain = json.loads(json.dumps(found.to_dict()))
    assert [each["column"] for each in plain["columns"]] == [each.column for each in found.columns]
    assert plain["columns"][0]["dependence"] == found.columns[0].dependence.to_dict()
    frame = found.to_frame()
    assert list(frame.index) == [each.column for each in found.columns]
    assert frame["importance"].tolist() == [each.mean for each in found.columns]
    assert frame["std"].tolist() == [each.std for each in found.columns]
    page = found._repr_html_()
    assert "decrease of accuracy" in page
    assert all(f">{name}<" in page for name in FEATURES)
