"""One model in several threads: they get the answers of one thread, to the bit, and it keeps little for them."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import random
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import specnet
from specnet.engines import binding, blas, execution, pool
from specnet.model import predicting
from specnet.passes import cores
from tests.support.threaded_models import (
    CLASSES,
    IMAGES,
    VECTORS,
    dense,
    document,
    heads,
    images,
    rows_of,
    same,
    table,
)
from tests.support.threads import KNOWN, blas_threads, forks, in_child, together

THREADS = 8


@pytest.fixture
def two_workers(monkeypatch):
    monkeypatch.setattr(predicting, "WORTH_WAKING", 0)
    monkeypatch.setattr(predicting, "WORTH_HELP", 0)
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


@pytest.mark.parametrize(
    ("kind", "calls"), [("dense", 1500), ("heads", 800), ("table", 150), ("images", 250)]
)
@pytest.mark.usefixtures("two_workers")
def test_threads_predict_as_one_does(kind, calls, tmp_path):
    """Batches of several sizes in random order, while another model is trained."""
    model, rows = specnet.run(document(kind, tmp_path)).model, rows_of(kind)
    parts = [rows[start : start + size] for size in (1, 1, 1, 2, 5) for start in range(0, 80, 16)]
    expected = [model.predict(part) for part in parts]
    spec, alone = dense(epochs=12), specnet.run(dense(epochs=12)).model.parameters.flat

    def predict(seed):
        order = random.Random(seed)
        wrong = 0
        for _ in range(calls):
            number = order.randrange(len(parts))
            wrong += not same(model.predict(parts[number]), expected[number])
        return wrong

    *wrong, trained = together(
        *(lambda seed=seed: predict(seed) for seed in range(THREADS)),
        lambda: specnet.run(spec).model.parameters.flat,
    )
    assert wrong == [0] * THREADS
    np.testing.assert_array_equal(trained, alone)


def test_threads_predict_more_rows_than_fit_at_once():
    model = specnet.run(dense()).model
    many = [np.tile(VECTORS, (times, 1)) for times in (12, 23, 30)]
    expected = [model.predict(part) for part in many]

    def predict():
        return [
            same(model.predict(part), made)
            for _ in range(8)
            for part, made in zip(many, expected, strict=True)
        ]

    assert all(map(all, together(*[predict] * THREADS)))


def test_what_a_model_gives_apart_from_predictions_is_the_same_in_threads():
    model = specnet.run(dense()).model
    x, t = VECTORS[:7], CLASSES[:7]
    raw, (loss, gradients) = model.forward(x), model.loss_and_gradients(x, t, training=True)

    def work():
        found = []
        for _ in range(15):
            own, slopes = model.loss_and_gradients(x, t, training=True)
            found.append(own == loss and same(dict(slopes), dict(gradients)))
            found += [same(model.forward(x), raw), same(model.predictions(x), {"": raw})]
        return found

    assert all(map(all, together(*[work] * 6)))


@pytest.mark.usefixtures("two_workers")
def test_several_models_and_evaluations_at_once(tmp_path):
    runs, kinds = {}, ("dense", "images", "heads", "table")
    for kind in kinds:
        runs[kind] = specnet.run(document(kind, tmp_path), out=tmp_path / kind).run
    rows = {kind: rows_of(kind)[:9] for kind in kinds}
    predicted = {kind: specnet.load_run(run).predict(rows[kind]) for kind, run in runs.items()}
    measured = {kind: specnet.evaluate(run).as_dict() for kind, run in runs.items()}

    def work(kind):
        model = specnet.load_run(runs[kind])
        found = [same(model.predict(rows[kind]), predicted[kind]) for _ in range(20)]
        return [*found, json.dumps(specnet.evaluate(runs[kind]).as_dict()) == json.dumps(measured[kind])]

    works = [lambda kind=kind: work(kind) for kind in kinds * 2]
    assert all(map(all, together(*works)))


@pytest.mark.parametrize("make", [dense, images, heads])
@pytest.mark.usefixtures("two_workers")
def test_trainings_at_once_have_the_bits_of_one_alone(make):
    alone = specnet.run(make()).model.parameters.flat
    for found in together(*[lambda: specnet.run(make()).model.parameters.flat] * 4):
        np.testing.assert_array_equal(found, alone)


FIRST_USE = """
import json, sys, threading
import specnet

start, found = threading.Barrier(8), []


def work():
    start.wait()
    spec = specnet.load(sys.argv[1])
    model = specnet.load_run(sys.argv[2])
    found.append([spec.name, specnet.evaluate(sys.argv[2]).as_dict(), model.predict([["4", "red", "wood"]]).tolist()])


sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(found))
"""


def test_the_first_use_of_all_may_be_made_by_several_threads(tmp_path):
    """Classes, validators and libraries are loaded when they are first needed."""
    result = specnet.run(table(tmp_path), out=tmp_path / "run")
    done = subprocess.run(
        [sys.executable, "-c", FIRST_USE, tmp_path / "things.json", result.run],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    made = result.model.predict([["4", "red", "wood"]]).tolist()
    assert json.loads(done.stdout) == [["things", specnet.evaluate(result.run).as_dict(), made]] * 8


@pytest.mark.usefixtures("two_workers")
@pytest.mark.parametrize("ready", [0, 2000])
def test_a_model_keeps_little_whatever_it_is_asked_for(ready, monkeypatch):
    """Whether calls are made ready or at every step."""
    monkeypatch.setattr(binding, "READY", ready)
    allocate, raw = execution.aligned, []

    def aligned(shape):
        memory = allocate(shape)
        raw.append(weakref.ref(memory.base))  # what all views of it keep alive
        return memory

    monkeypatch.setattr(execution, "aligned", aligned)
    model = specnet.compile(images())
    gc.collect()
    gc.disable()
    try:
        for rows in range(1, 3 * pool.KEPT):
            model.predict(IMAGES[:rows])
        together(*[lambda: [model.predict(IMAGES[:rows]) for rows in (1, 2, 3)]] * THREADS)
        # Arena and constants of each bound plan that is kept, and of each plan; none waits for a garbage collection.
        assert sum(memory() is not None for memory in raw) <= 3 * pool.KEPT
        idle = model._predictor._pool._idle
        assert len(idle) <= pool.KEPT
        monkeypatch.setattr(pool, "KEPT_BYTES", 1)
        model.predict(IMAGES[:7])
        model.predict(IMAGES[:8])
        assert [space.rows for space in idle] == [8]
    finally:
        gc.enable()


@KNOWN
@pytest.mark.usefixtures("two_workers")
def test_the_threads_of_a_model_are_one_set_of_workers():
    def workers():
        return {thread for thread in threading.enumerate() if thread.name == "specnet worker"}

    before = workers()
    models = [specnet.compile(images())]
    together(*[lambda: [models[0].predict(IMAGES[:rows]) for rows in (2, 3, 4)]] * THREADS)
    (mine,) = workers() - before
    models.clear()
    mine.join(10.0)
    assert not mine.is_alive()


@KNOWN
@pytest.mark.usefixtures("two_workers")
def test_the_matrix_library_has_its_threads_back_after_every_use(tmp_path):
    with blas_threads(3) as get:
        model = specnet.run(images(), out=tmp_path / "run").model
        assert get() == 3
        events = specnet.train(images())
        model_in_training = next(events).model
        together(*[lambda: [model.predict(IMAGES[:3]) for _ in range(30)]] * 4, lambda: next(events))
        assert get() == 3
        events.close()
        assert get() == 3
        model_in_training.loss_and_gradients(IMAGES[:2], CLASSES[:2])
        specnet.evaluate(tmp_path / "run")
        assert get() == 3


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_is_a_model_of_its_own(copied):
    model = specnet.run(dense()).model
    expected = model.predict(VECTORS)
    own = copied(model)
    np.testing.assert_array_equal(own.predict(VECTORS), expected)
    own.parameters["dense_2.bias"][...] += 1.0
    own.parameters.flat[0] += 1.0
    assert own.parameters["dense_1.kernel"].flat[0] == own.parameters.flat[0]
    assert not np.array_equal(own.predict(VECTORS), expected)
    np.testing.assert_array_equal(model.predict(VECTORS), expected)


@forks
def test_a_child_does_not_wait_for_locks_of_its_parent_s_threads():
    model = specnet.compile(dense())
    expected = model.predict(np.ones((2, 4)))
    holding, done = threading.Event(), threading.Event()

    def hold():
        with model.use.reading(), model.use.lock, model._predictor._pool.lock, blas._hold.lock:
            holding.set()
            assert done.wait(30.0)

    def use():
        training = threading.Event()  # any object that can be referred to weakly
        model.use.begin_steps(training)  # whoever reads in the parent does not here
        model.use.end_training(training)
        return model.predict(np.ones((2, 4)))

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(30.0)
    try:
        np.testing.assert_array_equal(in_child(use), expected)
    finally:
        done.set()
        thread.join()
