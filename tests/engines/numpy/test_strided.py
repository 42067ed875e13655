"""What flows back to images through strides, by convolutions without strides, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.calls import perform
from specnet.engines.numpy.convolution import convolve, convolve_input
from specnet.engines.numpy.strided import convolve_input as by_parts
from specnet.graph import geometry
from specnet.graph.convolution_scratch import ConvolutionScratch
from specnet.graph.geometry import Geometry
from specnet.graph.stride_parts import StrideParts, stride_parts

torch = pytest.importorskip("torch")


def meant(g, w, how):
    """Return what flows back by PyTorch, for equal zeros before and behind."""
    (rows, _), (columns, _) = how.padding
    images = torch.zeros((len(g), how.channels, *how.size), dtype=torch.float64, requires_grad=True)
    kernel = torch.tensor(w.transpose(3, 2, 0, 1))
    y = torch.nn.functional.conv2d(images, kernel, stride=how.strides, padding=(rows, columns))
    y.backward(torch.tensor(g.transpose(0, 3, 1, 2)))
    return images.grad.numpy().transpose(0, 2, 3, 1)


def case(size, kernel, strides, around=(0, 0), channels=5, filters=4):
    padding = tuple((zeros, zeros) for zeros in around)
    return Geometry(size, channels, kernel, filters, strides, padding, (1, 1), 1, 8)


CASES = {
    "as many taps for each remainder": case((8, 8), (4, 4), (2, 2), (1, 1)),
    "more for the first": case((9, 7), (3, 3), (2, 2), (1, 1), channels=17),
    "across alone": case((5, 9), (3, 2), (1, 2), (1, 0), channels=17),
    "places that nothing reaches": case((9, 8), (1, 2), (3, 3), channels=17),
    "an output that reaches none": case((9, 9), (3, 3), (3, 3), (1, 1)),
    "places behind the last step": case((10, 11), (4, 2), (2, 2)),
    "one channel": case((8, 6), (2, 2), (2, 2), channels=1),
    "one filter": case((8, 8), (4, 4), (2, 2), (1, 1), filters=1),
    "large strides": case((13, 13), (5, 4), (4, 3), (2, 0), channels=17),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("images", [1, 2, 16])
def test_it_is_what_flows_back(name, images):
    how, rng = CASES[name], np.random.default_rng(0)
    parts = stride_parts(how)
    assert parts is not None
    g = rng.normal(size=(5, *how.out, how.filters))
    w = rng.normal(size=(*how.kernel, how.channels, how.filters))
    scratch = np.full(ConvolutionScratch(how).input, np.nan)
    out = np.full((5, *how.size, how.channels), np.nan)
    perform(by_parts(g, w, scratch, StrideParts(parts.parts, min(images, parts.images)), convolve, out))
    np.testing.assert_allclose(out, meant(g, w, how), 1e-12, 1e-12)
    if images == 16:
        whole = np.full_like(out, np.nan)
        perform(convolve_input(g, w, scratch, how, whole))
        np.testing.assert_array_equal(whole, out)


def test_patches_are_laid_out_once_where_all_remainders_have_as_many_taps():
    (whole,) = stride_parts(CASES["as many taps for each remainder"]).parts
    assert (whole.geometry.kernel, whole.geometry.filters) == ((2, 2), 4 * 5)
    parts = stride_parts(CASES["more for the first"]).parts
    assert [part.geometry.kernel for part in parts] == [(2, 2), (2, 1), (1, 2), (1, 1)]


def test_others_take_a_product_for_each_tap(monkeypatch):
    assert stride_parts(case((9, 9), (3, 3), (1, 1))) is None, "no strides"
    assert stride_parts(case((9, 9), (3, 3), (2, 2), channels=1)) is None, (
        "little in an image, and unequal taps"
    )
    large = case((9, 9), (4, 4), (2, 2))
    assert stride_parts(large) is not None
    monkeypatch.setattr(geometry, "ROOM", 1000)
    assert stride_parts(large) is None, "an image does not fit into a tile"
