"""Blocks of matrix products, and what compiled functions do with bare addresses."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from specnet.engines.numba import blocks, vectors
from tests.support.examples import DTYPES
from tests.support.processors import run_as_if_on

block, rows_of, stack, bytes_of = vectors.block, vectors.block_rows, vectors.stack_numbers, vectors.bytes_of
dots, fill_zeros, copy_bytes = vectors.dots, vectors.fill_zeros, vectors.copy_bytes
vector_bytes, block_vectors = vectors.vector_bytes, vectors.block_vectors
turn_square, copy_number = vectors.turn_square, vectors.copy_number


@numba.njit
def compute(like, columns, steps, rows, y, bias, adds):
    block(like, columns, steps, rows, y, bias, adds)


@numba.njit
def multiply(like, count, steps, rows, y, bias):
    dots(like, count, steps, rows, y, bias)


@numba.njit
def turn(like, source, source_line, to, to_line):
    turn_square(like, source, source_line, to, to_line)
    copy_number(like, to, source + bytes_of(like))


@numba.njit
def shape(like):
    return rows_of(), block_vectors() * vector_bytes() // bytes_of(like), block_vectors()


@numba.njit
def move(to, source, count):
    fill_zeros(to, 2 * count)
    copy_bytes(to + count, source, count)
    return stack() % 8


def address(array):
    return array.ctypes.data


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_block_is_a_product_of_rows_that_lie_anywhere(dtype):
    rng = np.random.default_rng(0)
    like = np.dtype(dtype).type(0)
    rows, most, _ = shape(like)
    counts, a, b, c = (2, 3, 5), *np.ogrid[:2, :3, :5]
    for columns in range(1, most + 1):
        x = rng.normal(size=(rows, 200)).astype(dtype)
        y = rng.normal(size=30 * columns).astype(dtype)
        bias = rng.normal(size=columns).astype(dtype)
        out = rng.normal(size=(rows, columns + 1)).astype(dtype)
        start = out.copy()
        factors = np.stack([row[(a * 70 + b * 11 + c * 2)].ravel() for row in x])
        expected = factors.astype("float64") @ y.reshape(30, columns)
        along_x, along_y = (70, 11, 2), (15 * columns, 5 * columns, columns)
        steps = np.array([*counts, *(step * out.itemsize for step in (*along_x, *along_y))])
        places = np.array([*map(address, x), *map(address, out)])
        given = like, columns, address(steps), address(places), address(y)
        compute(*given, address(bias), 0)
        np.testing.assert_allclose(out[:, :-1], expected + bias, 1e-4, 1e-4)
        compute(*given, 0, 1)
        np.testing.assert_allclose(out[:, :-1], 2 * expected + bias, 1e-4, 1e-4)
        np.testing.assert_array_equal(out[:, -1], start[:, -1])  # nothing beyond the last column is written


@pytest.mark.parametrize("dtype", DTYPES)
def test_inner_products_are_over_runs_of_any_length(dtype):
    rng = np.random.default_rng(0)
    like = np.dtype(dtype).type(0)
    rows, most, _ = shape(like)
    for count in (1, 2, most - 1, most, most + 1, 3 * most + 5):
        x = rng.normal(size=(rows, 3, 2, count + 1)).astype(dtype)
        y, bias = rng.normal(size=(3, 2, count)).astype(dtype), like + 3
        x[..., count] = np.nan  # what follows a run is not read
        out = np.full(rows, np.nan, dtype)
        along_x, along_y = (2 * count + 2, count + 1, 0), (2 * count, count, 0)
        steps = np.array([3, 2, 0, *(step * out.itemsize for step in (*along_x, *along_y))])
        places = np.array([*map(address, x), *(address(out[row:]) for row in range(rows))])
        given = np.array([bias])
        multiply(like, count, address(steps), address(places), address(y), address(given))
        expected = np.einsum("rabc, abc", x[..., :count].astype("float64"), y)
        np.testing.assert_allclose(out, expected + 3, 1e-4, 1e-4)
        multiply(like, count, address(steps), address(places), address(y), 0)
        np.testing.assert_allclose(out, expected, 1e-4, 1e-4)


def test_rows_may_be_the_same():
    rows, *_ = shape(np.float64(0))
    x, y, out = np.arange(3.0), np.arange(6.0), np.ones(2)
    steps = np.array([1, 1, 3, 0, 0, 8, 0, 0, 16])
    places = np.array([address(x)] * rows + [address(out)] * rows)
    compute(np.float64(0), 2, address(steps), address(places), address(y), 0, 1)
    np.testing.assert_array_equal(out, [11.0, 14.0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_square_is_transposed(dtype):
    like = np.dtype(dtype).type(0)
    _, most, vectors_of_block = shape(like)
    count = most // vectors_of_block
    x = np.arange(count * (count + 3), dtype=dtype).reshape(count, -1)
    out = np.zeros((count, count + 1), dtype)
    turn(like, address(x), x.strides[0], address(out), out.strides[0])
    assert out[0, 0] == 1  # a number that was copied after that
    out[0, 0] = 0
    np.testing.assert_array_equal(out[:, :-1], x[:, :count].T)
    assert not out[:, -1].any()


def test_bytes_are_copied_and_filled():
    source, out = np.arange(9, dtype=np.uint8), np.full(20, 7, np.uint8)
    assert move(address(out), address(source), 9) == 0
    assert out.tolist() == [0] * 9 + list(range(9)) + [7, 7]


@pytest.mark.parametrize(
    ("triple", "features", "expected"),
    [
        ("x86_64-unknown-linux-gnu", "+avx,+avx2,+avx512f,+fma", (64, 8, 3, True)),
        ("x86_64-unknown-linux-gnu", "+avx,+avx2,-avx512f", (32, 6, 2, True)),
        ("x86_64-unknown-linux-gnu", "+sse2,-avx", (16, 6, 2, False)),
        ("aarch64-unknown-linux-gnu", "+neon", (16, 8, 3, False)),
        ("arm64-apple-darwin23.0.0", "", (16, 8, 3, False)),
    ],
)
def test_the_shape_of_blocks_follows_from_the_processor(triple, features, expected):
    assert blocks.block_shape(triple, features) == blocks.BlockShape(*expected)


CHECKS = """
from tests.engines.numba import test_vectors as tests

print(*tests.shape(tests.np.float32(0)))
tests.test_a_square_is_transposed("float32")
tests.test_a_block_is_a_product_of_rows_that_lie_anywhere("float32")
tests.test_inner_products_are_over_runs_of_any_length("float32")
tests.test_rows_may_be_the_same()
"""


@pytest.mark.parametrize(
    ("name", "features", "expected"),
    [("haswell", "+avx,+avx2,+fma", "6 16 2"), ("x86-64", "+sse2", "6 8 2")],
)
def test_older_processors_have_blocks_of_their_own(name, features, expected):
    assert run_as_if_on(name, features, CHECKS) == expected
