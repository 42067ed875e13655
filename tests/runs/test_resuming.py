"""A run that was interrupted anywhere, and resumed, ends where an uninterrupted one ends: to the bit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import specnet
from specnet.vocabulary.schedules import SCHEDULES
from tests.support.examples import examples
from tests.support.optimizer_cases import STEPPING
from tests.support.resuming import after, check, document, recorded

SCHEDULE_OPTIONS: dict[str, dict[str, Any]] = {
    "step": {"step_size": 1},
    "multistep": {"milestones": [1, 3]},
    "exponential": {"gamma": 0.9},
    "plateau": {"patience": 0, "threshold": 0.5},
}


def schedule(name: str) -> dict[str, Any]:
    return {"type": name, **SCHEDULE_OPTIONS.get(name, {})}


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    optimizer=st.sampled_from(STEPPING),
    rates=st.sampled_from([kind.model_fields["type"].default for kind in SCHEDULES]),
    warmup=st.sampled_from([0, 5]),
    layers=st.sampled_from([[], [{"type": "dropout", "rate": 0.4}], [{"type": "dropout", "rate": 0.4}] * 2]),
    batch_size=st.sampled_from([7, 16, "full"]),
    accumulate=st.sampled_from([1, 3]),
    validate_every=st.sampled_from([1, 4]),
    split=st.sampled_from([{"validation": 0.25}, {"validation": 0.2, "test": 0.2}]),
    stopping=st.sampled_from([None, {"patience": 2}, {"patience": 1, "restore_best": False}]),
    checkpoint=st.sampled_from([None, {}, {"every_steps": 3, "best": "validation.loss"}]),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    mean=st.sampled_from([None, 0.9]),
    stops=st.lists(st.integers(1, 40), min_size=1, max_size=3),
)
def test_wherever_it_stops_it_ends_the_same(
    optimizer, rates, warmup, layers, batch_size, accumulate, validate_every, split, stopping, checkpoint,
    shuffle, drop_last, mean, stops,
):  # fmt: skip
    training: dict[str, Any] = {
        "optimizer": optimizer,
        "schedule": schedule(rates) | {"warmup_steps": warmup},
        "batch_size": batch_size,
        "accumulate": accumulate,
        "validate_every": validate_every,
        "shuffle": shuffle,
        "drop_last": drop_last,
    }
    if mean is not None:
        training["ema_decay"] = mean
    if stopping is not None:
        training["early_stopping"] = stopping
    if checkpoint is not None:
        training["checkpoint"] = checkpoint
    check(document(layers=layers, split=split, **training), *stops)


@pytest.mark.parametrize("optimizer", STEPPING)
def test_every_optimizer_resumes(optimizer):
    assert check(document(optimizer=optimizer, epochs=3), 8) == 1


@pytest.mark.parametrize("rates", [kind.model_fields["type"].default for kind in SCHEDULES])
def test_every_schedule_resumes(rates):
    assert check(document(schedule=schedule(rates), epochs=4), 9, 3) == 2


IMAGE = {"type": "reshape", "shape": [2, 2, 1]}
WITH_STATE = {
    "dropout": [{"type": "dropout", "rate": 0.4}],
    "spatial_dropout": [IMAGE, {"type": "spatial_dropout", "rate": 0.4}, {"type": "flatten"}],
    "gaussian_noise": [{"type": "gaussian_noise", "stddev": 0.3}],
    "stochastic_depth": [
        {
            "type": "residual",
            "layers": [{"type": "dense", "units": 4}, {"type": "stochastic_depth", "rate": 0.5}],
        }
    ],
    "batch_norm": [{"type": "batch_norm", "momentum": 0.7}, {"type": "dropout", "rate": 0.2}],
    "convolutions, on workers": [
        IMAGE,
        {"type": "conv2d", "filters": 3, "kernel_size": 2, "padding": "same"},
        {"type": "batch_norm"},
        {"type": "max_pooling2d"},
        {"type": "dropout", "rate": 0.3},
        {"type": "flatten"},
    ],
    "frozen and at a rate of its own": [
        {"type": "dense", "units": 4, "trainable": False},
        {"type": "dense", "units": 4, "learning_rate_multiplier": 0.1},
    ],
}


@pytest.mark.parametrize("name", WITH_STATE)
@pytest.mark.parametrize("more", [{}, {"early_stopping": {"patience": 2}}, {"accumulate": 2}])
def test_every_layer_with_randomness_or_statistics_resumes(name, more):
    assert check(document(layers=WITH_STATE[name], epochs=4, **more), 5, 4) == 2


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("validate_every", [1, 5, 100])
def test_spans_of_full_batches_resume(optimizer, validate_every):
    training = {"epochs": 40, "batch_size": "full", "optimizer": optimizer, "validate_every": validate_every}
    assert check(document(**training), 13, 1, 9) == 3
    assert check(document(split=None, **training), 13) == 1


@pytest.mark.parametrize(
    "more", [{}, {"early_stopping": {"patience": 2}}, {"checkpoint": {"every_epochs": 2}}, {"split": None}]
)
def test_an_optimizer_that_searches_resumes(more):
    optimizer = {"type": "lbfgs", "history": 3, "tolerance_change": 1e-6}
    spec = document(optimizer=optimizer, epochs=60, batch_size="full", layers=[], **more)
    assert check(spec, 1, 1, 2, 4) == 4


@pytest.mark.parametrize("batch_size", [8, "full"])
@pytest.mark.parametrize("stopping", [None, {"patience": 3}])
def test_a_mean_of_the_parameters_resumes(batch_size, stopping):
    training = {"early_stopping": stopping} if stopping is not None else {}
    assert check(document(ema_decay=0.9, batch_size=batch_size, epochs=5, **training), 3, 1) == 2


@pytest.mark.parametrize("stop", range(1, 22))
def test_any_batch_of_shared_steps_can_be_the_last(stop):
    assert check(document(accumulate=4, epochs=3, batch_size=7), stop) == 1


def test_an_interruption_by_the_way_of_patience_is_no_difference():
    # The best epoch lies before the interruption, and its parameters come back at the end.
    training = {"epochs": 60, "optimizer": {"type": "adam", "learning_rate": 0.3}, "batch_size": 4}
    spec = document(early_stopping={"patience": 4}, **training)
    whole = specnet.run(spec)
    assert whole.stopped == "early_stopping"
    assert whole.best_epoch is not None
    assert whole.best_epoch < whole.epochs
    cut = whole.steps - 2 * whole.steps // whole.epochs
    assert check(spec, cut) == 1


def test_a_run_that_was_finished_can_be_made_longer(tmp_path):
    short, long = (document(epochs=n, checkpoint={}, optimizer="adam") for n in (3, 7))
    specnet.run(short, out=tmp_path / "cut")
    result = specnet.run(long, resume=tmp_path / "cut")
    assert result.epochs == 7
    assert recorded(result) == recorded(specnet.run(long, out=tmp_path / "whole"))
    resolved = json.loads((tmp_path / "cut" / "resolved.json").read_text())
    assert resolved["spec"]["training"]["epochs"] == 7


def test_a_schedule_that_spans_the_training_forbids_a_longer_one(tmp_path):
    short, long = (document(epochs=n, checkpoint={}, schedule="cosine") for n in (3, 7))
    specnet.run(short, out=tmp_path / "cut")
    with pytest.raises(specnet.RunError, match="`cosine` schedule spans the training"):
        specnet.run(long, resume=tmp_path / "cut")
    assert json.loads((tmp_path / "cut" / "result.json").read_text())["epochs"] == 3


def test_events_say_where_it_resumes(tmp_path):
    events: list[Any] = []
    specnet.run(document(), out=tmp_path, stop=after(8))
    specnet.run(document(), resume=tmp_path, listener=events.append)
    resumed, started = events[:2]
    assert isinstance(resumed, specnet.Resumed)
    assert (resumed.run, resumed.epoch, resumed.step, resumed.problems) == (tmp_path, 1, 8, ())
    assert resumed.checkpoint == tmp_path / "checkpoints" / "0000000008-000002.npz"
    assert isinstance(started, specnet.Started)
    assert (started.epoch, started.step) == (1, 8)


def test_the_seconds_of_both_parts_are_added_up(tmp_path):
    first = specnet.run(document(), out=tmp_path, stop=after(30))
    second = specnet.run(document(), resume=tmp_path)
    seconds = [row["seconds"] for row in second.history]
    assert seconds == sorted(seconds)
    assert second.seconds > [row["seconds"] for row in first.history][-1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adam"}, r"`training\.optimizer\.type` is adam, and was sgd"),
        ({"epochs": 5}, r"`training\.epochs` is 5, and was 6"),
        ({"layers": []}, "`layers` is"),
        ({"max_seconds": 9.0}, r"`training\.max_seconds` is 9\.0, and was left out"),
    ],
)
def test_another_experiment_is_refused(tmp_path, changes, message):
    specnet.run(document(), out=tmp_path, stop=after(8))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(specnet.RunError, match=message):
        specnet.run(document(**changes), resume=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_what_has_no_say_in_the_numbers_may_differ(tmp_path):
    specnet.run(document(), out=tmp_path, stop=after(8))
    spec = document(checkpoint={"every_steps": 5}, max_seconds=None)
    assert specnet.run(spec, resume=tmp_path).stopped == "completed"


def test_changed_and_vanished_data_are_refused(tmp_path):
    table = "a,b,kind\n" + "".join(f"{i},{i * i % 7},{'even' if i % 2 == 0 else 'odd'}\n" for i in range(30))
    spec = {
        "specnet": 1,
        "data": {"type": "csv", "path": str(tmp_path / "table.csv"), "target": "kind"},
        "layers": [{"type": "dense", "units": 2}],
        "loss": "cross_entropy",
    }
    loaded = specnet.load(json.dumps(spec))
    (tmp_path / "table.csv").write_text(table)
    specnet.run(loaded, out=tmp_path / "run", stop=after(2))
    (tmp_path / "table.csv").write_text(table.replace("29,", "28,"))
    with pytest.raises(specnet.RunError, match=r"the data have changed since .*table\.csv` has SHA-256"):
        specnet.run(loaded, resume=tmp_path / "run")
    (tmp_path / "table.csv").unlink()
    with pytest.raises(specnet.SpecError, match="there is no file"):
        specnet.run(loaded, resume=tmp_path / "run")
    (tmp_path / "table.csv").write_text(table)
    assert specnet.run(loaded, resume=tmp_path / "run").stopped == "completed"


def test_what_is_no_run_cannot_be_resumed(tmp_path):
    with pytest.raises(specnet.RunError, match="there is no such directory"):
        specnet.run(document(), resume=tmp_path / "absent")
    with pytest.raises(specnet.RunError, match="this folder is not a run"):
        specnet.run(document(), resume=tmp_path)
    with pytest.raises(ValueError, match="give one of them"):
        specnet.run(document(), resume=tmp_path, out=tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("resolved.json", "{}"),
        ("resolved.json", '{"format": 1, "spec": 3}'),
    ],
)
def test_damaged_descriptions_are_reported(tmp_path, name, content):
    specnet.run(document(), out=tmp_path, stop=after(8))
    (tmp_path / name).write_text(content)
    with pytest.raises(specnet.RunError, match=rf"{name}"):
        specnet.run(document(), resume=tmp_path)


def test_a_run_that_does_not_say_which_data_it_had(tmp_path):
    specnet.run(document(), out=tmp_path, stop=after(8))
    resolved = json.loads((tmp_path / "resolved.json").read_text())
    for data in ([], {"a.csv": "digest"}, None):
        (tmp_path / "resolved.json").write_text(json.dumps(resolved | {"data": data}))
        with pytest.raises(specnet.RunError, match="does not record the run's data"):
            specnet.run(document(), resume=tmp_path)


def test_penalties_resume():
    layer = {"type": "dense", "units": 3, "kernel_regularizer": "l2"}
    assert check(document(layers=[layer], optimizer="adam"), 9, 5) == 2
    assert check(document(layers=[layer], split=None, batch_size="full", epochs=30), 9, 5) == 2
