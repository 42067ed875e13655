"""The shipped documents: that each is sound, and what each one comes to."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import specnet
from tests.support.shipped import there

SPECS = Path(__file__).parents[2] / "specs"
FILES = sorted(path for path in SPECS.iterdir() if path.is_file() and path.name != "specnet.schema.json")


OWN = [path for path in FILES if "\nextends" not in path.read_text(encoding="utf-8")]
"""Those that do not extend another one, whose name and data they would have."""


def trained(name, **overrides):
    return specnet.run(specnet.load(SPECS / name, overrides=overrides))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_is_without_any_finding(path):
    report = specnet.validate(path, data=there(path.name))
    assert not report.diagnostics


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_is_called_as_its_file(path):
    assert specnet.load(path).name == path.stem
    assert path.stem in path.read_text(encoding="utf-8").partition("[data]")[0]


ORIGIN = {
    "inline": r"the \w+ rows below; nothing to download\.",
    "synthetic": r"generated with the seed by specnet; nothing to download\.",
    "builtin": r".+ \(UCI, CC BY 4\.0\); comes with specnet\.",
    "idx": r".+ \((?:CC BY-SA 3\.0|MIT)\): [a-z.]+/.+\n# Put .+ into the folder `[\w-]+` in \$SPECNET_DATA[.:]",
    "text": r".+ \((?:MIT|public domain)\): .+\n# github\.com/.+ `[\w-]+` in \$SPECNET_DATA[.:]",
    "csv": (
        r"(?:.+ \(UCI, 1996; CC BY 4\.0\): https://.+\n# Put .+ into the folder\n# `\w+` in \$SPECNET_DATA\."
        r"|.+ made up by a small grammar; they come with specnet, in data/\w+\.csv\.)"
    ),
    "series": (
        r"synthetic, in data/visits\.csv; nothing to download\."
        r"|.+\n# Put .+ into the folder\n# `[\w-]+` in \$SPECNET_DATA:"
    ),
    "ucr": r".+: timeseriesclassification\.com, as \.ts files\.\n# Put .+ into the folder `ucr` in \$SPECNET_DATA:",
}
"""What a document says of its data, by their format: the source, the licence, and how to get them."""


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_says_where_its_data_come_from(path):
    data = specnet.load(path).data
    if path.suffix == ".json":  # which has no comments
        assert data.type == "inline"
        return
    assert re.search(rf"^# Data: (?:{ORIGIN[data.type]})", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_mlp_ends_where_the_tutorial_ends():
    """The numbers are the tutorial's own program's, not ours."""
    result = trained("mlp.toml")
    parameters = result.model.parameters
    assert (result.parameter_count, result.epochs, result.steps) == (13, 20000, 20000)
    np.testing.assert_allclose(
        parameters["dense_2.kernel"], [[3.0686198740079584], [8.716302470748724]], rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(parameters["dense_2.bias"], [-5.41304917187978], rtol=0, atol=1e-9)
    assert result.splits["train"]["mse"] == pytest.approx(0.000464387774467, abs=1e-9)
    assert result.splits["train"]["loss"] == pytest.approx(0.5 * 8 * 0.000464387774467, abs=1e-9)
    assert result.splits["train"]["accuracy"] == 1.0


def test_perceptron_ends_where_the_tutorial_ends():
    """The numbers are the tutorial's own program's, not ours."""
    result = trained("perceptron.toml")
    kernel = [[3.869380646010267], [-0.6126333955416581], [-2.361823176565882], [1.2548194152401817]]
    np.testing.assert_allclose(result.model.parameters["dense_1.kernel"], kernel, rtol=0, atol=1e-9)
    assert list(result.model.parameters) == ["dense_1.kernel"]
    assert result.splits["train"]["mse"] == pytest.approx(0.0477349902576, abs=1e-9)
    assert result.splits["train"]["accuracy"] == 1.0


@pytest.mark.parametrize("name", ["mlp.toml", "perceptron.toml"])
def test_tutorial_programs_show_their_tables(name):
    assert specnet.load(SPECS / name).output.show == ("predictions", "weights")


def test_xor_tells_all_four_corners_apart():
    result = trained("xor.json")
    predictions = result.model.predict([[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(predictions > 0.5, [[False], [True], [True], [False]])
    assert np.abs(predictions - [[0], [1], [1], [0]]).max() < 0.01


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_moons_are_distinguished(seed):
    result = trained("moons.toml", **({} if seed is None else {"seed": seed}))
    assert result.splits["test"]["accuracy"] >= 0.96
    assert result.splits["test"]["auc"] >= 0.99


def test_reviews_are_read_in_the_order_of_their_words():
    result = trained("reviews.toml")
    assert result.splits["test"]["accuracy"] >= 0.8
    same = [
        ["It is sturdy. It is quiet.", 40.0, "desk"],
        ["It is not sturdy. It is not quiet.", 40.0, "desk"],
    ]
    (_, yes), (_, no) = result.model.predict(same)
    assert yes > 0.8 > 0.2 > no


def test_iris_knows_the_species():
    result = trained("iris.toml")
    assert result.splits["test"]["accuracy"] >= 0.93
    probabilities = result.model.predict([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]])
    assert probabilities.argmax(axis=1).tolist() == [0, 2]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)


@pytest.mark.parametrize("seed", [None, 4])
def test_digits_are_read_with_97_percent(seed):
    result = trained("digits.toml", **({} if seed is None else {"seed": seed}))
    assert result.splits["test"]["accuracy"] >= 0.97


def test_regression_comes_down_to_the_noise():
    result = trained("regression.toml")
    # The targets' noise has a standard deviation of 0.1: 200 rows of it have an rmse of 0.1 +- 0.005.
    assert 0.09 <= result.splits["test"]["rmse"] <= 0.12
    x = np.linspace(-3.0, 3.0, 50)[:, np.newaxis]
    assert np.sqrt(np.mean((result.model.predict(x) - np.sin(x)) ** 2)) < 0.05


def test_copy_task_is_remembered():
    result = trained("copy-task.toml", **{"training.epochs": 6})
    assert result.splits["test"]["accuracy"] == 1.0


@pytest.mark.parametrize("name", ["forecast.toml", "forecast-lstm.toml"])
def test_forecasts_beat_repeating_the_last_week(name):
    model = trained(name).model
    tested = model.backtest(SPECS / "data" / "visits.csv", 43, step=1)
    assert len(tested.forecasts) == 43  # each within the test split
    assert tested.evaluation.splits["all"]["mae"] < 0.95 * tested.naive["all"]
    ahead = model.forecast(SPECS / "data" / "visits.csv")
    assert ahead.times[0][0] == "2025-01-01"
    assert np.isfinite(ahead.values).all()


def test_adding_adds():
    # In full it comes to less than 0.001; always saying 1 costs 0.167.
    assert trained("adding.toml", **{"training.epochs": 6}).splits["test"]["loss"] < 0.005


def test_addition_adds_digit_by_digit():
    result = trained("addition.toml", **{"data.samples": 2000, "training.epochs": 2})
    assert result.splits["test"]["loss"] < 1.8  # always the most frequent digits: 2.26


def test_vae_tells_digits_apart_by_few_numbers():
    result = trained("vae.toml")
    # In nats per digit; the best that the same pixels for every digit could come to is 0.42 * 64 = 27.
    assert result.splits["test"]["loss"] < 24.0
    assert result.splits["test"]["rmse"] < 0.16


def test_mnist_stays_within_20_epochs():
    assert specnet.load(SPECS / "mnist-mlp.toml").training.epochs <= 20
    assert specnet.load(SPECS / "mnist-cnn.toml").training.epochs <= 15


def test_json_document_is_the_model_that_toml_would_be():
    text = (SPECS / "xor.json").read_text(encoding="utf-8")
    document = json.loads(text)
    assert document.pop("$schema")
    del document["layers"][1]["activation"]
    report = specnet.validate(json.dumps(document))
    assert not report.diagnostics
