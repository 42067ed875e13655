from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specnet.runs.kept import KeptRun
from specnet.runs.selecting import RunValues


def kept(n: int, *, stopped: str = "completed", accuracy: float | None = None, **more: Any) -> KeptRun:
    spec = {
        "specnet": 1,
        "name": f"run{n}",
        "seed": n,
        "layers": [{"type": "dense", "units": 4 * n}, {"type": "dense", "units": 2}],
        "training": {
            "epochs": 10 * n,
            "optimizer": {"type": "adam", "learning_rate": 10.0**-n, "nesterov": n == 1},
        },
    }
    made_of = {
        "spec": spec,
        "created": f"2026-0{n}-01T00:00:00+00:00",
        "overrides": more.get("overrides", []),
    }
    splits = {"train": {"loss": 0.1}, "test": {"loss": 1.0 / n, "accuracy": accuracy, "confusion": [[1]]}}
    result = {
        "stopped": stopped,
        "epochs": 5 * n,
        "seconds": 2.0 * n,
        "parameters": 100 * n,
        "splits": splits,
    }
    return KeptRun(Path(f"runs/a/00{n}"), stopped, made_of, result)  # type: ignore[arg-type]


RUNS = [
    kept(1, accuracy=0.9, overrides=["--set layers.dense_1.units=4", "override seed=1"]),
    kept(2, accuracy=None, stopped="early_stopping"),
    kept(3, accuracy=0.95),
]


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("name=run2", [2]),
        ("name == run2", [2]),
        ('name="run2"', [2]),
        ("name!=run2", [1, 3]),
        ("run=runs/a/003", [3]),
        ("stopped=completed", [1, 3]),
        ("status=early_stopping", [2]),
        ("status=early stopping", [2]),
        ("test.accuracy>=0.9", [1, 3]),
        ("test.accuracy>0.9", [3]),
        ("accuracy<0.95", [1]),
        ("accuracy!=0.9", [2, 3]),
        ("loss<0.4", [3]),
        ("train.loss<=0.1", [1, 2, 3]),
        ("epochs=10", [2]),
        ("training.epochs=10", [1]),
        ("seed=3", [3]),
        ("learning_rate<=0.01", [2, 3]),
        ("nesterov=true", [1]),
        ("nesterov=1", []),
        ("layers.0.units=8", [2]),
        ("dense_1.units=4", [1]),
        ("started>=2026-02-01", [2, 3]),
        ("time<3", [1]),
        ("parameters>100", [2, 3]),
    ],
)
def test_filters_leave_the_runs_for_which_they_hold(expression: str, left: list[int]) -> None:
    found = RunValues(RUNS).filtered(expression)
    assert [run.made_of["spec"]["seed"] for run in found] == left


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("accuracy", [1, 3, 2]),
        ("-accuracy", [3, 1, 2]),
        ("-test.loss", [1, 2, 3]),
        ("learning_rate", [3, 2, 1]),
        ("-started", [3, 2, 1]),
        ("status", [1, 3, 2]),
    ],
)
def test_runs_are_ordered_by_a_key_those_without_it_last(key: str, order: list[int]) -> None:
    assert [run.made_of["spec"]["seed"] for run in RunValues(RUNS).ordered(key)] == order


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("accuracy", "is not a key, one of = != < <= > >=, and a value"),
        ("acuracy>1", "no run has `acuracy`; did you mean `accuracy`?"),
        ("zzz=1", "no run has `zzz`: name a figure such as test.loss, or a key of the spec"),
        ("units=1", "`units` stands for several keys: "),
        ("name>1", '> compares numbers, and name is "run1"'),
        ("loss<high", "< compares numbers, and loss is 1.0"),
    ],
)
def test_what_cannot_be_read_says_why(expression: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        RunValues(RUNS).filtered(expression)
    assert said in str(caught.value)


def test_what_was_set_is_read_of_flags_and_of_python() -> None:
    assert RUNS[0].overrides == ["layers.dense_1.units=4", "seed=1"]
    assert RUNS[0].as_dict()["overrides"] == ["layers.dense_1.units=4", "seed=1"]
