"""Plans whose chains run in compiled loops: shared by workers, in memory that suits them, without allocations."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import specnet
from specnet.engines.numba import engine
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.model.compiled import CompiledModel
from specnet.model.plans import plan_training
from specnet.passes import cores
from specnet.passes.differentiate import differentiate
from specnet.passes.pipeline import plan
from specnet.runs.compiling import compile_spec
from specnet.training.loop import Trainer
from tests.support.compiled import bound, compared
from tests.support.memory import growth_of_epochs
from tests.support.op_rows import B
from tests.support.reference import evaluate
from tests.support.shipped_networks import some, three_steps


def convolved(graph):
    """Return what a convolution and chains before and after it come to, forward and back."""
    image = leaf(graph, "image", "input", (B, 8, 8, 4))
    kernel = leaf(graph, "kernel", "parameter", (3, 3, 4, 4))
    y = ops.tanh(ops.conv2d(image * 2.0, kernel)) * 0.5
    loss = ops.mean_all(ops.square(y + ops.relu(y)))
    return [loss, *differentiate(graph, loss, [kernel, image])]


@pytest.mark.parametrize("batch", [1, 7, 900])
def test_workers_share_chains_and_convolutions(batch, monkeypatch):
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    graph, rng = Graph("float64"), np.random.default_rng(1)
    wanted = convolved(graph)
    given = {"image": rng.normal(size=(batch, 8, 8, 4)), "kernel": rng.normal(size=(3, 3, 4, 4))}
    compared(graph, given, wanted, batch)


def test_what_only_a_loop_reads_takes_no_memory():
    graph = Graph("float32")
    x = leaf(graph, "x", "input", (B, 64))
    y = ops.tanh(x)
    for _ in range(5):
        y = ops.tanh(y * x + ops.exp(-y))
    graph.outputs = {"y": y}
    made = plan(graph, 10, engine="numba")
    assert made.arena <= 10 * 64 * 4
    execution, _ = bound(made, {"x": np.ones((10, 64))}, 10)
    execution.step()
    (expected,) = evaluate(graph, {"x": np.ones((10, 64))}, [y], 10)
    np.testing.assert_allclose(execution.arrays["y"], expected, 1e-6)


@pytest.mark.parametrize("name", ["iris.toml", "forecast-lstm.toml"])
def test_no_array_is_made_once_the_first_epoch_is_over(name, monkeypatch):
    monkeypatch.setenv("SPECNET_ENGINE", "numba")
    network, data = some(name, **{"training.epochs": 5, "training.schedule": "constant"})
    trainer = Trainer(CompiledModel(network, data.encoding), data)
    peaks = growth_of_epochs(trainer.events())
    assert max(peaks) < 24_000 + 16_000 * trainer.plans.step.workers


@pytest.mark.parametrize("name", ["digits.toml", "forecast-lstm.toml", "reviews.toml"])
def test_arrays_of_a_loop_are_apart_or_the_same(name, monkeypatch):
    """A loop that wrote an array between the reads of another one in the same memory would read its own results."""
    told = []
    make = engine.TableMaker.__call__

    def noted(self, arrays, *others):
        told.append(arrays)
        return make(self, arrays, *others)

    monkeypatch.setattr(engine.TableMaker, "__call__", noted)
    three_steps(*some(name, dtype="float64"), engine="numba")
    assert told
    for arrays in told:
        starts = [array.__array_interface__["data"][0] for array in arrays]
        ends = [start + array.nbytes for start, array in zip(starts, arrays, strict=True)]
        for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
            for other, end_of_other in zip(starts[:i], ends[:i], strict=True):
                assert start == other or end <= other or end_of_other <= start


def test_what_processes_update_in_place_is_one_array_of_a_loop():
    """Code that is compiled for two arrays writes numbers one by one where both are the same."""
    document = {
        "specnet": 1,
        "data": {"type": "inline", "inputs": [[0.0] * 900] * 4, "targets": [0, 1, 0, 1]},
        "layers": [{"type": "dense", "units": 101}, {"type": "dense", "units": 2}],
        "loss": "cross_entropy",
        "training": {"epochs": 1, "optimizer": "adam", "batch_size": 4},
    }
    network = compile_spec(specnet.load(document), engine="numba", threads=1)[0].network
    programs = [
        engine.emit(plan_training(network, {"train": 4}, units=False, ranks=2, rank=rank).step)
        for rank in range(2)
    ]
    assert all("ranks.join" in program.source for program in programs)
    assert programs[0].tables == programs[1].tables
