"""Specs as estimators of scikit-learn."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    parametrize_with_checks,
)

import specnet
from specnet.sklearn import SpecClassifier, SpecRegressor

SPECS = Path(__file__).parents[1] / "specs"
NETWORK: dict[str, Any] = {
    "specnet": 1,
    "data": {"type": "arrays", "transforms": [{"type": "standardize"}]},
    "layers": [{"type": "dense", "units": 8, "activation": "tanh"}, {"type": "dense", "units": 3}],
    "loss": "cross_entropy",
    "training": {"epochs": 30, "batch_size": 16, "optimizer": {"type": "adam", "learning_rate": 0.05}},
}


# Some of the checks train on a constant target, or on labels that are numbers.
@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.DataConversionWarning")
@parametrize_with_checks(
    [SpecClassifier(random_state=0), SpecRegressor(random_state=0)],
    expected_failed_checks=lambda _: {
        "check_sample_weight_equivalence_on_dense_data": "batches of repeated rows are other batches; see below"
    },
)
def test_they_are_estimators(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize(("kind", "loss"), [(SpecClassifier, "cross_entropy"), (SpecRegressor, "mse")])
def test_a_full_batch_with_weights_is_one_of_repeated_rows(kind, loss):
    """Transforms are fitted to the rows whatever they weigh, so there are none."""
    network = {
        **NETWORK,
        "dtype": "float64",
        "data": {"type": "arrays"},
        "loss": loss,
        "layers": [*NETWORK["layers"][:1], {"type": "dense", "units": 3 if loss == "cross_entropy" else 1}],
        "training": {**NETWORK["training"], "batch_size": "full"},
    }
    check_sample_weight_equivalence_on_dense_data(kind.__name__, kind(network, random_state=0))


def test_weights_reach_the_training():
    x, y = load_iris(return_X_y=True)
    few, weights = slice(0, 120), np.where(np.arange(150) < 120, 1.0, 0.0)
    a = SpecClassifier(NETWORK, overrides={"training.batch_size": "full"}).fit(x, y, sample_weight=weights)
    b = SpecClassifier(NETWORK, overrides={"training.batch_size": "full"}).fit(x, y)
    assert a.model_.network.weighted
    assert not b.model_.network.weighted
    assert a.score(x[few], y[few]) > 0.95
    assert not np.allclose(a.predict_proba(x), b.predict_proba(x))


def test_a_spec_is_trained_and_predicts_labels():
    x, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    made = SpecClassifier(NETWORK).fit(x, names)
    assert list(made.classes_) == ["setosa", "versicolor", "virginica"]
    assert made.score(x, names) > 0.95
    probabilities = made.predict_proba(x)
    assert np.allclose(probabilities.sum(axis=1), 1.0)
    assert np.array_equal(made.predict(x), made.classes_[probabilities.argmax(axis=1)])
    assert made.n_iter_ == 30 == len(made.history_)
    assert np.array_equal(made.model_.predict(x), probabilities)


def test_one_output_of_two_classes():
    x, y = load_iris(return_X_y=True)
    x, y = x[:100], np.where(y[:100] == 1, "yes", "no")
    layers = [{"type": "dense", "units": 1, "activation": "sigmoid"}]
    made = SpecClassifier({**NETWORK, "layers": layers, "loss": "binary_cross_entropy"}).fit(x, y)
    assert list(made.classes_) == ["no", "yes"]
    assert made.predict_proba(x).shape == (100, 2)
    assert made.score(x, y) == 1.0


def test_the_files_of_a_spec_are_replaced_and_the_rest_of_it_kept():
    x, y = load_iris(return_X_y=True)
    made = SpecClassifier(SPECS / "iris.toml", overrides={"training.epochs": 3}).fit(x, y)
    spec = made.model_.network.spec
    assert spec.data.type == "arrays"
    assert spec.data.transforms == specnet.load(SPECS / "iris.toml").data.transforms
    assert made.n_iter_ == 3
    with pytest.raises(specnet.SpecError, match="SN576 `validation` names rows of its own"):
        SpecRegressor(SPECS / "regression.toml").fit(x, y)
    layers = [{"type": "dense", "units": 2}]
    with pytest.raises(specnet.SpecError, match="3 classes"):
        SpecClassifier({**NETWORK, "layers": layers}).fit(x, y)


def test_pipelines_cross_validation_and_grids():
    x, y = load_iris(return_X_y=True)
    assert cross_val_score(make_pipeline(StandardScaler(), SpecClassifier(NETWORK)), x, y, cv=3).mean() > 0.9
    grid = GridSearchCV(
        SpecClassifier(NETWORK),
        {
            "overrides": [
                {"training.epochs": 1, "training.optimizer.learning_rate": 1e-6},
                {"training.epochs": 20},
            ]
        },
        cv=3,
    ).fit(x, y)
    assert grid.best_params_ == {"overrides": {"training.epochs": 20}}
    assert clone(grid.best_estimator_).get_params() == grid.best_estimator_.get_params()


def test_a_regressor_predicts_in_the_units_of_its_targets():
    x, y = load_diabetes(return_X_y=True)
    made = SpecRegressor(random_state=1).fit(x, y)
    assert made.score(x, y) > 0.5
    assert made.predict(x[:3]).shape == (3,)
    both = np.stack([y, 2 * y + 1], axis=1)
    several = SpecRegressor(random_state=1).fit(x, both)
    assert several.predict(x[:3]).shape == (3, 2)
    assert several.score(x, both) > 0.5


def test_the_same_random_state_gives_the_same_model():
    x, y = load_iris(return_X_y=True)
    made = [SpecClassifier(NETWORK, random_state=seed).fit(x, y).predict_proba(x) for seed in (1, 1, 2)]
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_frames_of_a_table_keep_their_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"size": [1.0, 2.0, 3.0, 4.0] * 10, "colour": ["red", "blue", "red", "blue"] * 10}
    )
    labels = np.where(frame["colour"] == "red", "stop", "go")
    table = {
        "type": "csv",
        "path": "none.csv",
        "target": "label",
        "columns": {"size": {"scale": "standardize"}},
    }
    layers = [{"type": "dense", "units": 2}]
    made = SpecClassifier({**NETWORK, "data": table, "layers": layers}).fit(frame, labels)
    assert made.score(frame, labels) == 1.0
    assert np.array_equal(made.predict(frame[["colour", "size"]]), made.predict(frame))


SENTENCES = [
    f"the {actor} of this {kind} is {word} in every scene {number}"
    for number, (actor, kind, word) in enumerate(
        itertools.product(["hero", "villain"], ["film", "play", "show"], ["fine", "great", "dull", "poor"])
    )
] * 2
GOOD = np.array(["fine" in text or "great" in text for text in SENTENCES])


def test_without_a_spec_text_in_a_frame_is_read_word_by_word():
    pandas = pytest.importorskip("pandas")
    # No cell occurs twice: as categories, they would say nothing about new rows.
    review = [f"{text} {place}" for place, text in enumerate(SENTENCES)]
    frame = pandas.DataFrame({"review": review, "stars": np.arange(48.0) % 5, "shop": ["a", "b", "c"] * 16})
    made = SpecClassifier(random_state=0).fit(frame, np.where(GOOD, "good", "bad"))
    new = frame.assign(review=[f"a {text} indeed" for text in SENTENCES])
    assert made.score(new, np.where(GOOD, "good", "bad")) == 1.0
    spec = made.model_.spec
    assert spec.data.columns["review"].type == "text"
    # The vocabulary, not a column for each text; the four features of a number and three categories next to the mean of
    # its vectors.
    assert made.model_.parameters["embedding_1.embeddings"].shape[1] == 32
    assert made.model_.parameters["ensemble_1.dense_1.kernel"].shape[1] == 32 + 4 + 3
    assert cross_val_score(SpecClassifier(), frame, GOOD, cv=2).shape == (2,)


def test_without_a_spec_text_alone_is_enough_and_numbers_are_predicted_from_it():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"review": [f"{text} {place}" for place, text in enumerate(SENTENCES)]})
    for targets in (np.where(GOOD, 7.0, 3.0), np.stack([np.where(GOOD, 7.0, 3.0), 1.0 - GOOD], axis=1)):
        made = SpecRegressor(random_state=0).fit(frame, targets)
        assert made.predict(frame).shape == targets.shape
        assert made.score(frame, targets) > 0.9


def test_a_frame_of_numbers_is_trained_on_as_an_array():
    pandas = pytest.importorskip("pandas")
    x, y = load_iris(return_X_y=True)
    overrides = {"training.epochs": 2}
    of_frame, of_array = (
        SpecClassifier(overrides=overrides, random_state=0).fit(inputs, y)
        for inputs in (pandas.DataFrame(x), x)
    )
    np.testing.assert_array_equal(of_frame.predict_proba(pandas.DataFrame(x)), of_array.predict_proba(x))


def test_a_frame_without_a_useful_column_is_refused_with_the_reasons():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"same": ["x"] * 40, "id": [f"id-{i}" for i in range(40)]})
    with pytest.raises(specnet.SpecError, match=r"`same`: it holds one value only; `id`: each row"):
        SpecClassifier().fit(frame, ["a", "b"] * 20)


def test_a_spec_says_that_a_column_is_text():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"review": SENTENCES})
    data = {"type": "frame", "target": "label", "columns": {"review": {"type": "text", "tokens": "word"}}}
    layers = [
        {"type": "embedding", "output_dim": 8},
        {"type": "global_average_pooling1d"},
        {"type": "dense", "units": "auto"},
    ]
    training = {"epochs": 60, "optimizer": {"type": "adam", "learning_rate": 0.05}}
    made = SpecClassifier({**NETWORK, "data": data, "layers": layers, "training": training}).fit(frame, GOOD)
    assert made.score(frame, GOOD) == 1.0
    same = specnet.run(
        {**NETWORK, "data": data, "layers": layers, "training": training},
        data=frame.assign(label=GOOD.astype(int)),
    )
    np.testing.assert_array_equal(
        same.model.parameters["dense_1.kernel"], made.model_.parameters["dense_1.kernel"]
    )


def test_a_regressor_takes_the_frame_of_a_table():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"size": [1.0, 2.0, 3.0, 4.0] * 10, "colour": ["red", "blue"] * 20})
    targets = frame["size"] + (frame["colour"] == "red")
    spec = {**NETWORK, "data": {"type": "frame", "target": "y"}, "loss": "mse"}
    spec["training"] = {"epochs": 300, "optimizer": {"type": "adam", "learning_rate": 0.05}}
    made = SpecRegressor({**spec, "layers": [{"type": "dense", "units": 1}]}).fit(frame, targets)
    assert made.score(frame, targets) > 0.99


def test_predictions_need_the_document_no_more(tmp_path):
    x, y = load_iris(return_X_y=True)
    document = tmp_path / "model.json"
    document.write_text(json.dumps(NETWORK))
    made = SpecClassifier(document).fit(x, y)
    wanted = made.predict(x)
    document.unlink()
    assert np.array_equal(made.predict(x), wanted)


def test_what_is_not_fitted_or_not_two_classes_is_refused():
    with pytest.raises(NotFittedError):
        SpecClassifier(NETWORK).predict([[1.0, 2.0]])
    with pytest.raises(ValueError, match="one class"):
        SpecClassifier(NETWORK).fit([[1.0], [2.0]], ["a", "a"])


def test_without_scikit_learn_the_extra_is_named():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "try:\n    import specnet.sklearn\nexcept ModuleNotFoundError as e:\n    print(e)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "the extra `sklearn` installs" in done.stdout
