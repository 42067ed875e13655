"""`max_seconds`, by clocks that only what is timed moves: each batch, a validation, a consumer."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

import specnet
from specnet.data import load_data
from specnet.runs import running
from specnet.training.loop import Trainer
from tests.support.resuming import after
from tests.support.trainings import LAYERS, SPLIT, document


class Clock:
    """A clock that stands still unless it is moved on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def timed(spec: specnet.Spec, stop: Any = None, *, batch: float = 1.0, validation: float = 0.0) -> Trainer:
    """Return a trainer to which each batch and each validation take so many seconds."""
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    return with_clock(specnet.compile(spec), data, stop, batch=batch, validation=validation)


def with_clock(
    model: Any,
    data: Any,
    stop: Any,
    ranks: Any = None,
    *,
    batch: float = 1.0,
    validation: float = 0.0,
    clock: Any = None,
) -> Trainer:
    clock = clock or Clock()
    trainer = Trainer(model, data, stop, clock, ranks)

    def slowly(call: Any, seconds: float) -> Any:
        def slow(*numbers: float) -> Any:
            result = call(*numbers)
            clock.now += seconds
            return result

        return slow

    trainer.feed.batches = [
        replace(each, bound=replace(each.bound, step=slowly(each.bound.step, batch)))
        for each in trainer.feed.batches
    ]
    if "validation" in trainer.splits:
        split = trainer.splits["validation"]
        split.evaluate = slowly(split.evaluate, validation)  # type: ignore[method-assign]
    return trainer


BATCHES = {"batch_size": 16, "epochs": 50}
"""60 rows: four steps an epoch."""
FULL = {"batch_size": "full", "epochs": 50}


def ends(spec: specnet.Spec, **times: float) -> list[tuple[str, str, int, int, float]]:
    """Train by events and by spans; return how both have ended, which must be the same."""
    found = []
    for way in ("events", "spans"):
        *_, ended = getattr(timed(spec, **times), way)()
        found.append((ended.stopped, ended.why, ended.epochs, ended.steps, ended.seconds))
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    ("limit", "epochs", "steps"),
    [(1, 0, 1), (2.5, 0, 3), (4, 1, 4), (4.5, 1, 5), (10, 2, 10), (200, 50, 200)],
)
def test_batches_end_after_the_current_step(limit, epochs, steps):
    why = f"the limit of max_seconds = {limit:g} was reached"
    assert ends(document(max_seconds=limit, **BATCHES)) == ("early_stopping", why, epochs, steps, steps)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize(("limit", "steps"), [(1, 1), (2.5, 3), (10, 10)])
def test_whole_epochs_end_likewise(limit, steps, optimizer):
    """A step of lbfgs is one, however many evaluations it takes."""
    spec = document(max_seconds=limit, optimizer=optimizer, **FULL)
    assert ends(spec)[2:] == (steps, steps, steps)


def test_a_training_that_is_done_in_time_is_completed():
    spec = document(max_seconds=5, batch_size=16, epochs=1)
    assert ends(spec)[:1] == ("completed",)


@pytest.mark.parametrize(("changes", "batches"), [(BATCHES, 1), (FULL, 1), (BATCHES | {"accumulate": 3}, 3)])
def test_one_step_is_always_made(changes, batches):
    assert ends(document(max_seconds=1e-9, **changes))[3:] == (1, batches)


@pytest.mark.parametrize(("limit", "steps", "batches"), [(4, 2, 4), (5, 3, 7), (7, 3, 7), (8, 4, 8)])
def test_batches_that_share_a_step_are_all_taken(limit, steps, batches):
    """Three batches share the first step of an epoch, and the fourth has one to itself."""
    assert ends(document(max_seconds=limit, accumulate=3, **BATCHES))[3:] == (steps, batches)


def test_the_model_is_that_of_the_last_step():
    tick = 2.0**-10
    trainer = timed(document(max_seconds=10 * tick, **BATCHES), batch=tick)
    events = list(trainer.events())
    assert [type(event).__name__ for event in events] == [
        *("Started", "EpochEnded", "EpochEnded", "StepsDone", "Ended")
    ]
    done, ended = events[-2:]
    assert (done.epoch, done.step, done.seconds) == (3, 10, 10 * tick)
    expected = specnet.run(document(**BATCHES), stop=after(10))
    assert ended.model.parameters.flat.tobytes() == expected.model.parameters.flat.tobytes()
    assert ended.splits == expected.splits


@pytest.mark.parametrize(("limit", "epochs", "steps"), [(3, 1, 3), (8, 1, 3), (8.5, 1, 4), (16, 2, 6)])
def test_validation_takes_its_time(limit, epochs, steps):
    """An epoch of three steps and a validation of five seconds."""
    spec = document(data=SPLIT, max_seconds=limit, **BATCHES)
    assert ends(spec, validation=5.0)[2:4] == (epochs, steps)


@pytest.mark.parametrize("changes", [BATCHES, FULL])
def test_a_consumer_s_time_counts(changes):
    """No step is made once it is over, nor is one cut off."""
    trainer = timed(document(max_seconds=100, **changes))
    for event in trainer.events():
        if isinstance(event, specnet.EpochEnded) and event.epoch == 2:
            trainer._clock.now += 99  # type: ignore[attr-defined]
    assert isinstance(event, specnet.Ended)
    assert event.epochs == 2


