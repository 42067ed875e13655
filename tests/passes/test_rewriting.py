"""The driver of passes."""

from __future__ import annotations

import pytest

from specnet.graph import ops
from specnet.graph.graph import Region
from specnet.graph.printing import text
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes import rewriting
from specnet.passes.rewriting import Copying, Rewriting, readers_of, wanted_indices
from tests.support.graphs import graph_of
from tests.support.loops import CASES


@pytest.mark.parametrize("nothing", [Rewriting, Copying])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_pass_that_does_nothing_gives_the_same_graph(case, nothing):
    graph, leaves, results = case.looped()
    graph.outputs = {f"y{n}": value for n, value in enumerate(results)}
    state = next(value for value in leaves.values() if value.dtype == "float64")
    graph.assign(state, state * 0.5)
    before = text(graph)
    made = nothing(graph).run()
    assert text(made) == before == text(graph)
    assert made is not graph
    assert all(value.graph is made for value in made.values)
    assert {region for node in made for region in node.regions}.isdisjoint(
        region for node in graph for region in node.regions
    )


@pytest.mark.parametrize("nothing", [Rewriting, Copying])
def test_origin_and_phase_go_along(nothing):
    graph, leaves = graph_of({"x": (STEPS, 3)})
    graph.key_path, graph.phase = ("layers", 1), "backward"
    (), (y,) = ops.scan(lambda _, slices: ([], [ops.exp(slices[0])]), [], [leaves["x"]])
    graph.key_path = ("loss",)
    graph.outputs["y"] = ops.exp(y)
    made = nothing(graph).run()
    (body,) = made.nodes[1].regions
    assert [node.key_path for node in made] == [(), ("layers", 1), ("loss",)]
    assert {node.phase for node in made.nodes[1:]} == {"backward"}
    assert body.nodes[-1].key_path == ("layers", 1)


class Doubling(Rewriting):
    """Writes twice the exponential in the place of every one, and counts its visits."""

    visits: list[tuple[type, int]] = []  # noqa: RUF012

    def visit(self, node):
        Doubling.visits.append((type(node.graph), node.index))
        return (ops.exp(self.of(node.inputs[0])) * 2.0,) if node.op is ops.exp else self.copy(node)


def deep(depth):
    """Return a graph with a loop in a loop in a loop, each with an exponential."""
    graph, leaves = graph_of({"h": (BATCH, 2)})

    def step(level):
        def inner(states, _):
            new = ops.exp(states[0])
            if level:
                (new,), _ = ops.scan(step(level - 1), [new], [], length=2)
            return [new], []

        return inner

    (last,), _ = ops.scan(step(depth - 1), [leaves["h"]], [], length=2)
    graph.outputs["y"] = last
    return graph


def loops_in(graph):
    return [region for node in graph for inner in node.regions for region in (inner, *loops_in(inner))]


def test_regions_are_visited_within_regions_too():
    made = Doubling(deep(3)).run()
    bodies = loops_in(made)
    assert len(bodies) == 3
    for body in bodies:
        assert isinstance(body, Region)
        assert [node.op for node in body].count(ops.multiply) == 1


def test_what_is_not_needed_has_nothing_in_its_place():
    class Leaving(Rewriting):
        def visit(self, node):
            return (None,) if node.op is ops.log else self.copy(node)

    graph, leaves = graph_of({"x": (BATCH,)})
    ops.log(leaves["x"])
    graph.outputs["y"] = ops.exp(leaves["x"])
    assert [node.op.name for node in Leaving(graph).run()] == ["leaf", "exp"]
    graph.outputs["z"] = graph.values[1]
    with pytest.raises(KeyError):
        Leaving(graph).run()


def test_a_pass_gives_something_for_each_result():
    class Short(Rewriting):
        def visit(self, node):
            return self.copy(node)[:-1]

    graph, _ = graph_of({"x": (BATCH,)})
    with pytest.raises(ValueError, match="zip"):
        Short(graph).run()


@pytest.mark.parametrize("depth", [1, 2, 6])
def test_each_node_is_visited_once(depth, monkeypatch):
    monkeypatch.setattr(Doubling, "visits", [])
    graph = deep(depth)
    Doubling(graph).run()
    nodes = len(graph) + sum(len(region) for region in loops_in(graph))
    assert len(Doubling.visits) == nodes == 3 * depth + 1


def test_readers_and_what_is_wanted():
    graph, leaves = graph_of({"x": (BATCH, 3), "W": (3,)})
    double = leaves["x"] + leaves["x"]
    graph.outputs["y"] = double
    graph.assign(leaves["W"], ops.reduce_sum(double, axes=(0,)))
    readers = readers_of(graph)
    assert readers[leaves["x"].index] == [double.node, double.node], "once for each time that it is read"
    assert readers[double.index] == [graph.nodes[-1]]
    assert leaves["W"].index not in readers
    assert wanted_indices(graph) == {double.index, graph.values[-1].index}
    assert rewriting.readers_of(deep(1)).keys() == {0}
