"""Convolutions by products of transformed tiles: output and gradients are those of the formula, within rounding."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy import convolution, strips
from specnet.engines.numpy.calls import perform
from specnet.engines.numpy.winograd import pays, pays_back
from specnet.graph import winograd
from specnet.graph.convolution_scratch import ConvolutionScratch
from specnet.graph.geometry import Geometry
from tests.support import reference

NONE, SAME = ((0, 0), (0, 0)), ((1, 1), (1, 1))
CASES = [
    ((8, 6), (3, 3, 7, 5), SAME, 5),
    ((7, 9), (3, 3, 6, 8), SAME, 3),
    ((9, 8), (3, 3, 7, 5), NONE, 2),
    ((1, 12), (3, 3, 6, 5), SAME, 4),
    ((5, 1), (3, 3, 6, 5), SAME, 1),
    ((6, 7), (3, 3, 6, 5), ((2, 0), (0, 1)), 2),
    ((9, 7), (5, 5, 6, 5), ((2, 2), (2, 2)), 3),
    ((8, 9), (5, 3, 6, 5), ((0, 4), (2, 1)), 2),
    ((7, 11), (3, 7, 6, 5), ((1, 1), (3, 3)), 2),
]
"""Images, kernels, padding and batches: odd sizes, one row or column, a single image, kernels of several parts."""


def geometry(size, kernel, padding, phases=(1, 1), item=4) -> Geometry:
    channels, filters = kernel[2:]
    return Geometry(size, channels, kernel[:2], filters, (1, 1), padding, (1, 1), 1, item, phases)


def drawn(how: Geometry, batch: int) -> list[np.ndarray]:
    """Return images, a kernel, a bias, and what flows back to the output."""
    rng = np.random.default_rng(0)
    kernel = (*how.kernel, how.channels, how.filters)
    shapes = (batch, *how.size, how.channels), kernel, (how.filters,), (batch, *how.laid)
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


def computed(how: Geometry, x, w, b, g) -> list[np.ndarray]:
    """Return output and gradients, in scratch memory of just the size that is asked for; the kernel's twice."""
    needed = ConvolutionScratch(how)
    output, back, forward = needed.forward, needed.input, needed.kernel
    y, to_x, to_w, more = (np.full_like(each, np.nan) for each in (g, x, w, w))

    def scratch(numbers: int) -> np.ndarray:
        return np.full(numbers, np.nan, np.float32)

    perform(convolution.convolve(x, w, b, scratch(output), how, y))
    perform(convolution.convolve_input(g, w, scratch(back), how, to_x))
    for overwrite in (True, False):
        perform(convolution.convolve_kernel(x, g, scratch(forward), more, how, overwrite, to_w))
    return [y, to_x, to_w]


def expected(how: Geometry, x, w, b, g) -> list[np.ndarray]:
    """Return the same by the formula, in double precision."""
    x, w, b, g = (each.astype(np.float64) for each in (x, w, b, g))
    settings = {"strides": (1, 1), "padding": how.padding, "dilation": (1, 1), "groups": 1}
    whole = reference.conv2d(x, w, b, **settings)
    if how.phases == (1, 1):
        y, flowing = whole, g
    else:
        height, width = how.out
        flowing = np.zeros_like(whole)
        places = strips.by_phase(flowing[:, :height, :width], how)
        places[...] = g.reshape(places.shape)
        y = strips.by_phase(whole[:, :height, :width], how).reshape(g.shape)
    back = reference.conv2d_input(flowing, w, how.size, **settings)
    return [y, back, 2 * reference.conv2d_kernel(x, flowing, how.kernel, **settings)]


@pytest.fixture
def always(monkeypatch):
    """Compute all convolutions that can be by tiles."""
    for name in ("LEAST", "LEAST_BACK", "OWN"):
        monkeypatch.setattr(winograd, name, -1_000_000)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("room", [winograd.ROOM, 2_000])
