from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from specnet import api, finished
from tests.support.command_line import SPECS, Specnet


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "iris"
    api.run(api.load(SPECS / "iris.toml", {"training.epochs": 30}), out=run)
    return run


def test_columns_are_listed_by_importance(specnet: Specnet, iris: Path) -> None:
    done = specnet("evaluate", iris, "--importance")
    assert (done.returncode, done.stderr) == (0, "")
    assert "importance: decrease of accuracy when the column is permuted (test, 30 rows;" in done.stdout
    rows = re.findall(r"^ ((?:petal|sepal)_\w+) +(-?[\d.]+) +([\d.]+)$", done.stdout, re.MULTILINE)
    assert {name for name, _, _ in rows} == {"sepal_length", "sepal_width", "petal_length", "petal_width"}
    means = [float(mean) for _, mean, _ in rows]
    assert means == sorted(means, reverse=True)
    assert means[0] > 0.1
    assert re.search(r"^ test +30 +0\.\d+", done.stdout, re.MULTILINE)
    assert "importance" not in specnet("evaluate", iris).stdout


def test_json_is_what_python_returns(specnet: Specnet, iris: Path) -> None:
    options = ("--importance", "--repeats", "3", "--seed", "7", "--metric", "loss", "--output", "json")
    done = specnet("evaluate", iris, *options)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    own = finished.permutation_importance(iris, repeats=3, seed=7, metric="loss")
    assert found["importance"] == json.loads(json.dumps(own.to_dict()))
    assert found["splits"] == json.loads(specnet("evaluate", iris, "--output", "json").stdout)["splits"]
    column = found["importance"]["columns"][0]
    assert len(column["drops"]) == 3
    assert list(column["dependence"]["predictions"]) == ["P(setosa)", "P(versicolor)", "P(virginica)"]


def test_other_rows_come_from_standard_input(specnet: Specnet, iris: Path) -> None:
    inputs = np.random.default_rng(1).uniform(0, 7, (25, 4)).round(2)
    names = "sepal_length,sepal_width,petal_length,petal_width,species"
    lines = [names, *(f"{','.join(map(str, row))},setosa" for row in inputs.tolist())]
    done = specnet("evaluate", iris, "-", "--importance", "--output", "json", given="\n".join(lines))
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)["importance"]
    assert (found["split"], found["rows"]) == ("data", 25)


def test_wide_inputs_are_listed_in_part(specnet: Specnet, tmp_path: Path) -> None:
    run = tmp_path / "digits"
    api.run(api.load(SPECS / "digits.toml", {"training.epochs": 1}), out=run)
    done = specnet("evaluate", run, "--importance", "--repeats", "1")
    assert len(re.findall(r"^ pixel_\d_\d ", done.stdout, re.MULTILINE)) == 30
    assert " and 34 more columns; --output json has all of them" in done.stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--repeats", "3"], "--repeats: it says how importance is measured: add --importance"),
        (["--metric", "loss"], "--metric: it says how importance is measured: add --importance"),
        (["--seed", "0"], "--seed: it says how importance is measured: add --importance"),
        (
            ["--importance", "--metric", "acuracy"],
            "--metric: the run has no metric `acuracy`; did you mean `accuracy`?",
        ),
        (["--importance", "--repeats", "0"], "Invalid value for '--repeats'"),
    ],
)
def test_wrong_options_are_reported(specnet: Specnet, iris: Path, options: list[str], says: str) -> None:
    done = specnet("evaluate", iris, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in " ".join(done.stderr.split())


def test_images_have_no_columns(specnet: Specnet, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    np.savez(tmp_path / "rows.npz", inputs=random.random((20, 4, 4, 1)), targets=random.random(20))
    spec = {
        "specnet": 1,
        "data": {"type": "npz", "path": "rows.npz"},
        "layers": [{"type": "flatten"}, {"type": "dense", "units": 1}],
        "loss": "mse",
        "training": {"epochs": 1},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    assert specnet("run", "spec.json", "--out", "run").returncode == 0
    done = specnet("evaluate", "run", "--importance")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the inputs are arrays of shape [4, 4, 1], such as images, which have no columns" in " ".join(
        done.stderr.split()
    )
