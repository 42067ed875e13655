"""Convolutions that lie window place by window place, since a pooling follows: the same numbers, forward and back."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.graph import geometry, ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf, name_of
from specnet.graph.sizes import BATCH, STEPS
from specnet.graph.windows import Strided
from specnet.passes import cores
from specnet.passes.differentiate import differentiate
from specnet.passes.phases import lay_out_phases
from specnet.passes.pipeline import plan
from tests.support.compiled import checked
from tests.support.graphs import body_of, drawn

PLAIN = dict(ops.PLAIN)


def pooled(size=(9, 8), channels=3, windows=(2, 2), kernel=(3, 2), *, floor=True, last=None, **options):
    """Return a graph, its leaves, and a convolution behind which its columns and then its rows are pooled."""
    graph = Graph("float64")
    options = PLAIN | options
    x = leaf(graph, "x", "input", (BATCH, *size, channels))
    w = leaf(graph, "w", "parameter", (*kernel, channels // options["groups"], 4))
    b = leaf(graph, "b", "parameter", (4,))
    y = ops.conv2d(x, w, b, **options)
    height, width = y.shape[1:3]
    down, right = windows

    def each(count, step):
        return Strided(0, step, step, count // step)

    across = ops.max_pool(y, axis=2, windows=each(width, right), floor=False)
    z = ops.max_pool(across, axis=1, windows=last or each(height, down), floor=floor)
    return graph, (x, w, b), y, z


def phases(graph):
    return [ops.conv2d.of(v).phases for v in lay_out_phases(graph) if v.op is ops.conv2d]


CASES = {
    "odd": {},
    "even": {"size": (8, 7), "channels": 1},
    "without floor": {"floor": False},
    "padded": {"padding": ((1, 1), (1, 0)), "size": (6, 8)},
    "strides": {"strides": (2, 1), "size": (11, 8)},
    "dilated": {"dilation": (1, 2)},
    "groups": {"groups": 2, "channels": 4, "padding": ((1, 0), (0, 0))},
    "three by one": {"windows": (3, 2), "size": (9, 6)},
    "large windows": {"windows": (4, 3), "size": (12, 9), "kernel": (1, 1)},
}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("ties", [False, True])
def test_a_convolution_and_its_pooling_compute_the_same(case, count, ties, monkeypatch):
    """With ties: whole numbers, of which a window holds its largest several times; the first of them counts."""
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(count)), raising=False)
    graph, leaves, _, z = pooled(**CASES[case])
    t = leaf(graph, "t", "input", z.shape)
    gradients = differentiate(graph, ops.sum_all(z * t), list(leaves))
    rng = np.random.default_rng(0)
    given = {}
    for value in (*leaves, t):
        shape = tuple(5 if dim == BATCH else dim for dim in value.shape)
        drawn = rng.integers(-1, 2, shape) if ties and value is not t else rng.normal(size=shape)
        given[name_of(value)] = drawn
    checked(graph, given, [z, *gradients], 5)
    graph.outputs = {str(i): value for i, value in enumerate((z, *gradients))}
    (found,) = phases(graph)
    assert found == CASES[case].get("windows", (2, 2))
    made = plan(graph, 5)
    assert {step.op for step in made.steps} >= {"conv2d", "max_pool", "max_unpool", "conv2d_kernel"}
    assert sum(step.op == "max_pool" for step in made.steps) == 1


def test_places_that_no_window_sees_are_not_computed():
    graph, _, y, z = pooled(size=(9, 8), channels=3, kernel=(3, 2))
    graph.outputs = {"z": z}
    (step,) = (s for s in plan(graph, 1).steps if s.op == "conv2d")
    assert y.shape[1:] == (7, 7, 4)
    assert step.flops.at(1) == 6 * 6 * 4 * (2 * 3 * 2 * 3 + 1)


def test_a_convolution_that_others_read_stays_as_it_is(monkeypatch):
    graph, _, y, z = pooled()
    graph.outputs = {"z": z, "y": y}
    assert phases(graph) == [(1, 1)]
    graph, _, y, z = pooled()
    graph.outputs = {"z": z, "mean": ops.sum_all(y)}
    assert phases(graph) == [(1, 1)]
    graph, _, _, z = pooled(last=Strided(0, 3, 2, 3))
    graph.outputs = {"z": z}
    assert phases(graph) == [(1, 1)], "windows that share places"
    graph, _, _, z = pooled(size=(30, 30))
    graph.outputs = {"z": z}
    assert phases(graph) == [(2, 2)]
    monkeypatch.setattr(geometry, "ROOM", 5000)
    assert phases(graph) == [(1, 1)], "an image is cut into bands"


def test_loops_next_to_and_around_a_convolution():
    sizes = {"batch": 3, "steps": 2}
    graph, (x, w, b), _, z = pooled()
    (last,), _ = ops.scan(lambda states, _: ([ops.tanh(states[0])], []), [ops.flat(z)], [], length=2)
    checked(graph, drawn(graph, 3), [last], 3)
    assert phases(graph) == [(2, 2)]
    images = leaf(graph, "images", "input", (STEPS, *x.shape))

    def step(_, slices):
        across = ops.max_pool(ops.conv2d(slices[0], w, b, **PLAIN), axis=2, windows=APART, floor=False)
        return [], [ops.max_pool(across, axis=1, windows=APART, floor=True)]

    _, (outputs,) = ops.scan(step, [], [images])
    checked(graph, drawn(graph, sizes), [last, outputs], sizes)
    assert phases(graph) == [(2, 2)]
    inside = [node.value for node in body_of(lay_out_phases(graph), 1) if node.op is ops.conv2d]
    assert [ops.conv2d.of(value).phases for value in inside] == [(2, 2)]


APART = Strided(0, 2, 2, 3)
