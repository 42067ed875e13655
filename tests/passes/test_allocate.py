"""Where arrays lie: none is in another's way, and a check that would see it if one were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.data import inspect_data
from specnet.engines.execution import Executable
from specnet.graph import ops
from specnet.graph.sizes import BATCH, STEPS
from specnet.model.network import Network
from specnet.model.programs import training_graph
from specnet.passes import allocate, arena, fuse
from specnet.passes.differentiate import differentiate
from specnet.passes.pipeline import plan
from specnet.vocabulary.schedules import RunLength
from tests.support.allocations import allocations, collisions
from tests.support.compiled import checked
from tests.support.graphs import drawn, graph_of, loss_of
from tests.support.loops import CASES, SIZES

SPECS = Path(__file__).parents[2] / "specs"


def found(graph, sizes, **options):
    """Return what is wrong with the allocation of a graph's plan."""
    with allocations(pytest.MonkeyPatch()) as seen:
        plan(graph, sizes, **options)
    return collisions(*seen[0])


@pytest.mark.parametrize("name", ["iris", "digits", "two-heads", "denoising-autoencoder"])
@pytest.mark.parametrize("cores", [1, 2])
def test_trainings_of_shipped_documents(name, cores, monkeypatch):
    monkeypatch.setattr("specnet.passes.pipeline.cores", lambda *_: cores)
    spec = specnet.load(SPECS / f"{name}.toml")
    network = Network(spec, inspect_data(spec.data, spec.folder))
    for batch in (32, 1500):
        assert found(training_graph(network, RunLength(1, 1)).graph, batch) == []


@pytest.mark.parametrize("piece", [4, fuse.PIECE])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_gradients_of_loops(case, piece, monkeypatch):
    monkeypatch.setattr(fuse, "PIECE", piece)
    for optimise in (True, False):
        graph = trained(case)
        assert found(graph, SIZES, optimise=optimise) == []


def trained(case):
    graph, leaves, results = case.looped()
    floats = [value for value in leaves.values() if value.dtype == "float64"]
    gradients = differentiate(graph, loss_of(results), floats)
    graph.outputs = {str(n): value for n, value in enumerate([*results, *gradients])}
    return graph


# The check itself


def pieces(monkeypatch):
    """Return a graph with a chain that is cut into pieces, a loop, and a new value of a leaf."""
    monkeypatch.setattr(fuse, "PIECE", 4)
    graph = trained(CASES["lstm"])
    x = next(value for value in graph.values if value.shape == (STEPS, BATCH, 3))
    graph.outputs["chain"] = ops.sigmoid(ops.tanh(ops.softplus(x) * 0.5) + ops.tanh(x))
    return graph


def test_the_check_sees_arrays_that_die_too_early(monkeypatch):
    graph = pieces(monkeypatch)
    assert found(graph, SIZES) == []
    monkeypatch.setattr(allocate._Allocator, "_deaths", lambda _: None)
    assert any("meet" in text for text in found(graph, SIZES))


def test_the_check_sees_memory_that_is_handed_out_twice(monkeypatch):
    graph = pieces(monkeypatch)
    monkeypatch.setattr(arena._TakenMemory, "place", lambda *_: 0)
    assert any("meet" in text for text in found(graph, SIZES))


def test_the_check_sees_what_is_overwritten_before_it_is_read(monkeypatch):
    class Forgetful(allocate._Allocator):
        def _reused(self, group, value):
            self.times.last_read = {source.index: self.times.position[value.index] for source in value.inputs}
            return super()._reused(group, value)

    graph, leaves = graph_of({"x": (BATCH, 3)})
    first = ops.exp(leaves["x"])
    graph.outputs["y"] = ops.MATMUL(ops.tanh(first), first, a_t=True)
    assert found(graph, 4) == []
    monkeypatch.setattr(allocate, "_Allocator", Forgetful)
    assert any("meet" in text for text in found(graph, 4))


def test_the_check_sees_ops_that_cannot_run_in_place(monkeypatch):
    graph, leaves = graph_of({"x": (BATCH, 3)})
    graph.outputs["y"] = ops.erf(ops.exp(leaves["x"])) * 0.5
    assert found(graph, 4) == []
    original = allocate._Allocator._reused

    def reused(self, group, value):
        source = self.out.places.get(value.inputs[0].index)
        return source if value.op is ops.erf else original(self, group, value)

    monkeypatch.setattr(allocate._Allocator, "_reused", reused)
    assert any("meet" in text for text in found(graph, 4))


def test_the_check_sees_rooms_that_are_too_small(monkeypatch):
    graph = pieces(monkeypatch)
    original = allocate.lay_out
    monkeypatch.setattr(allocate, "lay_out", lambda storages: original(storages) // 2)
    texts = found(graph, SIZES)
    assert any("leaves the arena" in text for text in texts)
    assert any("a worker's room" in text for text in texts)


# What drawn graphs have found


def test_a_loop_that_a_chain_passes_over(monkeypatch):
    monkeypatch.setattr(fuse, "PIECE", 4)
    graph, leaves = graph_of({"x": (BATCH, 3), "y": (BATCH, 3)})
    first = ops.tanh(leaves["x"])
    (last,), _ = ops.scan(lambda s, _: ([(s[0] + s[0]) * 0.5], []), [leaves["y"]], [], length=2)
    both = ops.exp(first)
    checked(graph, drawn(graph, 4), [last, both], 4)


def test_rows_of_a_batch_by_batch_array(monkeypatch):
    monkeypatch.setattr(fuse, "PIECE", 4)
    graph, leaves = graph_of({"x": (BATCH, 3), "v": (BATCH,), "c": (BATCH, 1)})
    scores = ops.MATMUL(leaves["x"], leaves["x"], b_t=True)
    wanted = ops.tanh((scores - leaves["v"]) * leaves["c"])
    checked(graph, drawn(graph, 5), [wanted], 5)
    graph.outputs = {"y": wanted}
    assert any(step.block for step in plan(graph, 5).steps)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("optimise", [False, True])
def test_a_leaf_takes_what_another_one_had(late, optimise):
    """As a lookahead does, or a sum of what was before; in whatever order the leaves take their values."""
    graph, leaves = graph_of({"A": (3,), "B": (3,), "C": (3,)})
    moves = [(leaves["A"], leaves["B"]), (leaves["B"], ops.tanh(leaves["B"])), (leaves["C"], leaves["A"])]
    for leaf, value in reversed(moves) if late else moves:
        graph.assign(leaf, value)
    made = plan(graph, 1, optimise=optimise)
    given = drawn(graph, 1)
    held = {name: given[name].copy() for name in made.leaves}
    Executable(made).bind(1, held).step()
    np.testing.assert_array_equal(held["A"], given["B"])
    np.testing.assert_array_equal(held["C"], given["A"])
    np.testing.assert_allclose(held["B"], np.tanh(given["B"]))


def test_leaves_that_take_each_others_values_are_refused():
    graph, leaves = graph_of({"A": (3,), "B": (3,)})
    graph.assign(leaves["A"], leaves["B"])
    graph.assign(leaves["B"], leaves["A"])
    with pytest.raises(AssertionError, match="each other"):
        plan(graph, 1)
