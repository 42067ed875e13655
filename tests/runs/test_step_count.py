"""Runs whose length is given in steps: what they leave, and how they are resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import specnet
from specnet.runs.kept import read_run
from tests.support.examples import examples
from tests.support.resuming import after, check, document, recorded

PER_EPOCH = 6
"""Steps of an epoch of the document, by default."""


def by_steps(steps: int, **training: Any) -> specnet.Spec:
    spec = document(**training).model_dump(exclude_unset=True)
    return specnet.load({**spec, "training": {**_without_epochs(spec["training"]), "steps": steps}})


def _without_epochs(training: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in training.items() if key != "epochs"}


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.integers(5, 40),
    validate_every=st.sampled_from([None, 1, 4, 100]),
    batch_size=st.sampled_from([7, 16, "full"]),
    accumulate=st.sampled_from([1, 3]),
    schedule=st.sampled_from(["constant", "cosine", {"type": "plateau", "patience": 0, "threshold": 0.5}]),
    stopping=st.sampled_from([None, {"patience": 2}]),
    checkpoint=st.sampled_from(
        [None, {}, {"every_steps": 3}, {"every_epochs": 2, "best": "validation.loss"}]
    ),
    mean=st.sampled_from([None, 0.9]),
    tracked=st.booleans(),
    stops=st.lists(st.integers(1, 40), min_size=1, max_size=3),
)
def test_wherever_it_stops_it_ends_the_same(
    steps, validate_every, batch_size, accumulate, schedule, stopping, checkpoint, mean, tracked, stops
):
    training: dict[str, Any] = {
        "validate_every": validate_every,
        "batch_size": batch_size,
        "accumulate": accumulate,
        "schedule": schedule,
        "early_stopping": stopping,
        "checkpoint": checkpoint,
        "ema_decay": mean,
    }
    given = {key: value for key, value in training.items() if value is not None}
    check(by_steps(steps, track_training=tracked, **given), *stops)


@pytest.mark.parametrize("stop", range(1, 14))
@pytest.mark.parametrize("batch_size", [8, "full"])
def test_any_step_can_be_the_last_before_it_is_resumed(stop: int, batch_size: Any) -> None:
    assert check(by_steps(14, validate_every=4, batch_size=batch_size), stop) == 1


def test_what_a_run_leaves(tmp_path: Path) -> None:
    result = specnet.run(by_steps(15, validate_every=10), out=tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], row["epoch"]) for row in rows] == [(10, 10 / PER_EPOCH), (15, 15 / PER_EPOCH)]
    assert all({"train", "validation"} <= set(row) for row in rows)
    saved = json.loads((tmp_path / "result.json").read_text())
    assert (saved["epochs"], saved["steps"]) == (15 / PER_EPOCH, 15)
    training = json.loads((tmp_path / "resolved.json").read_text())["spec"]["training"]
    assert (training["epochs"], training["steps"], training["validate_every"]) == (None, 15, 10)
    kept = read_run(tmp_path)
    assert kept.epochs == result.epochs == 15 / PER_EPOCH
    assert recorded(specnet.run(by_steps(15, validate_every=10), resume=tmp_path)) == recorded(result)


def test_whole_epochs_are_floats_as_well(tmp_path: Path) -> None:
    """So that a reader knows what the run is counted in; in short epochs, too, which come many at once."""
    specnet.run(by_steps(20, batch_size="full", split=None), out=tmp_path)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [type(json.loads(line)["epoch"]) for line in lines] == [float] * 20
    assert type(json.loads((tmp_path / "result.json").read_text())["epochs"]) is float


def test_a_run_without_a_result_has_the_epochs_of_its_last_line(tmp_path: Path) -> None:
    specnet.run(by_steps(15, validate_every=5), out=tmp_path)
    (tmp_path / "result.json").unlink()
    assert read_run(tmp_path).epochs == 15 / PER_EPOCH


def test_more_steps_continue_a_finished_run(tmp_path: Path) -> None:
    whole = specnet.run(by_steps(30, validate_every=5, checkpoint={}), out=tmp_path / "whole")
    specnet.run(by_steps(15, validate_every=5, checkpoint={}), out=tmp_path / "run")
    longer = specnet.run(by_steps(30, validate_every=5, checkpoint={}), resume=tmp_path / "run")
    assert recorded(longer) == recorded(whole)


def test_more_steps_under_a_schedule_that_spans_them_are_refused(tmp_path: Path) -> None:
    specnet.run(by_steps(15, schedule="cosine", checkpoint={}), out=tmp_path)
    with pytest.raises(
        specnet.RunError, match=r"over 30 steps .* over 15 steps, so training\.steps cannot be"
    ):
        specnet.run(by_steps(30, schedule="cosine", checkpoint={}), resume=tmp_path)


def test_steps_do_not_continue_epochs_nor_epochs_steps(tmp_path: Path) -> None:
    specnet.run(document(epochs=2, checkpoint={}), out=tmp_path / "epochs", stop=after(8))
    specnet.run(by_steps(20, checkpoint={}), out=tmp_path / "steps", stop=after(8))
    with pytest.raises(specnet.RunError, match=r"`training\.steps` is 30, and was left out"):
        specnet.run(by_steps(30, checkpoint={}), resume=tmp_path / "epochs")
    with pytest.raises(specnet.RunError, match=r"`training\.steps` is left out, and was 20"):
        specnet.run(document(epochs=9, checkpoint={}), resume=tmp_path / "steps")


@pytest.mark.parametrize(
    ("checkpoint", "steps"),
    [
        ({}, [4, 8, 12, 15]),
        ({"every_epochs": 1}, [6, 12]),
        ({"every_steps": 5}, [5, 10, 15]),
        ({"every_epochs": 2, "every_steps": 5}, [5, 10, 12, 15]),
    ],
)
def test_when_checkpoints_are_written(tmp_path: Path, checkpoint: dict[str, Any], steps: list[int]) -> None:
    specnet.run(by_steps(15, validate_every=4, checkpoint={**checkpoint, "keep": 9}), out=tmp_path)
    names = sorted(path.name for path in (tmp_path / "checkpoints").glob("*-*.npz"))
    assert [int(name.partition("-")[0]) for name in names] == steps


@pytest.mark.parametrize("validate_every", [1, 50])
def test_checkpoints_of_full_batches(tmp_path: Path, validate_every: int) -> None:
    checkpoint = {"every_steps": 7, "keep": 9}
    spec = by_steps(24, batch_size="full", validate_every=validate_every, checkpoint=checkpoint)
    specnet.run(spec, out=tmp_path)
    names = sorted(path.name for path in (tmp_path / "checkpoints").glob("*-*.npz"))
    assert [int(name.partition("-")[0]) for name in names] == [7, 14, 21]


def test_folds_are_trained_for_so_many_steps_each(tmp_path: Path) -> None:
    result = specnet.run(by_steps(10, split={"folds": 3}), out=tmp_path)
    assert [fold.steps for fold in result.folds] == [10, 10, 10]
    assert type(result.epochs) is float
    assert result.epochs == pytest.approx(sum(fold.epochs for fold in result.folds))
    assert read_run(tmp_path).epochs == result.epochs


def test_a_history_has_steps_and_fractions_of_epochs() -> None:
    result = specnet.run(by_steps(15, validate_every=10))
    columns = result.history.to_dict()
    assert columns["epoch"] == [10 / PER_EPOCH, 15 / PER_EPOCH]
    assert columns["step"] == [10, 15]
    assert None not in columns["validation.loss"]
    page = result._repr_html_()
    assert "Loss by step" in page
    assert "step 10" in page
    assert "2.50 epochs" in page
