"""How many threads compute: as many as were asked for, and held only where it has an effect."""

from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.engines import blas
from specnet.passes import cores
from specnet.runs.compiling import compile_spec
from specnet.training.loop import Trainer


def document(units=128, **more):
    layers = [
        {"type": "dense", "units": units, "activation": "relu"},
        {"type": "dense", "units": min(units, 128)},
        {"type": "dense", "units": 1},
    ]
    return {
        "specnet": 1,
        "data": {"type": "synthetic", "kind": "moons", "samples": 64},
        "loss": "binary_cross_entropy",
        "layers": layers,
        "training": {"epochs": 2, "batch_size": 32},
        **more,
    }


@pytest.fixture
def library(monkeypatch):
    """A matrix library that remembers what it has been set to; the host has set it to 4."""
    numbers = [4]
    monkeypatch.setattr(blas, "setting", lambda: (lambda: numbers[-1], numbers.append))
    monkeypatch.delenv(cores.VARIABLE, raising=False)
    return numbers


@pytest.mark.parametrize("threads", [None, 3])
def test_large_products_run_on_one_thread_of_the_library(library, threads):
    """Its own threads wait for each other without rest, which takes ten times as long next to another process."""
    result = specnet.run(document(), threads=threads)
    assert set(library) == {4, 1}
    assert library[-1] == 4
    library[:] = [4]
    result.model.predict(np.zeros((64, 2)))
    assert library == [4, 1, 4]


def test_small_products_need_no_holding(library):
    specnet.run(document(units=4), threads=3)
    assert library == [4]


@pytest.mark.parametrize(
    ("units", "threads", "workers"),
    [(4, 3, 0), (128, 3, 0), (20_000, 3, 3), (20_000, 1, 0)],
    ids=["tiny", "small", "long", "long on one thread"],
)
def test_dense_networks_have_workers_where_an_op_is_worth_handing_out(units, threads, workers):
    step = Trainer(*compile_spec(specnet.load(document(units)), threads=threads)).plans.step
    assert step.workers == workers


def test_the_environment_sets_the_number_of_workers_too(monkeypatch):
    monkeypatch.setenv(cores.VARIABLE, "2")
    assert Trainer(*compile_spec(specnet.load(document(20_000)))).plans.step.workers == 2


def test_everything_that_computes_takes_the_number(library, tmp_path):
    spec = specnet.load(document())
    assert specnet.compile(spec, threads=3).network.threads == 3
    assert set(library) == {4}
    for use in (
        lambda: list(specnet.train(spec, threads=3)),
        lambda: specnet.run(spec, threads=3, out=tmp_path / "run"),
        lambda: specnet.evaluate(tmp_path / "run", threads=3),
        lambda: specnet.load_run(tmp_path / "run", threads=3).predict(np.zeros((64, 2))),
        lambda: specnet.check_gradients(spec, threads=3),
        lambda: specnet.trace(spec, threads=3),
    ):
        library[:] = [4]
        use()
        assert set(library) == {4, 1}
    with pytest.raises(ValueError, match="`threads` must be"):
        specnet.compile(spec, threads=0)


def test_a_network_with_images_has_as_many_workers():
    layers = [{"type": "conv2d", "filters": 2, "kernel_size": 3}, "flatten", {"type": "dense", "units": 10}]
    data = {"type": "builtin", "name": "digits", "transforms": [{"type": "reshape", "shape": [8, 8, 1]}]}
    spec = specnet.load(document(loss="cross_entropy", data=data, layers=layers))
    for threads in (1, 3):
        trainer = Trainer(*compile_spec(spec, threads=threads))
        assert {trainer.plans.step.workers, trainer.plans.evaluation.workers} == {threads}
