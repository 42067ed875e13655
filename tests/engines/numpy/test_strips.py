"""Convolutions over patches that overlap in memory."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy import strips
from specnet.engines.numpy.calls import perform
from specnet.graph import geometry
from specnet.graph.convolution_scratch import ConvolutionScratch
from tests.support import reference
from tests.support.kernels import check_convolution

SAME = ((1, 1), (1, 1))
CASES = [
    ((6, 7), (3, 3, 18, 6), {"padding": SAME}),
    ((6, 7), (3, 3, 18, 1), {}),
    ((7, 6), (2, 3, 6, 3), {"padding": ((0, 1), (2, 0))}),
    ((9, 7), (3, 2, 8, 9), {"padding": ((2, 2), (0, 1)), "dilation": (2, 1)}),
    ((3, 9), (5, 3, 7, 6), {"padding": ((4, 3), (1, 0))}),
    ((6, 7), (1, 5, 4, 4), {"padding": ((0, 0), (2, 2))}),
]

BACK_WITHOUT_STRIPS = [(3, 3, 18, 1), (2, 3, 6, 3)]
"""Kernels of these convolutions with too few filters for strips of what flows back."""


@pytest.mark.parametrize("room", [geometry.ROOM, 2_000])
@pytest.mark.parametrize(("size", "kernel", "options"), CASES)
def test_output_and_gradients_are_those_of_the_formula(size, kernel, options, room, monkeypatch):
    monkeypatch.setattr(geometry, "ROOM", room)
    how = check_convolution(size, kernel, **options)
    assert how.strips is not None
    back = how.turned is not None and how.turned.strips is not None
    assert back == (kernel not in BACK_WITHOUT_STRIPS)
    assert (room == 2_000) == (how.strip_tile[0] < 5)


def test_there_are_none_where_places_see_zeros_alone():
    assert check_convolution((4, 5), (3, 3, 18, 6), padding=((1, 1), (2, 4))).strips is not None
    assert check_convolution((4, 5), (3, 3, 18, 6), padding=((1, 1), (3, 4))).strips is None


@pytest.mark.parametrize("phases", [(2, 2), (3, 1)])
@pytest.mark.parametrize("room", [geometry.ROOM, 2_000])
def test_places_are_computed_phase_by_phase(phases, room, monkeypatch):
    monkeypatch.setattr(geometry, "ROOM", room)
    settings = {"strides": (1, 1), "padding": SAME, "dilation": (1, 1), "groups": 1}
    how = geometry.Geometry((6, 8), 18, (3, 3), 6, *settings.values(), item=8, phases=phases)
    assert how.strips is not None
    assert how.turned is not None
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(5, 6, 8, 18)), rng.normal(size=(3, 3, 18, 6)), rng.normal(size=6)
    height, width = how.out
    whole = reference.conv2d(x, w, b, **settings)
    y = np.full((5, *how.laid), np.nan)
    perform(strips.convolve(x, w, b, np.full(ConvolutionScratch(how).forward, np.nan), how, y))
    expected = strips.by_phase(whole[:, :height, :width], how)
    np.testing.assert_allclose(y, expected.reshape(y.shape), 1e-11)

    g, flowing = rng.normal(size=y.shape), np.zeros(whole.shape)
    places = strips.by_phase(flowing[:, :height, :width], how)
    places[...] = g.reshape(places.shape)
    back, total = np.full(x.shape, np.nan), np.full(w.shape, np.nan)
    perform(strips.convolve_input(g, w, np.full(ConvolutionScratch(how).input, np.nan), how, back))
    np.testing.assert_allclose(back, reference.conv2d_input(flowing, w, (6, 8), **settings), 1e-11, 1e-11)
    scratch, more = np.full(ConvolutionScratch(how).kernel, np.nan), np.full(w.shape, np.nan)
    perform(strips.convolve_kernel(x, g, scratch, more, how, True, total))
    np.testing.assert_allclose(total, reference.conv2d_kernel(x, flowing, (3, 3), **settings), 1e-11)


@pytest.mark.parametrize(
    ("size", "kernel", "options"),
    [
        ((6, 7), (3, 3, 18, 5), {"strides": (1, 2)}),
        ((6, 7), (3, 3, 18, 5), {"dilation": (1, 2)}),
        ((6, 7), (3, 1, 18, 5), {}),
        ((6, 7), (3, 3, 2, 5), {}),
        ((6, 7), (3, 3, 18, 200), {"padding": SAME}),
    ],
    ids=["strided", "dilated", "one column", "few channels", "too much computed in vain"],
)
def test_other_convolutions_have_separate_patches(size, kernel, options):
    assert check_convolution(size, kernel, **options).strips is None