@pytest.mark.parametrize("phases", [(1, 1), (2, 2)])
@pytest.mark.parametrize(("size", "kernel", "padding", "batch"), CASES)
def test_output_and_gradients_are_those_of_the_formula(
    size, kernel, padding, batch, phases, room, monkeypatch
):
    monkeypatch.setattr(winograd, "ROOM", room)
    monkeypatch.setattr(winograd, "FEWEST", 2)
    how = geometry(size, kernel, padding, phases)
    if min(how.out) < 1:
        assert phases == (2, 2)
        return
    arrays = drawn(how, batch)
    assert pays(how.winograd, arrays[0])
    for found, wanted in zip(computed(how, *arrays), expected(how, *arrays), strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-6 * np.abs(wanted).max(), rtol=0)


def test_rounding_is_about_that_of_sums_over_patches(monkeypatch):
    how = geometry((14, 14), (3, 3, 48, 48), SAME)
    arrays = drawn(how, 16)
    assert pays(how.winograd, arrays[0])
    tiles, exact = computed(how, *arrays), expected(how, *arrays)
    monkeypatch.setattr(winograd, "LEAST", 1e9)
    monkeypatch.setattr(winograd, "LEAST_BACK", 1e9)
    patches = computed(geometry((14, 14), (3, 3, 48, 48), SAME), *arrays)
    for found, other, wanted in zip(tiles, patches, exact, strict=True):
        assert 0 < np.square(found - wanted).mean() < 9 * np.square(other - wanted).mean()


@pytest.mark.usefixtures("always")
def test_what_is_not_finite_reaches_the_places_of_its_tiles_alone():
    how = geometry((8, 8), (3, 3, 7, 5), SAME)
    x, w, b, g = drawn(how, 2)
    clean, *_ = computed(how, x, w, b, g)
    x[0, 3, 4] = np.inf
    with np.errstate(invalid="ignore"):
        found, *_ = computed(how, x, w, b, g)
    touched = np.zeros(clean.shape, bool)
    # Places 2 to 5 of both axes: the tiles of 4 x 4 pixels there are those that see row 3 and column 4.
    touched[0, 2:6, 2:6] = True
    np.testing.assert_array_equal(found[~touched], clean[~touched])
    sees = found[0, 2:5, 3:6]
    assert not np.isfinite(sees).any()


def test_the_bits_are_the_same_every_time():
    how = geometry((13, 14), (3, 3, 48, 40), SAME)
    arrays = drawn(how, 7)
    assert pays(how.winograd, arrays[0])
    for one, other in zip(computed(how, *arrays), computed(how, *arrays), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("how", "images", "ways"),
    [
        (geometry((28, 28), (3, 3, 64, 64), SAME), 1, (True, True, True)),
        (geometry((14, 14), (5, 5, 32, 64), ((2, 2), (2, 2))), 8, (True, True, True)),
        (geometry((14, 14), (5, 5, 32, 64), ((2, 2), (2, 2))), 1, (False, False, False)),
        (geometry((28, 28), (3, 3, 24, 24), SAME), 8, (False, False, True)),
        (geometry((7, 7), (3, 3, 128, 128), SAME), 1, (False, False, False)),
        (geometry((28, 28), (3, 3, 64, 64), SAME, (3, 3)), 8, (False, False, False)),
        (geometry((28, 28), (3, 3, 64, 64), SAME, item=8), 8, (False, False, False)),
        (geometry((28, 28), (4, 4, 64, 64), SAME), 8, (False, False, False)),
        (geometry((28, 28), (3, 3, 64, 3), SAME), 8, (False, False, False)),
        (geometry((28, 28), (3, 3, 512, 512), SAME), 8, (False, False, False)),
    ],
    ids=["wide", "5 x 5", "one", "narrow", "few pixels", "phases", "double", "even", "few filters", "huge"],
)
def test_it_is_used_where_it_pays(how, images, ways):
    x, g = np.empty((images, 1)), np.empty((images, 1))
    assert (pays(how.winograd, x), pays(how.winograd_back, g), pays_back(how.winograd, x)) == ways
