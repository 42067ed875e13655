"""Ops over arrays of two named sizes, and indices that only integers hold."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.graph import ShapeFault
from specnet.graph.leaves import constant
from specnet.graph.sizes import BATCH, STEPS, Size, moved
from specnet.passes.differentiate import differentiate
from tests.support.compiled import checked, run
from tests.support.graphs import difference, drawn, graph_of, loss_of
from tests.support.reference import evaluate

SIZES = {"batch": 3, "steps": 5}
SHAPES = {
    "x": (STEPS, BATCH, 4),
    "y": (STEPS, BATCH, 4),
    "z": (BATCH, STEPS, 4),
    "w": (BATCH, 4, STEPS),
    "v": (BATCH, 4, 2),
    "i": (STEPS, BATCH, "int64"),
    "T": (6, 4),
}


def mean_over_steps(x, **_):
    return ops.mean(x, axes=(0,)) * constant(x.graph, 2.0, (("batch", -1),))


APPLIED = {
    "concat of steps": lambda x, y, **_: ops.concat(x, y, axis=0),
    "concat of a batch": lambda x, y, **_: ops.concat(x, ops.tanh(y), x, axis=1),
    "crop of steps": lambda x, y, **_: ops.crop(
        ops.concat(x, y, axis=0), margins=((0, STEPS), (0, 0), (1, 1))
    ),
    "pad by steps": lambda x, **_: ops.pad(x, margins=((STEPS, Size(2, ("steps",))), (0, BATCH), (0, 1))),
    "crop by a number": lambda x, **_: ops.crop(x, margins=((1, 2), (0, 0), (0, 0))),
    "crop to the first": lambda x, **_: ops.crop(x, margins=((0, moved(STEPS, -1)), (0, 0), (0, 0))),
    "pad by a number": lambda x, y, **_: ops.pad(x, margins=((2, 1), (0, 0), (0, 0))),
    "windows": lambda z, **_: ops.concat(
        *(
            ops.crop(ops.pad(z, margins=((0, 0), (2, 0), (0, 0))), margins=((0, 0), (n, 2 - n), (0, 0)))
            for n in range(3)
        ),
        axis=2,
    ),
    "concat of a number and steps": lambda x, y, **_: ops.concat(
        ops.crop(x, margins=((0, moved(STEPS, -1)), (0, 0), (0, 0))),
        ops.tanh(ops.crop(y, margins=((3, 0), (0, 0), (0, 0)))),
        axis=0,
    ),
    "the first of the largest over steps": lambda w, **_: ops.take_along_axis(w, ops.argmax(w)),
    "step numbers": lambda z, **_: (
        z * ops.reshape(ops.cast(ops.step_numbers(z.graph, STEPS), to=z.dtype), shape=(STEPS, 1))
    ),
    "product by steps": lambda x, v, **_: ops.MATMUL(ops.transpose(x, axes=(1, 0, 2)), v),
    "product of steps": lambda z, w, **_: ops.MATMUL(z, w),
    "transposed product": lambda z, v, **_: ops.MATMUL(v, z, a_t=True, b_t=True),
    "matmul": lambda x, T, **_: ops.matmul(x, ops.transpose(T, axes=(1, 0))),
    "softmax over steps": lambda x, **_: ops.softmax(x, axis=-3),
    "softmax over the batch": lambda x, **_: ops.log_softmax(x, axis=-2),
    "softmax of scores": lambda z, w, **_: ops.softmax(ops.MATMUL(z, w)),
    "largest over steps": lambda x, **_: ops.reduce_max(x, axis=-3),
    "total over steps": lambda x, **_: ops.reduce_sum(x, axes=(0,)),
    "mean over steps": mean_over_steps,
    "mean of all": lambda x, **_: ops.mean_all(x),
    "reshape": lambda x, **_: ops.square(ops.reshape(x, shape=(Size(4, ("batch", "steps")),))),
    "rows": lambda x, T, **_: ops.rows(x) @ ops.transpose(T, axes=(1, 0)),
    "gather": lambda i, T, **_: ops.gather(T, i),
}


@pytest.mark.parametrize("name", APPLIED)
def test_ops_work_over_two_named_sizes(name):
    graph, leaves = graph_of(SHAPES)
    y = APPLIED[name](**leaves)
    loss = loss_of([y])
    sources = [value for value in leaves.values() if value.dtype == "float64"]
    gradients = differentiate(graph, loss, sources)
    given = drawn(graph, SIZES)
    _, *slopes = checked(graph, given, [y, *gradients], SIZES)
    rng = np.random.default_rng(1)
    assert any(slope.any() for slope in slopes)
    for source, slope in zip(sources, slopes, strict=True):
        direction = rng.normal(size=slope.shape)
        expected = difference(evaluate, loss, given, source, direction, SIZES)
        assert (slope * direction).sum() == pytest.approx(expected, rel=1e-8, abs=1e-9)


def test_the_index_of_the_largest_over_steps():
    graph, leaves = graph_of(SHAPES)
    wanted = [ops.argmax(leaves["x"], axis=axis) for axis in (-3, -2, -1)]
    given = drawn(graph, SIZES)
    for axis, got in enumerate(checked(graph, given, wanted, SIZES)):
        np.testing.assert_array_equal(got, given["x"].argmax(axis))


def test_axes_of_different_sizes_are_not_joined():
    _, leaves = graph_of({"x": (STEPS, 4), "y": (BATCH, 4), "z": (2, 4)})
    with pytest.raises(ShapeFault, match=r"\(steps, 4\) and \(batch, 4\) cannot be joined along axis 0"):
        ops.concat(leaves["x"], leaves["y"], axis=0)
    with pytest.raises(ShapeFault, match="cannot be joined along axis 0"):
        ops.concat(leaves["y"], leaves["z"], axis=0)
    with pytest.raises(ShapeFault, match="have no matrix product"):
        ops.MATMUL(leaves["x"], leaves["y"], a_t=True)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("graphs", ["float32", "float64"])
def test_an_index_beyond_what_float32_counts_reaches_its_row(dtype, graphs):
    graph, leaves = graph_of({"T": (2**24 + 3,), "i": (BATCH, dtype)}, graphs)
    table = np.zeros(2**24 + 3)
    table[2**24 + 1] = 1.0
    got = run(graph, {"T": table, "i": [2**24, 2**24 + 1]}, [ops.gather(leaves["T"], leaves["i"])], 2)
    np.testing.assert_array_equal(got[0], [0.0, 1.0])


def test_integers_stay_integers():
    graph, leaves = graph_of({"i": (BATCH, "int64"), "j": (BATCH, "int64")}, "float32")
    i, j = leaves["i"], leaves["j"]
    wanted = [i + j, ops.concat(i, j, axis=0), ops.maximum(i, j), ops.equal(i, j)]
    given = {"i": np.array([2**53 + 1, 2**24 + 1]), "j": np.array([2**53, 2**24 + 1])}
    meant = [
        given["i"] + given["j"],
        np.concatenate([given["i"], given["j"]]),
        given["i"],
        given["i"] == given["j"],
    ]
    for optimise in (False, True):
        got = run(graph, given, wanted, 2, optimise=optimise)
        for here, there in zip(got, meant, strict=True):
            assert here.dtype == there.dtype
            np.testing.assert_array_equal(here, there)
