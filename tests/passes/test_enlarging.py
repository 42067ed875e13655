"""Convolutions of enlarged images, folded into transposed ones of the small images."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.differentiate import differentiate
from specnet.passes.enlarging import fold_enlargements
from specnet.passes.pipeline import plan
from specnet.passes.simplify import simplify
from tests.support.compiled import checked, compared
from tests.support.graphs import body_of, counted, drawn

SAME = ((1, 1), (1, 1))


def enlarged(x, scale):
    """Return images in which each pixel is repeated."""
    batch, height, width, channels = x.shape
    (down, right) = scale
    y = ops.reshape(x, shape=(batch, height, 1, width, 1, channels))
    y = ops.expand(y, shape=(batch, height, down, width, right, channels))
    return ops.reshape(y, shape=(batch, height * down, width * right, channels))


def convolved(size=(5, 4), kernel=(3, 3), scale=(2, 2), *, filters=4, dtype="float64", **options):
    """Return a graph, its leaves, and a convolution of enlarged images."""
    graph = Graph(dtype)
    options = ops.PLAIN | {"padding": SAME} | options
    x = leaf(graph, "x", "input", (BATCH, *size, 3))
    w = leaf(graph, "w", "parameter", (*kernel, 3 // options["groups"], filters))
    b = leaf(graph, "b", "parameter", (filters,))
    return graph, (x, w, b), ops.conv2d(enlarged(x, scale), w, b, **options)


def folded(graph):
    return fold_enlargements(simplify(graph))


CASES = {
    "twice": {},
    "one filter": {"filters": 1},
    "5 x 5 taps": {"kernel": (5, 5), "padding": ((2, 2), (2, 2)), "size": (6, 5)},
    "no zeros around": {"padding": ((0, 0), (0, 0))},
    "zeros on one side": {"padding": ((2, 0), (0, 1))},
    "three times": {"scale": (3, 3)},
    "down alone": {"scale": (3, 1)},
    "across alone": {"scale": (1, 2)},
    "unequal": {"scale": (2, 3), "kernel": (2, 3), "padding": ((1, 0), (1, 1))},
    "even taps": {"kernel": (2, 2), "padding": ((0, 1), (0, 1))},
    "a row of taps": {"kernel": (1, 3), "padding": ((0, 0), (1, 1))},
}


@pytest.mark.parametrize("case", CASES)
def test_it_computes_the_same_and_what_flows_back(case):
    graph, leaves, y = convolved(**CASES[case])
    t = leaf(graph, "t", "input", y.shape)
    wanted = [y, *differentiate(graph, ops.sum_all(y * t), list(leaves))]
    checked(graph, drawn(graph, 3), wanted, 3)
    graph.outputs = {str(i): value for i, value in enumerate(wanted)}
    made = folded(graph)
    # The op of each gradient is the other one's: a transposed convolution has what flows back as its images.
    assert [counted(made, op) for op in (ops.conv2d, ops.conv2d_input, ops.conv2d_kernel)] == [1, 1, 1]
    assert counted(made, ops.expand) <= 1, "nothing is enlarged"
    taps, scale = (
        CASES[case].get(name, default) for name, default in (("kernel", (3, 3)), ("scale", (2, 2)))
    )
    (back,) = (node for node in made if node.op is ops.conv2d_input)
    assert back.inputs[1].shape[:2] == tuple(k + s - 1 for k, s in zip(taps, scale, strict=True))
    assert ops.conv2d_input.of(back).strides == scale


def test_each_engine_takes_it():
    pytest.importorskip("numba")
    graph, leaves, y = convolved(dtype="float32")
    t = leaf(graph, "t", "input", y.shape)
    wanted = [y, *differentiate(graph, ops.sum_all(y * t), list(leaves))]
    compared(graph, drawn(graph, 3), wanted, 3)


def test_it_takes_fewer_operations_and_less_memory():
    def planned(*, optimise):
        graph, leaves, y = convolved(size=(14, 14), filters=16)
        graph.outputs = {
            str(i): v for i, v in enumerate(differentiate(graph, ops.sum_all(y * y), list(leaves)))
        }
        return plan(graph, 64, threads=1, optimise=optimise)

    whole, less = planned(optimise=False), planned(optimise=True)
    assert less.flops() < 0.47 * whole.flops()
    assert less.arena < 0.7 * whole.arena


@pytest.mark.parametrize(
    "case",
    [
        pytest.param({"strides": (2, 2)}, id="strides"),
        pytest.param({"dilation": (2, 1)}, id="dilation"),
        pytest.param({"groups": 3, "filters": 3}, id="groups"),
        pytest.param({"padding": ((3, 1), (1, 1))}, id="more zeros than taps reach"),
        pytest.param({"kernel": (1, 1), "padding": ((0, 0), (0, 0))}, id="one tap"),
        pytest.param({"size": (2, 3)}, id="so small that the sums of the kernel cost more"),
        pytest.param({"scale": (1, 1)}, id="not enlarged"),
    ],
)
def test_others_stay_as_they_are(case):
    graph, leaves, y = convolved(**case)
    wanted = [y, *differentiate(graph, ops.sum_all(y * y), list(leaves))]
    checked(graph, drawn(graph, 2), wanted, 2)
    graph.outputs = {str(i): value for i, value in enumerate(wanted)}
    before = simplify(graph)
    assert [str(node.op) for node in fold_enlargements(before)] == [str(node.op) for node in before]


def test_channels_and_rows_that_are_repeated_are_not_enlarged_images():
    graph = Graph("float64")
    x, w = leaf(graph, "x", "input", (BATCH, 6, 5, 3)), leaf(graph, "w", "parameter", (3, 3, 6, 2))
    wide = ops.reshape(
        ops.expand(ops.reshape(x, shape=(BATCH, 6, 5, 3, 1)), shape=(BATCH, 6, 5, 3, 2)),
        shape=(BATCH, 6, 5, 6),
    )
    y = ops.conv2d(wide, w, **ops.PLAIN)
    tiled = ops.expand(ops.reshape(x, shape=(BATCH, 1, 6, 5, 3)), shape=(BATCH, 2, 6, 5, 3))
    narrow = ops.crop(w, margins=((0, 0), (0, 0), (0, 3), (0, 0)))
    z = ops.conv2d(ops.reshape(tiled, shape=(BATCH, 12, 5, 3)), narrow, **ops.PLAIN)
    checked(graph, drawn(graph, 2), [y, z], 2)
    graph.outputs = {"y": y, "z": z}
    assert counted(folded(graph), ops.conv2d) == 2


def test_images_that_others_read_are_enlarged_as_well():
    graph, (x, w, b), y = convolved()
    large = y.inputs[0]
    slopes = differentiate(graph, ops.sum_all(y * y) + ops.sum_all(ops.tanh(large)), [x, w, b])
    checked(graph, drawn(graph, 2), [y, large, *slopes], 2)
    graph.outputs = {"y": y, "large": large}
    assert counted(folded(graph), ops.conv2d_input) == 1


@pytest.mark.parametrize("down", [True, False])
def test_steps_of_sequences(down):
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (BATCH, 6, 3))
    stretched = ops.expand(ops.reshape(x, shape=(BATCH, 6, 1, 3)), shape=(BATCH, 6, 2, 3))
    size, taps = ((12, 1), (3, 1)) if down else ((1, 12), (1, 3))
    w = leaf(graph, "w", "parameter", (*taps, 3, 4))
    around = ((1, 1), (0, 0)) if down else ((0, 0), (1, 1))
    y = ops.conv2d(ops.reshape(stretched, shape=(BATCH, *size, 3)), w, **ops.PLAIN | {"padding": around})
    wanted = [y, *differentiate(graph, ops.sum_all(y * y), [x, w])]
    checked(graph, drawn(graph, 2), wanted, 2)
    graph.outputs = {str(i): value for i, value in enumerate(wanted)}
    assert counted(folded(graph), ops.conv2d_input) == counted(folded(graph), ops.conv2d_kernel) == 1
    assert counted(folded(graph), ops.expand) <= 1


def test_within_a_loop():
    sizes = {"batch": 2, "steps": 3}
    graph, (x, w, b), y = convolved()
    images = leaf(graph, "images", "input", (STEPS, *x.shape))

    def step(_, slices):
        return [], [ops.conv2d(enlarged(slices[0], (2, 2)), w, b, **ops.PLAIN | {"padding": SAME})]

    _, (outputs,) = ops.scan(step, [], [images])
    checked(graph, drawn(graph, sizes), [y, outputs], sizes)
    graph.outputs = {"outputs": outputs}
    assert [node.op for node in body_of(folded(graph)) if node.op in (ops.conv2d, ops.conv2d_input)] == [
        ops.conv2d_input
    ]


def test_sums_of_a_kernel_are_those_of_the_definition():
    """A pixel repeated twice in a row, by three taps a, b, c: b + c and a + b at its copies, c and a next to them."""
    graph = Graph("float64")
    x, w = leaf(graph, "x", "input", (BATCH, 1, 9, 1)), leaf(graph, "w", "parameter", (1, 3, 1, 1))
    graph.outputs = {"y": ops.conv2d(enlarged(x, (1, 2)), w, **ops.PLAIN | {"padding": ((0, 0), (1, 1))})}
    (back,) = (node for node in folded(graph) if node.op is ops.conv2d_input)
    graph = back.value.graph
    pixels = np.zeros((1, 1, 9, 1))
    pixels[0, 0, 4, 0] = 1.0
    given = {"x": pixels, "w": np.array([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1)}
    (found,) = checked(graph, given, [graph.outputs["y"]], 1)
    assert found.ravel()[7:11].tolist() == [100.0, 110.0, 11.0, 1.0]
