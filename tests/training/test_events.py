"""At each event of `train` the model is as it is at that moment, by trainings that end there of themselves."""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.data import load_data
from specnet.training import loop
from tests.support.resuming import after
from tests.support.trainings import EPOCHS, LAYERS, SPLIT, document, trainer

PROBES = np.random.default_rng(0).normal(size=(7, 2))


@dataclass
class Moment:
    """All that a consumer can see of a model at one moment."""

    parameters: bytes
    predictions: bytes
    steps: int

    @classmethod
    def of(cls, model: Any, steps: int) -> Moment:
        return cls(model.parameters.flat.tobytes(), model.predict(PROBES).tobytes(), steps)


NORMALISED = [LAYERS[0], {"type": "batch_norm"}, {"type": "dropout", "rate": 0.3}, LAYERS[1]]
PENALISED = [LAYERS[0] | {"kernel_regularizer": {"type": "l2", "factor": 0.01}}, LAYERS[1]]
FULL: dict[str, Any] = {"batch_size": "full"}
SGD = {"type": "sgd", "learning_rate": 0.5}

DOCUMENTS: dict[str, dict[str, Any]] = {
    "full-sgd": FULL | {"optimizer": SGD},
    "full-momentum": FULL | {"optimizer": SGD | {"momentum": 0.9}},
    "full-adam": FULL | {"optimizer": "adam"},
    "full-adam-float32": FULL | {"optimizer": "adam", "dtype": "float32"},
    "full-lbfgs": FULL | {"optimizer": "lbfgs"},
    "full-penalised": FULL | {"optimizer": SGD, "layers": PENALISED},
    "full-normalised": FULL | {"optimizer": SGD, "layers": NORMALISED},
    "full-validated": FULL | {"optimizer": "adam", "data": SPLIT},
    "full-validated-by-threes": FULL | {"optimizer": "adam", "data": SPLIT, "validate_every": 3},
    "full-lbfgs-validated": FULL | {"optimizer": "lbfgs", "data": SPLIT, "validate_every": 2},
    "full-scheduled": FULL | {"optimizer": SGD, "schedule": {"type": "exponential", "gamma": 0.8}},
    "full-accumulated": FULL | {"optimizer": SGD, "accumulate": 2},
    "batches-momentum": {"batch_size": 16, "optimizer": SGD | {"momentum": 0.9}},
    "batches-adam": {"batch_size": 16, "optimizer": "adam", "data": SPLIT},
    "batches-normalised": {"batch_size": 16, "optimizer": SGD, "layers": NORMALISED},
    "batches-accumulated": {"batch_size": 8, "optimizer": "adam", "accumulate": 3},
    "batches-scheduled": {
        "batch_size": 16,
        "optimizer": SGD,
        "schedule": {"type": "step", "step_size": 2, "gamma": 0.5},
    },
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_epoch_s_event_shows_what_a_training_of_so_many_epochs_ends_as(name):
    """None of these documents looks ahead to its number of epochs."""
    changes = DOCUMENTS[name]
    ends = []
    for epochs in range(1, EPOCHS + 1):
        result = specnet.run(document(epochs=epochs, **changes))
        assert result.epochs == epochs
        ends.append((Moment.of(result.model, result.steps), result.history.loss[-1]))
    assert len({moment.parameters for moment, _ in ends}) == len({m.predictions for m, _ in ends}) == EPOCHS
    seen = []
    for event in specnet.train(document(**changes)):
        if isinstance(event, specnet.Started):
            model = event.model
        elif isinstance(event, specnet.EpochEnded):
            seen.append((Moment.of(model, event.step), pytest.approx(event.loss, rel=1e-6)))
    assert seen == ends


@pytest.mark.parametrize("name", DOCUMENTS)
def test_closing_at_an_epoch_leaves_the_model_there(name):
    spec = document(**DOCUMENTS[name])
    last = None
    for closing in range(1, EPOCHS + 1):
        events = specnet.train(spec)
        started = next(events)
        for event in events:
            if isinstance(event, specnet.EpochEnded) and event.epoch == closing:
                break
        moment = Moment.of(started.model, event.step)
        events.close()
        assert Moment.of(started.model, event.step) == moment
        result = specnet.run(document(**DOCUMENTS[name] | {"epochs": closing}))
        assert moment == Moment.of(result.model, result.steps) != last
        assert list(events) == []
        last = moment


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.startswith("batches")])
def test_steps_done_shows_what_a_training_stopped_there_has(name, monkeypatch):
    monkeypatch.setattr(loop, "TICK", 0.0)
    spec = document(**DOCUMENTS[name] | {"epochs": 2})
    accumulate = spec.training.accumulate
    batches, seen = 0, []
    for event in specnet.train(spec):
        if isinstance(event, specnet.Started):
            model = event.model
            start = model.parameters.flat.tobytes()
        elif isinstance(event, specnet.StepsDone | specnet.EpochEnded):
            batches += 1
            result = specnet.run(spec, stop=after(batches))
            assert (result.stopped, result.steps) == ("interrupted", event.step)
            moment = Moment.of(model, event.step)
            assert moment == Moment.of(result.model, result.steps)
            seen.append((type(event), moment))
    assert sum(kind is specnet.EpochEnded for kind, _ in seen) == 2
    assert len(seen) == 2 * -(-spec_rows(spec) // spec.training.batch_size)
    # Every step moves the parameters, and what comes within a step that several batches share does not.
    states = {start, *(moment.parameters for _, moment in seen)}
    assert len(states) == 1 + seen[-1][1].steps
    assert (seen[-1][1].steps == len(seen)) == (accumulate == 1)


def spec_rows(spec: specnet.Spec) -> int:
    return len(load_data(spec.data, spec.folder, seed=0, dtype=spec.dtype).splits["train"].inputs)


@pytest.mark.parametrize(
    ("kind", "batch_size"),
    [("StepsDone", 16), *itertools.product(["Started", "EpochEnded", "Ended"], [16, "full"])],
)
def test_the_training_waits_at_every_kind_of_event(kind, batch_size, monkeypatch):
    if kind == "StepsDone":
        monkeypatch.setattr(loop, "TICK", 0.0)
    spec = document(epochs=3, batch_size=batch_size)
    events = specnet.train(spec)
    started = event = next(events)
    while type(event).__name__ != kind:
        event = next(events)
    steps = {"Started": 0, "StepsDone": 1, "EpochEnded": 4, "Ended": 12}
    step = steps[kind] if batch_size == 16 else steps[kind] // 4
    expected = specnet.compile(spec) if step == 0 else specnet.run(spec, stop=after(step)).model
    assert Moment.of(started.model, step) == Moment.of(expected, step)
    events.close()
    assert Moment.of(started.model, step) == Moment.of(expected, step)


def test_ended_holds_the_model_and_predicts_as_a_run_does():
    spec = document(batch_size="full")
    started, *_, ended = specnet.train(spec)
    assert ended.model is started.model
    assert np.array_equal(ended.model.predict(PROBES), specnet.run(spec).model.predict(PROBES))


@pytest.mark.parametrize("batch_size", [16, "full"])
def test_the_best_parameters_are_back_at_ended_and_not_before(batch_size):
    stopping = {"patience": 3}
    optimizer = {"type": "adam", "learning_rate": 0.3}
    spec = document(
        data=SPLIT, epochs=200, batch_size=batch_size, early_stopping=stopping, optimizer=optimizer
    )
    seen = {}
    for event in specnet.train(spec):
        if isinstance(event, specnet.Started):
            model = event.model
        elif isinstance(event, specnet.EpochEnded):
            seen[event.epoch] = model.parameters.flat.tobytes()
    assert isinstance(event, specnet.Ended)
    assert event.stopped == "early_stopping"
    assert event.best_epoch == event.epochs - 3
    assert model.parameters.flat.tobytes() == seen[event.best_epoch] != seen[event.epochs]
    events = specnet.train(spec)
    model = next(events).model
    closed = next(e for e in events if isinstance(e, specnet.EpochEnded) and e.epoch == event.epochs)
    events.close()
    assert model.parameters.flat.tobytes() == seen[closed.epoch]


@pytest.mark.parametrize("batch_size", [16, "full"])
def test_events_show_the_parameters_and_ended_their_running_mean(batch_size):
    """What is averaged is trained as without a mean, so that a training without one tells it apart."""
    plain, mean = document(batch_size=batch_size), document(batch_size=batch_size, ema_decay=0.5)
    seen: list[list[np.ndarray]] = []
    for spec in (plain, mean):
        states = []
        for event in specnet.train(spec):
            if isinstance(event, specnet.Started):
                start = event.model.parameters.flat.copy()
                model = event.model
            else:
                states.append(model.parameters.flat.copy())
        seen.append(states)
    for bare, averaged in zip(seen[0][:-1], seen[1][:-1], strict=True):
        assert bare.tobytes() == averaged.tobytes()
    assert seen[0][-1].tobytes() == seen[0][-2].tobytes()
    if batch_size == "full":  # each event is a step, and the mean one of what the events show
        for state in seen[1][:-1]:
            start = 0.5 * start + 0.5 * state
        np.testing.assert_allclose(seen[1][-1], start, rtol=1e-12)
    assert not np.allclose(seen[1][-1], seen[1][-2])


@pytest.mark.parametrize("batch_size", [16, "full"])
def test_stopping_from_outside_is_seen_where_it_stopped(batch_size):
    spec = document(batch_size=batch_size)
    events = specnet.train(spec, stop=after(3))
    model = next(events).model
    *_, last, ended = events
    assert ended.stopped == "interrupted"
    assert ended.steps == last.step == 3
    assert isinstance(last, specnet.StepsDone if batch_size == 16 else specnet.EpochEnded)
    assert Moment.of(model, 3) == Moment.of(specnet.run(spec, stop=after(3)).model, 3)


@pytest.mark.parametrize("name", ["full-momentum", "full-adam", "full-lbfgs", "batches-accumulated"])
def test_a_training_resumes_from_its_state_at_any_event(name, monkeypatch):
    monkeypatch.setattr(loop, "TICK", 0.0)
    spec = document(**DOCUMENTS[name])
    first = trainer(spec)
    states = []
    for event in first.events():
        if not isinstance(event, specnet.Ended):
            state = first.state()
            states.append(({k: v.copy() for k, v in state.arrays.items()}, copy.deepcopy(state.plain)))
    assert len(states) > EPOCHS
    for arrays, plain in states:
        other = trainer(spec)
        other.resume(arrays, plain)
        *_, again = other.events()
        assert (again.epochs, again.steps) == (event.epochs, event.steps)
        assert other.model.parameters.flat.tobytes() == first.model.parameters.flat.tobytes()


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lbfgs"])
def test_a_span_shows_the_end_of_its_last_epoch(optimizer):
    changes = FULL | {"optimizer": optimizer}
    ends = {n: specnet.run(document(epochs=n, **changes)).model.parameters.flat.tobytes() for n in (3, 6)}
    seen = {}

    def listen(event: Any) -> None:
        if isinstance(event, specnet.Started):
            models.append(event.model)
        elif isinstance(event, specnet.Span):
            seen[event.epoch + len(event) - 1] = models[0].parameters.flat.tobytes()

    models: list[Any] = []
    specnet.run(document(checkpoint={"every_epochs": 3}, **changes), listener=listen)
    assert seen == ends


@pytest.mark.parametrize("batch_size", [16, "full"])
def test_numpy_s_error_handling_stays_the_consumer_s(batch_size):
    """And a step may overflow, whatever the consumer has asked of NumPy."""
    optimizer = {"type": "sgd", "learning_rate": 1e200}
    layers = [LAYERS[0] | {"activation": "relu"}, LAYERS[1]]
    spec = document(batch_size=batch_size, optimizer=optimizer, layers=layers, epochs=9)
    with np.errstate(all="raise"):
        handling = np.geterr()
        events = []
        for event in specnet.train(spec):
            assert np.geterr() == handling
            events.append(event)
    assert events[-1].stopped == "diverged"
