"""Plans whose batch several workers share: the same numbers for any number of them, any size of tiles, every time."""

from __future__ import annotations

import json
import os
import threading

import numpy as np
import pytest

import specnet
from specnet.analysis import profiling
from specnet.engines import binding, blas
from specnet.engines.execution import Executable
from specnet.engines.numpy.emit import emit
from specnet.engines.workers import Workers
from specnet.graph import geometry, ops, windows
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf, name_of
from specnet.graph.sizes import BATCH
from specnet.graph.windows import Strided
from specnet.model.network import Network
from specnet.model.programs import training_graph
from specnet.passes import cores, shard
from specnet.passes.pipeline import plan
from tests.support.compiled import TOLERANCE, bound, checked, run
from tests.support.memory import growth_of_epochs
from tests.support.op_rows import TABLE, build, named, numbers
from tests.support.reference import evaluate

SHARED = {
    "conv2d",
    "conv2d_input",
    "conv2d_kernel",
    "max_pick",
    "max_pool",
    "max_unpool",
    "window_sum_grad",
    "window_sum",
}
ROWS = [row for row in TABLE if row.op in SHARED]


@pytest.fixture
def several(monkeypatch):
    """Let plans be made for so many cores."""
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(several.count)), raising=False)
    several.count = 3
    return several


several.count = 3


def test_the_table_has_all_ops_that_are_shared():
    assert {row.op for row in ROWS} == SHARED
    assert all(build(row)[2].op.shared for row in ROWS)


