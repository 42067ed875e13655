"""Subnormal numbers, which steps of a training flush to zero, and nothing else does."""

from __future__ import annotations

import platform
import sys
import threading

import numpy as np
import pytest

import specnet
from specnet.data import load_data
from specnet.engines.subnormals import flushed, flushing, keeping
from specnet.engines.workers import Workers
from specnet.training.loop import Trainer
from tests.support.threads import KNOWN
from tests.support.trainings import document

TINY = np.float32(1e-40)

FLUSHES = sys.platform in {"linux", "darwin"} and platform.machine().lower() in {"x86_64", "amd64"}
needs = pytest.mark.skipif(not FLUSHES, reason="this processor's way to flush numbers is not known")


def halved():
    """Return half of a subnormal number, as NumPy computes it."""
    return (np.full(8, TINY) * np.float32(0.5)).max()


@needs
def test_numbers_are_flushed_during_a_function():
    @flushing
    def inside(number, *, other):
        assert flushed()
        assert flushing(halved)() == 0.0
        assert flushed()
        return halved(), number, other

    assert not flushed()
    assert inside(1, other=2) == (0.0, 1, 2)
    assert not flushed()
    assert halved() > 0.0


@needs
def test_a_function_keeps_them_within_one_that_flushes_them():
    assert flushing(keeping(lambda: not flushed() and halved() > 0.0))()
    assert not keeping(flushed)()


@needs
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_was_set_is_set_again_after_a_fault(kind):
    @flushing
    def fault():
        raise kind

    with pytest.raises(kind):
        fault()
    assert not flushed()


@needs
def test_other_threads_are_left_alone():
    waits, asked = threading.Event(), threading.Event()
    found = []

    def other():
        waits.wait(60.0)
        found.append(halved())
        asked.set()

    thread = threading.Thread(target=other)
    thread.start()

    @flushing
    def meanwhile():
        waits.set()
        asked.wait(60.0)

    meanwhile()
    thread.join()
    assert found[0] > 0.0


@needs
@KNOWN
def test_workers_flush_as_the_caller_does():
    workers = Workers(2)
    # The worker is started by a thread that flushes them.
    for function, expected in [
        (flushing(workers.run), True),
        (workers.run, False),
        (flushing(workers.run), True),
    ]:
        both, found = threading.Barrier(2), {}

        def task(part, both=both, found=found):
            both.wait(60.0)
            found[part] = flushed()

        function(task, 2)
        assert found == {0: expected, 1: expected}


@needs
@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize(("batch", "count", "units"), [(8, 4, 5), (8, 1, 5), (512, 4, 300)])
def test_what_decays_in_a_training_arrives_at_zero(engine, batch, count, units, tmp_path):
    if engine == "numba":
        pytest.importorskip("numba")
    x = np.zeros((batch * count, 3), np.float32)
    x[:, :2] = np.random.default_rng(0).normal(size=(len(x), 2))
    np.savez(tmp_path / "rows.npz", inputs=x, targets=(x[:, 0] > 0).astype(np.int64))
    spec = document(
        data={"type": "npz", "path": str(tmp_path / "rows.npz")},
        layers=[{"type": "dense", "units": units, "activation": "tanh"}, {"type": "dense", "units": 2}],
        dtype="float32",
        epochs=1300 // count,
        optimizer={"type": "adam"},
        batch_size=batch,
    )
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    training = Trainer(specnet.compile(spec, engine=engine, threads=2), data)
    mean = training.program.slots["slot/mean"]
    mean[...] = 1e-4  # as gradients have left it: those of the third input are 0
    for _ in training.events():
        assert not flushed()
        assert halved() > 0.0
    smallest = np.finfo(np.float32).smallest_normal
    assert (mean == 0.0).sum() == units
    assert not ((mean != 0.0) & (np.abs(mean) < smallest)).any()


@needs
def test_rows_in_batches_are_what_they_are_when_all_are_read(tmp_path):
    """Their transforms are computed within a training's steps."""
    x = np.full((64, 1), 1e-40, np.float32)
    x[::2] = 1.0
    np.savez(tmp_path / "rows.npz", inputs=x, targets=np.arange(64) % 2)
    found = []
    for load in ("whole", "batches"):
        data = {"type": "npz", "path": str(tmp_path / "rows.npz"), "load": load, "transforms": ["log"]}
        spec = document(data=data, dtype="float32", epochs=2, batch_size=16, shuffle=False)
        found.append(specnet.run(spec).model.parameters.flat.tobytes())
    assert found[0] == found[1]


@needs
@pytest.mark.parametrize("batch", [16, "full"])
def test_a_host_that_is_asked_whether_to_stop_is_not_affected(batch):
    found = []

    def stop():
        found.append(flushed())
        return False

    spec = document(epochs=2, batch_size=batch)
    specnet.run(spec, stop=stop)
    for _ in specnet.train(spec, stop=stop):
        pass
    assert found
    assert not any(found)
