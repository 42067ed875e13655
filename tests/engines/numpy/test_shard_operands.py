"""What a worker's statements call the rows that it has, and what all workers read."""

from __future__ import annotations

import pytest

from specnet.engines.numpy.emit import emit
from specnet.graph import ops
from specnet.graph.leaves import number
from specnet.graph.sizes import BATCH
from specnet.passes import cores, shard
from specnet.passes.pipeline import plan
from tests.support.graphs import graph_of


@pytest.fixture(autouse=True)
def two_workers(monkeypatch):
    monkeypatch.setattr(cores, "allowed", lambda: 2)
    monkeypatch.setattr(shard, "LEAST_FLOPS", 0)


def shard_of(apply):
    """Return the program of a graph's plan, and the function that its workers run."""
    graph, leaves = graph_of({"x": (BATCH, 4, 6), "W": (6, 6)})
    graph.outputs = {"y": apply(graph, **leaves)}
    program = emit(plan(graph, 8))
    (found,) = program.shards
    return program, found


def attended(x, W):
    return ops.MATMUL(ops.softmax(ops.MATMUL(x @ W, x, b_t=True)), x)


def test_rows_of_arrays_are_cut_and_the_rest_is_named_as_around():
    program, found = shard_of(lambda _, x, W: attended(x, W))
    around = {view.name: view for view in program.views}
    assert {around[view].memory for view in found.rows.values()} == {"x", "arena"}
    assert all(view.memory == "arena" for view in found.views), "what lies in other memory is no worker's own"
    assert any(view.memory == "W" and view.name in found.source for view in program.views)


def test_rows_in_another_form_are_made_of_rows():
    _, found = shard_of(lambda _, x, W: attended(x, W))
    assert {shaped.of for shaped in found.forms.values()} <= set(found.rows)
    assert {shaped.form for shaped in found.forms.values()} == {"plain", "T"}


def test_a_result_is_computed_where_its_rows_are():
    program, found = shard_of(lambda _, x, W: attended(x, W))
    (result,) = (name for name, view in found.rows.items() if view == program.arrays["y"])
    assert f", {result})" in found.source
    assert not found.sums


def test_a_sum_is_found_in_memory_of_each_worker():
    program, found = shard_of(lambda _, x, W: ops.reduce_sum(attended(x, W), axes=(0, 1)))
    ((part, whole),) = found.sums.values()
    assert whole == program.arrays["y"]
    assert part in {view.name for view in found.views}


def test_scalars_are_handed_over():
    _, found = shard_of(
        lambda graph, x, W: ops.reduce_sum(attended(x, W) * number(graph, "share"), axes=(0, 1, 2))
    )
    assert found.source.startswith("def shard_0(share):")
    assert "return (s" in found.source
