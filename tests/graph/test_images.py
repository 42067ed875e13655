"""Convolution and pooling of all shapes against PyTorch, and what their plans are counted at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from specnet.graph import geometry, ops
from specnet.graph.graph import Graph, ShapeFault
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.graph.windows import Strided
from specnet.passes.differentiate import differentiate
from specnet.passes.pipeline import plan
from tests.support.compiled import checked, run
from tests.support.examples import examples

torch = pytest.importorskip("torch")
F = torch.nn.functional

SETTINGS = settings(deadline=None, max_examples=examples(40))
SIZES, SMALL = st.integers(1, 9), st.integers(1, 3)


@st.composite
def convolutions(draw):
    """Shapes and attributes of a convolution that PyTorch can say as well: equal zeros before and behind."""
    groups = draw(SMALL)
    own, made = draw(SMALL), draw(SMALL)
    size, kernel = (draw(SIZES), draw(SIZES)), (draw(SMALL), draw(SMALL))
    strides, dilation = (draw(SMALL), draw(SMALL)), (draw(SMALL), draw(SMALL))
    around = (draw(st.integers(0, 2)), draw(st.integers(0, 2)))
    assume(
        all(s + 2 * p >= (k - 1) * d + 1 for s, p, k, d in zip(size, around, kernel, dilation, strict=True))
    )
    attributes = {
        "strides": strides,
        "padding": tuple((p, p) for p in around),
        "dilation": dilation,
        "groups": groups,
    }
    return (*size, groups * own), (*kernel, own, groups * made), attributes


@SETTINGS
@given(convolutions(), st.integers(1, 3), st.sampled_from([1, 300, geometry.ROOM]))
def test_any_convolution_and_all_that_flows_back(case, batch, room):
    shape, kernel, attributes = case
    graph = Graph("float64")
    x, w = leaf(graph, "x", "input", (BATCH, *shape)), leaf(graph, "w", "parameter", kernel)
    b = leaf(graph, "b", "parameter", kernel[-1:])
    y = ops.conv2d(x, w, b, **attributes)
    g = leaf(graph, "g", "input", y.shape)
    slopes = differentiate(graph, ops.sum_all(y * g), [x, w, b])
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(batch, *shape)), "w": rng.normal(size=kernel)}
    values |= {"b": rng.normal(size=kernel[-1]), "g": rng.normal(size=(batch, *y.shape[1:]))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry, "ROOM", room)
        got = run(graph, values, [y * 1.0, *slopes], batch)

    there = [torch.tensor(values[name], requires_grad=True) for name in "xwb"]
    meant = F.conv2d(
        there[0].movedim(-1, 1).contiguous(),
        there[1].permute(3, 2, 0, 1).contiguous(),
        there[2],
        attributes["strides"],
        tuple(p for p, _ in attributes["padding"]),
        attributes["dilation"],
        attributes["groups"],
    ).movedim(1, -1)
    meant.backward(torch.tensor(values["g"]))
    for ours, theirs in zip(got, [meant.detach(), *(t.grad for t in there)], strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-10, 1e-11)


@st.composite
def poolings(draw):
    size, pool = (draw(SIZES), draw(SIZES)), (draw(SMALL), draw(SMALL))
    strides = (draw(SMALL), draw(SMALL))
    around = tuple(draw(st.integers(0, p // 2)) for p in pool)
    assume(all(s + 2 * a >= p for s, a, p in zip(size, around, pool, strict=True)))
    return size, pool, strides, around


@SETTINGS
@given(poolings(), st.integers(1, 3), st.booleans(), st.booleans())
def test_any_pooling_with_equals_among_its_numbers(case, batch, largest, relu):
    """Whole numbers from -2 to 2: the first of equals takes the gradient, in PyTorch and here."""
    size, pool, strides, around = case
    windows = [
        Strided(-a, p, step, (s + 2 * a - p) // step + 1)
        for s, p, step, a in zip(size, pool, strides, around, strict=True)
    ]
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (BATCH, *size, 2))
    seen = ops.relu(x) if relu else x
    y = (ops.largest_of_windows if largest else ops.mean_of_windows)(seen, windows)
    g = leaf(graph, "g", "input", y.shape)
    slopes = differentiate(graph, ops.sum_all(y * g), [x])
    rng = np.random.default_rng(0)
    values = {"x": rng.integers(-2, 3, (batch, *size, 2)), "g": rng.normal(size=(batch, *y.shape[1:]))}
    got = checked(graph, values, [y * 1.0, *slopes], batch)

    there = torch.tensor(values["x"].astype(float), requires_grad=True)
    images = (torch.relu(there) if relu else there).movedim(-1, 1)
    if largest:
        meant = F.max_pool2d(images, pool, strides, around)
    else:
        meant = F.avg_pool2d(images, pool, strides, around, count_include_pad=False)
    meant.movedim(1, -1).backward(torch.tensor(values["g"]))
    for ours, theirs in zip(got, [meant.detach().movedim(1, -1), there.grad], strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-12, 1e-13)


def test_slopes_of_slopes_of_a_convolution():
    graph = Graph("float64")
    x, w = leaf(graph, "x", "input", (BATCH, 5, 4, 2)), leaf(graph, "w", "parameter", (3, 2, 2, 3))
    y = ops.conv2d(x, w, strides=(2, 1), padding=((1, 0), (0, 1)), dilation=(1, 1), groups=1)
    (slope,) = differentiate(graph, ops.sum_all(ops.square(y)), [x])
    second = differentiate(graph, ops.sum_all(ops.square(slope)), [x, w])
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(2, 5, 4, 2)), "w": rng.normal(size=(3, 2, 2, 3))}
    got = checked(graph, values, second, 2)
    a, b = (torch.tensor(values[name], requires_grad=True) for name in "xw")
    there = F.conv2d(F.pad(a.movedim(-1, 1), (0, 1, 1, 0)), b.permute(3, 2, 0, 1), stride=(2, 1))
    (flowed,) = torch.autograd.grad((there**2).sum(), a, create_graph=True)
    for ours, theirs in zip(got, torch.autograd.grad((flowed**2).sum(), (a, b)), strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-10)


def test_operations_are_counted_by_formula():
    """Two for each product that is added up, one for each bias; one for each number that a window sees."""
    graph = Graph("float32")
    x = leaf(graph, "x", "input", (BATCH, 11, 9, 6))
    w, b = leaf(graph, "w", "parameter", (3, 2, 2, 12)), leaf(graph, "b", "parameter", (12,))
    options = {"strides": (2, 1), "padding": ((1, 1), (0, 0)), "dilation": (1, 2), "groups": 3}
    y = ops.conv2d(x, w, b, **options)
    assert y.shape == (BATCH, 6, 7, 12)
    products = 6 * 7 * 12 * (3 * 2 * 2)
    assert y.op.count_flops(y).at(5) == 5 * (2 * products + 6 * 7 * 12)
    back = ops.conv2d_input(y, w, size=(11, 9), **options)
    assert back.op.count_flops(back).at(5) == 5 * 2 * products
    to_kernel = ops.conv2d_kernel(x, y, size=(3, 2), **options)
    assert to_kernel.op.count_flops(to_kernel).at(5) == 5 * 2 * products
    pooled = ops.largest_of_windows(y, [Strided(0, 2, 2, 3), Strided(0, 7, 1, 1)])
    graph.outputs = {"pooled": pooled}
    steps = [step for step in plan(graph, 5).steps if step.op == "max_pool"]
    assert [step.flops.at(5) for step in steps] == [5 * 12 * 6 * 7, 5 * 12 * 6]


@pytest.mark.parametrize(
    ("images", "kernel", "options", "message"),
    [
        ((3, 9, 4), (5, 3, 4, 2), {}, "a kernel of 5 x 3 is larger than the images of 3 x 9"),
        (
            (3, 9, 4),
            (3, 3, 4, 2),
            {"dilation": (2, 1), "padding": ((0, 0), (1, 0))},
            "a kernel of 3 x 3, 5 x 3 with its dilation, is larger than the images of 3 x 9, 3 x 10 with their padding",
        ),
        ((5, 5, 4), (3, 3, 2, 3), {"groups": 2}, "4 channels and 3 filters cannot both be divided into 2 groups"),
        ((5, 5, 4), (3, 3, 4, 6), {"groups": 2}, r"a kernel \(3, 3, 4, 6\) does not fit 4 channels in 2 groups"),
        ((5, 4), (3, 3, 4, 6), {}, r"\(batch, 5, 4\) is not the shape of images"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_reported(images, kernel, options, message):
    graph = Graph("float32")
    x, w = leaf(graph, "x", "input", (BATCH, *images)), leaf(graph, "w", "parameter", kernel)
    with pytest.raises(ShapeFault, match=message) as caught:
        ops.conv2d(x, w, **{**ops.PLAIN, **options})
    assert caught.value.blame is x


def test_a_window_that_sees_nothing_is_reported():
    graph = Graph("float32")
    x = leaf(graph, "x", "input", (BATCH, 4, 3))
    for windows in (Strided(0, 2, 2, 0), Strided(0, 2, 4, 2), Strided(-2, 2, 2, 1)):
        with pytest.raises(ShapeFault, match="a window sees nothing of axis 1"):
            ops.max_pool(x, axis=1, windows=windows, floor=False)
