"""A model that is trained, and other threads that use it: what works, what is refused, and when it is free again."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import specnet
from specnet.data import load_data
from specnet.engines import pool
from specnet.model import predicting
from specnet.training.loop import Trainer
from tests.support.threaded_models import CLASSES, VECTORS, dense, table
from tests.support.threads import elsewhere, together


def trainer(spec):
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    return Trainer(specnet.compile(spec), data)


def refused(work):
    """Call a function in another thread, in which the model must be in use."""

    def tried():
        with pytest.raises(specnet.ModelInUseError) as raised:
            work()
        return str(raised.value)

    return elsewhere(tried)


def test_other_threads_cannot_use_a_model_while_steps_are_made():
    found, expected = [], []

    def stop():
        (event,) = seen
        model = event.model
        found.append(refused(lambda: model.predict(VECTORS[:2])))
        found.append(refused(lambda: model.predict(np.tile(VECTORS, (20, 1)))))
        found.append(refused(lambda: model.loss_and_gradients(VECTORS[:2], CLASSES[:2])))
        found.append(refused(lambda: next(events)))
        found.append(refused(events.close))
        expected.append(model.predict(VECTORS[:2]))  # this thread has just made a step
        return True

    events = specnet.train(dense(), stop=stop)
    seen = [next(events)]
    *_, ended = events
    assert ended.stopped == "interrupted"
    assert len(found) == 5
    assert all("another thread is training this model" in message for message in found[:3])
    assert "already running" in found[3]
    assert "close it after" in found[4]
    np.testing.assert_array_equal(expected[0], seen[0].model.predict(VECTORS[:2]))


def test_a_training_does_not_continue_while_another_thread_predicts():
    alone = specnet.run(dense()).model.parameters.flat
    events = specnet.train(dense())
    model = next(events).model
    before = model.parameters.flat.copy()
    reading, done = threading.Event(), threading.Event()

    def read():
        with model.use.reading():
            reading.set()
            assert done.wait(30.0)

    thread = threading.Thread(target=read)
    thread.start()
    assert reading.wait(30.0)
    with pytest.raises(specnet.ModelInUseError, match="another thread is predicting"):
        next(events)
    np.testing.assert_array_equal(model.parameters.flat, before)
    model.predict(VECTORS)
    done.set()
    thread.join()
    for event in events:
        last = event
    assert isinstance(last, specnet.Ended)
    np.testing.assert_array_equal(model.parameters.flat, alone)


def test_a_prediction_counts_until_its_last_row(monkeypatch):
    """No step is made between two parts of a prediction whose rows do not fit at once."""
    events = specnet.train(dense())
    model, found = next(events).model, []
    take = pool.Pool.take

    def took(self, rows):
        found.append(refused_here(events))
        return take(self, rows)

    def refused_here(events):
        try:
            next(events)
        except specnet.ModelInUseError:
            return True
        return False

    monkeypatch.setattr(pool.Pool, "take", took)
    elsewhere(lambda: model.predict(np.tile(VECTORS, (30, 1))))
    assert found == [True] * 3


def test_whichever_thread_is_later_is_refused_and_no_answer_is_wrong():
    """Rows that are all alike get the same answer in one prediction, whenever it is made."""
    first = predicting.PREDICTION_ROWS
    alike = np.tile(VECTORS[:1], (3 * first, 1))
    events = specnet.train(dense(epochs=10**9))
    model, over = next(events).model, threading.Event()

    def predict():
        wrong = 0
        while not over.is_set():
            try:
                made = model.predict(alike).reshape(3, first, 3)
            except specnet.ModelInUseError:
                continue
            wrong += not (np.array_equal(made[0], made[1]) and np.array_equal(made[0], made[2]))
        return wrong

    def train():
        epochs = refused = 0
        try:
            while epochs < 40 or refused < 40:
                try:
                    epochs += isinstance(next(events), specnet.EpochEnded)
                except specnet.ModelInUseError:
                    refused += 1
        finally:
            over.set()
        return epochs

    *wrong, epochs = together(predict, predict, train)
    assert wrong == [0, 0]
    alone = specnet.train(dense(epochs=10**9))
    own = next(alone).model
    while epochs:
        epochs -= isinstance(next(alone), specnet.EpochEnded)
    np.testing.assert_array_equal(model.parameters.flat, own.parameters.flat)


def test_between_two_events_any_thread_may_predict_and_any_ask_for_the_next():
    alone = [
        event.model.predict(VECTORS) for event in specnet.train(dense()) if isinstance(event, specnet.Started)
    ]
    events, found = specnet.train(dense()), []
    model = elsewhere(lambda: next(events)).model
    found.append(model.predict(VECTORS))
    while not isinstance(elsewhere(lambda: next(events)), specnet.Ended):
        own = model.predict(VECTORS)
        np.testing.assert_array_equal(elsewhere(lambda: model.predict(VECTORS)), own)
    np.testing.assert_array_equal(found[0], alone[0])
    np.testing.assert_array_equal(model.parameters.flat, specnet.run(dense()).model.parameters.flat)


def close(events):
    events.close()
    return events


def exhaust(events):
    list(events)
    return events


def drop(events):
    del events


@pytest.mark.parametrize("leave", [close, exhaust, drop])
def test_a_model_that_is_left_is_free_again(leave):
    fitted = trainer(dense())
    # The list holds the only reference, which `leave` is given.
    held = [fitted.events()]
    next(held[0])
    with pytest.raises(specnet.ModelInUseError, match="in another training"):
        next(fitted.events())
    with pytest.raises(specnet.ModelInUseError, match="in another training"):
        elsewhere(lambda: next(fitted.spans()))
    left = leave(held.pop())
    assert isinstance(next(fitted.events()), specnet.Started)
    elsewhere(lambda: fitted.model.predict(VECTORS))
    if left is not None:
        with pytest.raises(StopIteration):
            next(left)


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_is_raised_in_a_step_frees_the_model(kind):
    def stop():
        raise kind

    events = specnet.train(dense(), stop=stop)
    model = next(events).model
    with pytest.raises(kind):
        next(events)
    assert elsewhere(lambda: model.predict(VECTORS)).shape == (90, 3)
    assert model.use.training is None


def test_a_reader_that_could_not_leave_is_forgotten():
    """As Ctrl-C may leave it: between the start of a prediction and where it would be ended."""
    events = specnet.train(dense())
    model = next(events).model
    reader = model.use.reading()
    reader.__enter__()
    with pytest.raises(specnet.ModelInUseError):
        next(events)
    del reader
    assert next(events) is not None


def test_validation_is_measured_while_the_model_is_trained(tmp_path):
    """Evaluation reads the model, too: in the thread that trains it, and in no other."""
    fitted = trainer(table(tmp_path))
    for event in fitted.events():
        if isinstance(event, specnet.EpochEnded):
            assert event.validation["loss"] > 0.0
            fitted.splits["validation"].evaluate()
    assert fitted.model.use.training is None
