from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from specnet import api
from tests.support.command_line import SPECS, Specnet


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of a classification and of a regression."""
    folder = tmp_path_factory.mktemp("runs")
    for name, overrides in (
        ("iris.toml", {"training.epochs": 3}),
        (
            "iris.toml",
            {"training.epochs": 4, "training.optimizer.learning_rate": 0.1, "training.batch_size": 10},
        ),
        ("regression.toml", {"training.epochs": 3}),
        ("mlp.toml", {"training.epochs": 30}),
    ):
        api.run(api.load(SPECS / name, overrides), folder=folder / "runs")
    return folder


@pytest.fixture
def four(specnet: Specnet, tmp_path: Path, made: Path) -> Specnet:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return specnet


def names(shown: str) -> list[str]:
    return [line.split()[0] for line in shown.splitlines()[2:]]


def test_each_run_shows_a_metric_of_its_own_and_what_was_set_in_80_columns(four: Specnet) -> None:
    shown = four("runs").stdout
    assert max(map(len, shown.splitlines())) <= 80
    lines = dict(zip(names(shown), shown.splitlines()[2:], strict=True))
    assert "accuracy 0." in lines["runs/iris/001"]
    assert "rmse " in lines["runs/regression/001"]
    assert "mse " in lines["runs/mlp/001"]
    assert "epochs=3" in lines["runs/iris/001"]
    assert "epochs=4" in lines["runs/iris/002"]


def test_runs_of_one_kind_show_a_column_for_each_metric(four: Specnet) -> None:
    shown = four("runs", "runs/regression").stdout
    assert {"loss", "rmse", "mae", "r2"} <= set(shown.splitlines()[0].split())


def test_there_is_more_where_there_is_more_room(four: Specnet) -> None:
    head = four("runs", COLUMNS="200").stdout.splitlines()[0]
    assert head.split() == ["run", "status", "started", "epochs", "time", "split", "loss", "metric", "set"]
    assert "batch_size=10" in four("runs", COLUMNS="200").stdout


def test_runs_are_sorted_and_filtered(four: Specnet) -> None:
    data = json.loads(
        four("runs", "--filter", "name=iris", "--sort", "-validation.loss", "--output", "json").stdout
    )
    losses = [run["splits"]["validation"]["loss"] for run in data["runs"]]
    assert len(losses) == 2
    assert losses == sorted(losses, reverse=True)
    assert [run["overrides"] for run in data["runs"] if run["run"].endswith("001")] == [["training.epochs=3"]]
    shown = four("runs", "--sort", "-training.epochs").stdout
    assert shown.splitlines()[0].split()[-2:] in (["metric", "training.epochs"], ["training.epochs", "set"])
    assert names(shown)[:2] == ["runs/mlp/001", "runs/iris/002"]
    both = four("runs", "--filter", "stopped=completed", "--filter", "rmse>=0")
    assert names(both.stdout) == ["runs/regression/001"]
    none = four("runs", "--filter", "accuracy>1")
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "no run in runs matches\n")


def test_a_key_that_the_runs_left_lack_has_an_empty_column(four: Specnet) -> None:
    done = four("runs", "--filter", "name=mlp", "--sort", "f1")
    assert (done.returncode, done.stderr) == (0, "")
    assert names(done.stdout) == ["runs/mlp/001"]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--sort", "-acuracy", "no run has `acuracy`; did you mean `accuracy`?"),
        ("--filter", "accuracy", "'accuracy' is not a key, one of"),
        ("--filter", "name<5", "< compares numbers"),
    ],
)
def test_what_cannot_be_read_is_wrong_usage(option: str, value: str, said: str, four: Specnet) -> None:
    done = four("runs", option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Invalid value for {option}: {said}" in done.stderr