@named(ROWS)
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("room", [1, 400])
def test_small_tiles_and_several_workers_compute_the_same(row, count, room, several, monkeypatch):
    several.count = count
    monkeypatch.setattr(geometry, "ROOM", room)
    monkeypatch.setattr(windows, "ROOM", room // 8)
    graph, _, y = build(row)
    checked(graph, numbers(row, 7), [y], 7)


def test_bands_of_an_image_meet(monkeypatch):
    """A large image is cut into bands of its rows, more than one to a tile."""
    monkeypatch.setattr(geometry, "ROOM", 5000)
    graph = Graph("float64")
    x, w = leaf(graph, "x", "input", (BATCH, 30, 9, 2)), leaf(graph, "w", "parameter", (3, 3, 2, 4))
    options = {"strides": (2, 1), "padding": ((1, 2), (1, 1)), "dilation": (2, 1), "groups": 1}
    y = ops.conv2d(x, w, **options)
    g = leaf(graph, "g", "input", y.shape)
    back = ops.conv2d_input(g, w, size=(30, 9), **options)
    to_kernel = ops.conv2d_kernel(x, g, size=(3, 3), **options)
    how = geometry.Geometry((30, 9), 2, (3, 3), 4, (2, 1), ((1, 2), (1, 1)), (2, 1), 1, 8)
    assert how.tile[0] == 1
    assert 1 < how.tile[1] < how.out[0]
    rng = np.random.default_rng(0)
    given = {name_of(v): rng.normal(size=(2, *v.shape[1:])) for v in (x, g)}
    checked(graph, given | {"w": rng.normal(size=w.shape)}, [y, back, to_kernel], 2)


def convnet(layers=None, **changes):
    """A document over some images, small enough to be trained in no time."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(90, 12, 12, 1)).round(3)
    layers = layers or [
        {"type": "conv2d", "filters": 8, "kernel_size": 3, "activation": "relu"},
        {"type": "max_pooling2d"},
        {"type": "depthwise_conv2d", "kernel_size": 2, "padding": "same", "activation": "relu"},
        {"type": "average_pooling2d", "padding": "same"},
        {"type": "flatten"},
        {"type": "dropout", "rate": 0.3},
        {"type": "dense", "units": 3},
    ]
    return json.dumps(
        {
            "specnet": 1,
            "data": {"type": "inline", "inputs": inputs.tolist(), "targets": rng.integers(0, 3, 90).tolist()},
            "layers": layers,
            "loss": "cross_entropy",
            "training": {"epochs": 3, "batch_size": 40, "optimizer": "adam", **changes},
        }
    )


def parameters(text):
    return specnet.run(specnet.load(text)).model.parameters.flat.copy()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_training_has_the_same_bits_every_time(count, several):
    several.count = count
    first = parameters(convnet())
    np.testing.assert_array_equal(parameters(convnet()), first)
    several.count = 1
    np.testing.assert_allclose(parameters(convnet()), first, 1e-3, 1e-5)


def test_calls_made_at_every_step_give_the_bits_of_calls_made_ready(several, monkeypatch):
    several.count = 2
    first = parameters(convnet())
    monkeypatch.setattr(binding, "READY", 0)
    np.testing.assert_array_equal(parameters(convnet()), first)


def test_workers_meet_where_whole_arrays_are_needed_and_nowhere_else(several):
    """Forward, up to what is drawn at random; backward; and the update of all parameters, which is too short to cut."""
    several.count = 2
    spec = specnet.load(convnet())
    data = specnet.data.load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    made = plan(training_graph(Network(spec, data.signature)).graph, 40, guard="loss")
    assert emit(made).source.count("each_piece(workers, ") == 2
    forward, backward = emit(made).blocks
    assert not forward.sums
    assert len(backward.sums) == 5, "two kernels, two biases of theirs, and the bias of what is dense"


def test_several_threads_train_a_model_each(several):
    several.count = 2
    alone, found = parameters(convnet()), {}
    known = blas.setting()
    before = None if known is None else known[0]()

    def work(number):
        found[number] = parameters(convnet())

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 1, 2]
    for own in found.values():
        np.testing.assert_array_equal(own, alone)
    if known is not None:
        assert known[0]() == before


def test_a_step_allocates_no_arrays(several):
    """Beside a buffer of 512 elements an operand that NumPy takes, and gives back, to go over strided arrays."""
    several.count = 2
    layers = [
        {"type": "conv2d", "filters": 32, "kernel_size": 3, "activation": "relu"},
        {"type": "max_pooling2d", "pool_size": 3, "strides": 1, "padding": "same"},
        {"type": "conv2d", "filters": 32, "kernel_size": 3, "groups": 2, "padding": "same"},
        {"type": "depthwise_conv2d", "kernel_size": 3, "depth_multiplier": 2},
        {"type": "conv2d_transpose", "filters": 32, "kernel_size": 3},
        {"type": "average_pooling2d", "padding": "same"},
        {"type": "global_max_pooling2d"},
        {"type": "dense", "units": 3},
    ]
    peaks = growth_of_epochs(specnet.train(specnet.load(convnet(layers, epochs=5, drop_last=True))))
    # 40 images of 10 x 10 with 32 channels in float32 have 512,000 bytes, and each image of them 12,800.
    assert max(peaks) < 60_000, peaks
    assert np.getbufsize() == 8192


def dense(dtype):
    graph = Graph(dtype)
    x, w = leaf(graph, "x", "input", (BATCH, 600)), leaf(graph, "w", "parameter", (600, 700))
    graph.outputs = {"y": ops.tanh(x @ w) * 2.0}
    return graph


@pytest.mark.parametrize("count", [1, 3])
def test_a_network_of_short_ops_is_shared_by_nobody(count, several):
    several.count = count
    made = plan(dense("float32"), 23 if count > 1 else 512)
    assert made.workers == 0
    assert "workers" not in emit(made).source
    assert all(block.workers == 0 for block in emit(made).blocks)
    assert Executable(made)._workers is None


@pytest.mark.parametrize("rows", [24, 1600])
def test_a_dense_network_is_shared_by_parts_of_each_long_op(rows, several, monkeypatch):
    """Of few rows, each worker computes some units for all of them."""
    several.count = 3
    monkeypatch.setattr(shard, "DENSE_FLOPS", 10**12)  # from here on, they share the rows of whole passes
    parts = []
    run_all = Workers.run
    monkeypatch.setattr(Workers, "run", lambda own, task, n: parts.append(n) or run_all(own, task, n))
    graph = dense("float32")
    given = {"x": np.ones((rows, 600), np.float32), "w": np.ones((600, 700), np.float32) / 600}
    made = plan(graph, rows)
    execution, numbers = bound(made, given, rows)
    found = []
    for _ in range(2):
        execution.step(*numbers)
        found.append(execution.arrays["y"].copy())
    np.testing.assert_array_equal(*found)
    np.testing.assert_allclose(found[0], np.tanh(1.0) * 2.0, 1e-5)
    assert parts == [3] * (2 if rows == 24 else 4), (
        "the product, and where it is long enough, the chain behind it"
    )


@pytest.mark.parametrize(("rows", "shared"), [(100, False), (3000, True)])
def test_moments_of_long_columns_are_shared(rows, shared, several):
    several.count = 3
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (BATCH, 50))
    graph.outputs = {"y": ops.batch_moments(x)}
    made = plan(graph, rows)
    assert ("shared_moments(workers, " in emit(made).source) == shared
    given = {"x": np.random.default_rng(0).normal(size=(rows, 50))}
    meant = np.stack([given["x"].mean(0), given["x"].var(0), given["x"].var(0, ddof=1)])
    np.testing.assert_allclose(run(graph, given, graph.outputs.values(), rows)[0], meant, 1e-10, 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_chains_and_large_products_next_to_images_are_shared_too(dtype, several):
    several.count = 3
    graph = Graph(dtype)
    x, w = leaf(graph, "x", "input", (BATCH, 600)), leaf(graph, "w", "parameter", (600, 700))
    pooled = ops.max_pool(x, axis=1, windows=Strided(0, 1, 1, 600), floor=False)
    product = pooled @ w
    outputs = [product, ops.tanh(product * 0.01) * 2.0 + product, ops.relu(pooled)]
    rng = np.random.default_rng(0)
    given = {"x": rng.normal(size=(1800, 600)), "w": rng.normal(size=(600, 700))}
    graph.outputs = {str(i): v for i, v in enumerate(outputs)}
    made = plan(graph, 1800)
    assert made.workers == 3
    assert "shared_dot(workers, " in emit(made).source
    assert {block.workers for block in emit(made).blocks} == {3}
    assert any(block.passing for block in emit(made).blocks)
    meant = evaluate(graph, given, outputs, 1800)
    for batch_room in (1800, 2000):
        for got, there in zip(run(graph, given, outputs, 1800, room=batch_room), meant, strict=True):
            np.testing.assert_allclose(got, there, 100 * TOLERANCE[dtype], 100 * TOLERANCE[dtype])


def test_a_shared_plan_can_be_timed(several):
    several.count = 2
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (BATCH, 600))
    pooled = ops.max_pool(x, axis=1, windows=Strided(0, 2, 2, 300), floor=False)
    graph.outputs = {"y": ops.tanh(pooled * 0.1) + 1.0}
    made = plan(graph, 700)
    assert [block.workers for block in emit(made).blocks] == [2]
    clock = [0.0] * len(made.steps)
    given = {"x": np.random.default_rng(0).normal(size=(700, 600))}
    timed, plain = (
        Executable(made, program=each).bind(700, given)
        for each in (profiling.timed(made, emit(made), clock), None)
    )
    timed.step()
    plain.step()
    np.testing.assert_array_equal(timed.arrays["y"], plain.arrays["y"])
    assert all(seconds > 0.0 for seconds, code in zip(clock, emit(made).code, strict=True) if code)


def test_cores_are_those_of_the_process_and_at_most_eight(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    assert cores.cores() == 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert cores.cores() == 8
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores.cores() == 1
