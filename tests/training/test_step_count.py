"""A training whose length is given in steps, beside the same one in epochs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.data import load_data
from specnet.training.events import EpochEnded, StepsDone
from specnet.training.loop import TICK, Trainer

PER_EPOCH = 6
"""Steps of an epoch of the document below, by default."""


def document(**training: Any) -> specnet.Spec:
    split, loss = training.pop("split", {"validation": 0.25}), training.pop("loss", "cross_entropy")
    penalty = training.pop("penalty", "l2")
    searching = "lbfgs" in str(training.get("optimizer"))
    dropout = [] if searching else [{"type": "dropout", "rate": 0.3}]
    return specnet.load(
        {
            "specnet": 1,
            "data": {"type": "synthetic", "kind": "moons", "samples": 60, "noise": 0.2, "split": split},
            "layers": [
                {"type": "dense", "units": 4, "activation": "tanh", "kernel_regularizer": penalty},
                *dropout,
                {"type": "dense", "units": 2},
            ],
            "loss": loss,
            "training": {"batch_size": 8, **training},
        }
    )


def trainer(spec: specnet.Spec, stop: Callable[[], bool] | None = None, clock: Any = None) -> Trainer:
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    return Trainer(specnet.compile(spec), data, stop, *([] if clock is None else [clock]))


def reports(spec: specnet.Spec) -> tuple[list[EpochEnded], specnet.Ended]:
    *events, ended = specnet.train(spec)
    assert isinstance(ended, specnet.Ended)
    return [event for event in events if isinstance(event, EpochEnded)], ended


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "without a validation split": {"split": None},
    "in order": {"shuffle": False},
    "full batches": {"batch_size": "full"},
    "full batches, not validated": {"batch_size": "full", "split": None},
    "batches that share a step": {"accumulate": 4},
    "the last batch dropped": {"drop_last": True, "batch_size": 7},
    "a sum": {"loss": {"type": "cross_entropy", "reduction": "sum", "scale": 0.01}},
    "a mean of the parameters": {"ema_decay": 0.9},
    "cosine": {"schedule": {"type": "cosine", "warmup_epochs": 1.5}},
    "steps by epoch": {"schedule": {"type": "step", "step_size": 2}},
    "plateau": {"schedule": {"type": "plateau", "patience": 0, "threshold": 0.2}},
    "early stopping": {"early_stopping": {"patience": 1, "min_delta": 0.02}},
    "the training split measured": {"track_training": True},
    "a search": {"optimizer": {"type": "lbfgs", "history": 3}, "batch_size": "full"},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_so_many_epochs_worth_of_steps_train_as_the_epochs_do(name: str) -> None:
    options = {"optimizer": {"type": "adam", "learning_rate": 0.05}, **OPTIONS[name]}
    by_epochs, end = reports(document(epochs=5, **options))
    per_epoch = by_epochs[0].step
    by_steps, same = reports(document(steps=5 * per_epoch, **options))
    for one, other in zip(by_epochs, by_steps, strict=True):
        assert type(other.epoch) is float
        assert (one.epoch, one.step) == (other.epoch, other.step)
        assert (one.loss, one.validation, one.train) == (other.loss, other.validation, other.train)
        assert (one.learning_rate, one.best) == (other.learning_rate, other.best)
    assert (end.stopped, end.steps, end.splits) == (same.stopped, same.steps, same.splits)
    assert (end.epochs, end.best_epoch) == (same.epochs, same.best_epoch)
    assert end.model.parameters.keys() == same.model.parameters.keys()
    for parameter, array in end.model.parameters.items():
        assert array.tobytes() == same.model.parameters[parameter].tobytes()


def test_validations_in_the_middle_of_epochs() -> None:
    events, ended = reports(document(steps=25, validate_every=10))
    assert [event.step for event in events] == [10, 20, 25]
    assert [event.epoch for event in events] == [10 / PER_EPOCH, 20 / PER_EPOCH, 25 / PER_EPOCH]
    assert all(event.validation is not None for event in events)
    assert (ended.steps, ended.epochs, ended.stopped) == (25, 25 / PER_EPOCH, "completed")
    assert ended.why == "all 25 steps are done"
    assert ended.splits["validation"] == events[-1].validation


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_training_loss_is_the_mean_since_the_last_validation(accumulate: int) -> None:
    options = {"accumulate": accumulate, "split": None, "batch_size": 9, "penalty": None}
    single, _ = reports(document(steps=14, validate_every=1, **options))
    several, _ = reports(document(steps=14, validate_every=5, **options))
    # 60 rows are six batches of 9 and one of 6; the last step of an epoch has what is left.
    rows = [9, 9, 9, 9, 9, 9, 6] if accumulate == 1 else [18, 18, 18, 6]
    weights = list(itertools.islice(itertools.cycle(rows), 14))
    for event, (start, end) in zip(several, [(0, 5), (5, 10), (10, 14)], strict=True):
        parts = [single[n].loss for n in range(start, end)]
        assert event.loss == pytest.approx(np.average(parts, weights=weights[start:end]), rel=1e-12)


def test_fewer_steps_than_an_epoch_has() -> None:
    events, ended = reports(document(steps=2))
    assert [(event.step, event.epoch) for event in events] == [(2, 2 / PER_EPOCH)]
    assert math.isfinite(events[0].loss)
    assert ended.splits["validation"] == events[0].validation


def test_a_schedule_spans_the_steps() -> None:
    events, _ = reports(document(steps=8, validate_every=1, schedule="linear"))
    rates = [event.learning_rate for event in events]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0.01 / 8)


def test_early_stopping_waits_for_validations_and_names_the_step() -> None:
    stopping = {"patience": 3, "min_delta": 10.0}
    events, ended = reports(document(steps=100, validate_every=4, early_stopping=stopping))
    assert [event.step for event in events] == [4, 8, 12, 16]
    assert (ended.stopped, ended.best_epoch) == ("early_stopping", 4 / PER_EPOCH)
    assert ended.why.endswith("(step 4) for 3 validations")


def test_best_parameters_of_the_middle_of_an_epoch_are_restored() -> None:
    stopping = {"patience": 2, "min_delta": 10.0}
    _, ended = reports(document(steps=100, validate_every=4, early_stopping=stopping))
    _, short = reports(document(steps=4))
    for name, array in short.model.parameters.items():
        assert array.tobytes() == ended.model.parameters[name].tobytes()


def test_a_search_that_is_over_is_reported_where_it_ends() -> None:
    optimizer = {"type": "lbfgs", "tolerance_gradient": 1e9}
    events, ended = reports(document(steps=50, validate_every=20, optimizer=optimizer, batch_size="full"))
    assert [event.step for event in events] == [ended.steps]
    assert ended.stopped == "early_stopping"
    assert ended.steps < 20


def test_steps_that_diverge_are_not_reported() -> None:
    training = {"steps": 50, "validate_every": 1, "optimizer": {"type": "sgd", "learning_rate": 1e30}}
    events, ended = reports(document(**training))
    assert ended.stopped == "diverged"
    assert [event.step for event in events] == list(range(1, ended.steps + 1))


@pytest.mark.parametrize("stop", [1, 6, 7, 12, 13])
def test_an_interruption_names_the_steps(stop: int) -> None:
    count = itertools.count(1)
    *events, ended = trainer(document(steps=40, validate_every=7), lambda: next(count) == stop).events()
    assert isinstance(ended, specnet.Ended)
    assert (ended.stopped, ended.steps, ended.epochs) == ("interrupted", stop, stop / PER_EPOCH)
    assert ended.why == f"interrupted after {stop} step{'s' if stop > 1 else ''}"
    # The last steps are reported either way, so that a checkpoint can be written.
    assert isinstance(events[-1], EpochEnded if stop == 7 else StepsDone)
    assert events[-1].step == stop


@pytest.mark.parametrize("batch_size", [8, "full"])
def test_steps_are_reported_between_validations_now_and_then(batch_size: Any) -> None:
    """Also where an epoch takes less time than there is between two reports."""
    clock = itertools.count()
    spec = document(steps=30, validate_every=30, batch_size=batch_size)
    events = list(trainer(spec, clock=lambda: next(clock) * TICK).events())
    done = [event for event in events if isinstance(event, StepsDone)]
    assert len(done) > 5
    assert len({event.step for event in done}) == len(done)


@pytest.mark.parametrize("batch_size", [8, "full"])
def test_a_limit_of_time_ends_it_between_validations(batch_size: Any) -> None:
    clock = itertools.count()
    spec = document(steps=1000, validate_every=500, batch_size=batch_size, max_seconds=40.0)
    *_, ended = trainer(spec, clock=lambda: float(next(clock))).events()
    assert isinstance(ended, specnet.Ended)
    assert ended.stopped == "early_stopping"
    assert 0 < ended.steps < 500
    assert "max_seconds" in ended.why


def test_what_is_said_at_the_start() -> None:
    started = next(iter(specnet.train(document(steps=15))))
    assert isinstance(started, specnet.Started)
    assert (started.steps, started.epochs, started.steps_per_epoch) == (15, 15 / PER_EPOCH, PER_EPOCH)
    started = next(iter(specnet.train(document(epochs=2))))
    assert isinstance(started, specnet.Started)
    assert (started.steps, started.epochs) == (None, 2)


@pytest.mark.parametrize(
    ("training", "key"),
    [({"steps": 5, "epochs": 5}, "epochs"), ({"epochs": None}, "epochs")],
)
def test_lengths_that_are_errors(training: dict[str, Any], key: str) -> None:
    with pytest.raises(specnet.SpecError) as raised:
        document(**training)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.path == ("training", key)
    assert diagnostic.help


def test_both_lengths_are_named_with_the_cure() -> None:
    with pytest.raises(specnet.SpecError, match="in epochs or in steps, not both") as raised:
        specnet.load(document(epochs=3), overrides={"training.steps": 9})
    assert "remove `epochs`" in str(raised.value.diagnostics[0].help)