def test_the_best_parameters_are_restored_in_the_middle_of_an_epoch():
    optimizer = {"type": "adam", "learning_rate": 0.5}
    spec = document(
        data=SPLIT, max_seconds=29, early_stopping={"patience": 40}, optimizer=optimizer, **BATCHES
    )
    trainer, seen = timed(spec), {}
    for event in trainer.events():
        if isinstance(event, specnet.EpochEnded):
            seen[event.epoch] = (event.validation["loss"], trainer.model.parameters.flat.tobytes())
    best = min(seen, key=lambda epoch: seen[epoch][0])
    assert (event.epochs, event.steps, event.best_epoch) == (9, 29, best)
    assert best < 9
    assert trainer.model.parameters.flat.tobytes() == seen[best][1]


def test_without_any_validation_the_last_parameters_stay():
    spec = document(data=SPLIT, max_seconds=2, early_stopping={"patience": 4}, **BATCHES)
    *_, ended = timed(spec).events()
    assert (ended.epochs, ended.steps, ended.best_epoch) == (0, 2, None)
    expected = specnet.run(document(data=SPLIT, **BATCHES), stop=after(2)).model
    assert ended.model.parameters.flat.tobytes() == expected.parameters.flat.tobytes()


def test_ticks_continue_within_the_limit():
    events = list(timed(document(max_seconds=50, batch_size=4, epochs=1), batch=0.0625).events())
    assert [event.step for event in events if isinstance(event, specnet.StepsDone)] == [
        2,
        4,
        6,
        8,
        10,
        12,
        14,
    ]


# Going on


def resumed(spec: specnet.Spec, trainer: Trainer) -> Trainer:
    """Return a new trainer where another one is."""
    state = trainer.state()
    other = timed(spec)
    other.resume({name: a.copy() for name, a in state.arrays.items()}, copy.deepcopy(state.plain))
    return other


def until(trainer: Trainer, batches: int) -> Trainer:
    """Train up to the event that follows so many batches, after which it is interrupted."""
    trainer.steps._stop = after(batches)
    events = trainer.events()
    while not trainer.interrupted:
        next(events)
    return trainer


@pytest.mark.parametrize(("changes", "stop"), [(BATCHES, 6), (BATCHES, 8), (FULL, 6)])
def test_the_seconds_of_both_parts_count(changes, stop):
    spec = document(max_seconds=10, **changes)
    other = resumed(spec, until(timed(spec), stop))
    *_, ended = other.events()
    assert (ended.stopped, ended.steps, ended.seconds) == ("early_stopping", 10, 10)
    assert (
        ended.model.parameters.flat.tobytes()
        == specnet.run(document(**changes), stop=after(10)).model.parameters.flat.tobytes()
    )


@pytest.mark.parametrize(("changes", "stop"), [(BATCHES, 6), (BATCHES, 8), (FULL, 6)])
def test_a_training_that_has_used_up_its_time_ends_at_once(changes, stop):
    spec = document(max_seconds=stop, **changes)
    first = until(timed(spec), stop)
    other = resumed(spec, first)
    started, ended = other.events()
    assert isinstance(started, specnet.Started)
    assert (ended.stopped, ended.steps) == ("early_stopping", stop)
    assert other.model.parameters.flat.tobytes() == first.model.parameters.flat.tobytes()


def test_a_step_that_was_interrupted_is_finished_first():
    spec = document(max_seconds=5, accumulate=3, **BATCHES)
    first = until(timed(spec), 5)
    assert first.steps.step == 2
    *_, ended = resumed(spec, first).events()
    assert (ended.stopped, ended.steps, ended.seconds) == ("early_stopping", 3, 7)


# Runs


def run(monkeypatch: pytest.MonkeyPatch, spec: specnet.Spec, **options: Any) -> specnet.Result:
    monkeypatch.setattr(running, "Trainer", with_clock)
    return specnet.run(spec, **options)


def test_a_run_reports_whole_epochs_and_all_steps(monkeypatch, tmp_path):
    spec = document(data=SPLIT, max_seconds=8, **BATCHES)
    result = run(monkeypatch, spec, out=tmp_path)
    assert (result.stopped, result.why) == ("early_stopping", "the limit of max_seconds = 8 was reached")
    assert (result.epochs, result.steps, len(result.history)) == (2, 8, 2)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(row["epoch"], row["step"]) for row in rows] == [(1, 3), (2, 6)]
    saved = json.loads((tmp_path / "result.json").read_text())
    assert (saved["stopped"], saved["epochs"], saved["steps"]) == ("early_stopping", 2, 8)
    assert saved["splits"] == specnet.evaluate(tmp_path).as_dict()["splits"]
    again = specnet.run(spec, resume=tmp_path)
    assert (again.stopped, again.epochs, again.steps) == ("early_stopping", 2, 8)


def test_a_run_may_end_within_its_first_epoch(monkeypatch, tmp_path):
    spec = document(data=SPLIT, max_seconds=2, layers=LAYERS, **BATCHES)
    result = run(monkeypatch, spec, out=tmp_path)
    assert (result.epochs, result.steps, len(result.history)) == (0, 2, 0)
    assert result.splits["validation"]["loss"] > 0
    assert (tmp_path / "metrics.jsonl").read_text() == ""
    assert specnet.load_run(tmp_path).parameters.flat.tobytes() == result.model.parameters.flat.tobytes()


def test_a_checkpoint_that_is_due_at_the_last_step_is_written(monkeypatch, tmp_path):
    spec = document(max_seconds=10, checkpoint={"every_steps": 5}, **BATCHES)
    run(monkeypatch, spec, out=tmp_path)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        *("0000000005-000001.npz", "0000000010-000002.npz")
    ]
