"""Compiled convolution of each channel by itself, against the NumPy engine's and against its definition."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.kernels import convolution as compiled
from specnet.engines.numba.kernels.depthwise_passes import passes_over_images, passes_over_output
from specnet.engines.numpy import convolution
from specnet.engines.numpy.calls import perform
from specnet.graph.convolution_scratch import ConvolutionScratch
from specnet.graph.geometry import Geometry
from tests.support.examples import DTYPES, examples
from tests.support.kernels import check_same_convolution


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize(
    ("size", "kernel", "options"),
    [
        ((6, 7), (3, 2), {}),
        ((9, 11), (3, 3), {"padding": ((1, 1), (1, 1))}),
        ((1, 5), (3, 3), {"padding": ((1, 1), (1, 1))}),
        ((9, 11), (3, 3), {"padding": ((0, 1), (0, 1)), "strides": (2, 2)}),
        ((9, 11), (3, 3), {"padding": ((2, 2), (3, 3)), "dilation": (2, 3)}),
        ((9, 11), (3, 3), {"padding": ((3, 3), (4, 4))}),
        ((6, 7), (3, 2), {"padding": ((1, 1), (2, 0)), "strides": (2, 1)}),
        ((6, 9), (1, 5), {"dilation": (2, 1), "padding": ((0, 2), (1, 1))}),
    ],
    ids=["plain", "3 x 3", "one row", "strided 3 x 3", "dilated 3 x 3", "wide padding", "strided", "dilated"],
)
def test_output_and_gradients_are_those_of_the_numpy_engine(size, kernel, options, multiplier, dtype):
    how = check_same_convolution(
        convolution, compiled, size, (*kernel, 1, 5 * multiplier), groups=5, dtype=dtype, **options
    )
    assert how.depthwise


def geometries(count):
    """Draw convolutions of 2 to 70 channels, of any kind."""
    rng = np.random.default_rng(0)
    while count:
        size, kernel, strides, dilation = (
            tuple(map(int, rng.integers(1, most, 2))) for most in (15, 8, 4, 4)
        )
        padding = tuple((int(before), int(behind)) for before, behind in rng.integers(0, 5, (2, 2)))
        channels = int(rng.integers(2, 71))
        how = Geometry(size, channels, kernel, channels, strides, padding, dilation, channels, 4)
        if min(how.out) > 0:
            count -= 1
            yield how


def named(how):
    return f"{how.size}-{how.kernel}-{how.strides}-{how.dilation}-{how.channels}".replace(" ", "")


@pytest.mark.parametrize("how", [*geometries(examples(60))], ids=named)
def test_any_strides_and_dilation(how):
    check_same_convolution(
        convolution,
        compiled,
        how.size,
        (*how.kernel, 1, how.filters),
        strides=how.strides,
        padding=how.padding,
        dilation=how.dilation,
        groups=how.groups,
        batch=2,
        dtype="float32",
    )


def triples(passes, sizes, *, back):
    """Count which place of the images each place of the output sees, by which tap, in all passes."""
    found = Counter()
    for each in passes:
        rows, columns = each.rows, each.columns
        for k, p, m, t in product(*map(range, (rows.count, rows.taps, columns.seen, columns.taps))):
            j = columns.lead + m - t
            if 0 <= j < columns.places:
                y = rows.at + k * rows.apart, columns.at + j * columns.apart
                x = rows.sees + k * rows.per_row + p * rows.per_tap, columns.sees + m * columns.step
                tap = rows.tap + p * rows.tap_step, columns.tap + t * columns.tap_step
                assert all(
                    0 <= place < size for place, size in zip((*x, *y), (*sizes[0], *sizes[1]), strict=True)
                )
                found[(y, x, tap) if back else (x, y, tap)] += 1
    return found


@pytest.mark.parametrize("how", [*geometries(examples(20))], ids=named)
def test_passes_multiply_what_is_to_be_multiplied_once(how):
    expected = Counter()
    for *y, p, q in np.ndindex(*how.out, *how.kernel):
        x = tuple(
            place * stride + tap * dilation - before
            for place, stride, tap, dilation, (before, _) in zip(
                y, how.strides, (p, q), how.dilation, how.padding, strict=True
            )
        )
        if all(0 <= place < size for place, size in zip(x, how.size, strict=True)):
            expected[x, tuple(y), (p, q)] += 1
    assert triples(passes_over_output(how), (how.size, how.out), back=False) == expected
    assert triples(passes_over_images(how), (how.out, how.size), back=True) == expected


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_what_is_not_finite_reaches_what_sees_it_and_nothing_else(bad, strides):
    around = ((1, 1), (1, 1))
    how = Geometry((7, 9), 20, (3, 3), 20, strides, around, (1, 1), 20, 4)
    images, kernel, output = (2, *how.size, 20), (3, 3, 1, 20), (2, *how.out, 20)

    def made(name, first, second, out):
        scratch, more = np.empty(ConvolutionScratch(how).forward, "float32"), np.empty(kernel, "float32")
        given = {
            "convolve": (first, second, None, scratch),
            "convolve_input": (first, second, scratch),
            "convolve_kernel": (first, second, scratch, more),
        }
        last = (how, True) if name == "convolve_kernel" else (how,)
        perform(getattr(compiled, name)(*given[name], *last, out))
        return out

    for name, shapes in {
        "convolve": (images, kernel, output),
        "convolve_input": (output, kernel, images),
        "convolve_kernel": (images, output, kernel),
    }.items():
        for which, place in product((0, 1), ((0, 0, 0, 3), (-1, -1, -1, 19))):
            given = [np.ones(shape, "float32") for shape in shapes[:2]]
            plain = made(name, *given, np.empty(shapes[2], "float32"))
            given[which][place] = 2
            reached = made(name, *given, np.empty(shapes[2], "float32")) != plain
            given[which][place] = bad
            found = made(name, *given, np.empty(shapes[2], "float32"))
            np.testing.assert_array_equal(np.isfinite(found), ~reached)
            assert reached.any()
