from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.calls import (
    Remade,
    _clip,
    add_up,
    choose,
    clip,
    maximum,
    maximum_reduce,
    perform,
    sum_between,
    sum_rows,
)


def test_calls_are_made_in_order():
    done = []
    perform([(done.append, (1,)), (done.extend, ([2, 3],))])
    assert done == [1, 2, 3]


def test_remade_calls_are_made_from_what_is_there_at_the_time():
    done, number = [], [1]
    calls = Remade(lambda: [(done.append, (number[0],))])
    perform(calls)
    number[0] = 2
    perform(calls)
    assert done == [1, 2]


def test_the_larger_of_two_is_written():
    out = np.empty(3)
    maximum(np.array([1.0, -2.0, 3.0]), 0.0, out)
    np.testing.assert_array_equal(out, [1.0, 0.0, 3.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bounds", [(0.0, np.inf), (-np.inf, 1.0), (-0.5, 1.0)])
def test_numbers_are_clipped_in_one_pass_as_in_two(bounds, dtype):
    x = np.resize(np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 0.5, 1.5, -2.0], dtype), 100)
    low, high = (np.array(bound, dtype) for bound in bounds)
    for own in (clip, _clip):
        for in_place in (False, True):
            out = x.copy()
            own(out if in_place else x, low, high, out)
            np.testing.assert_array_equal(out, np.clip(x, *bounds))
    assert isinstance(clip, np.ufunc)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("size", [10, 5_000])
@pytest.mark.parametrize("kinds", ["arrays", "a number", "numbers", "integers", "over b"])
def test_what_is_chosen_is_either_to_the_bit(kinds, size, dtype):
    rng = np.random.default_rng(0)
    condition = rng.random((size, 2)) < 0.5
    a, b = (rng.integers(-9, 9, (size, 2)).astype(dtype) for _ in range(2))
    integers = a.astype(np.int64)
    if dtype != "int64":
        a.flat[::3], b.flat[::3], a.flat[1::3], b.flat[1::4] = np.nan, np.inf, -0.0, -np.inf
    number = a.dtype.type(7)
    first = {"a number": number, "numbers": np.array(number), "integers": integers}.get(kinds, a)
    second = 0 if kinds == "numbers" else b
    wanted = np.where(condition, first, second).astype(dtype)
    out = b.copy() if kinds == "over b" else np.empty_like(b)
    choose(condition, first, out if kinds == "over b" else second, out, np.empty_like(b))
    assert out.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(200, 1), (200, 2), (96, 3), (40, 4), (3, 50, 4), (200, 5)])
@pytest.mark.parametrize("axis", [-1, 0])
def test_the_largest_of_few_columns_are_those_of_a_reduction(shape, axis, dtype):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    x.flat[::7], x.flat[3::11] = np.nan, -np.inf
    out = np.empty((*shape[:-1], 1) if axis == -1 else (1, *shape[1:]), dtype)
    maximum_reduce(x, axis, None, out, True)
    np.testing.assert_array_equal(out, x.max(axis=axis, keepdims=True))


@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3)])
def test_rows_are_summed_or_added(shape):
    x, out, more = np.random.default_rng(0).normal(size=shape), np.full(3, np.nan), np.empty(3)
    expected = x.reshape(-1, 3).sum(0)
    for times in (1, 2):
        perform(sum_rows(x, np.ones(20), more, times == 1, out))
        np.testing.assert_allclose(out, times * expected, 1e-13)


def test_sums_are_added_to_the_first():
    sums = [np.array([1.0, 2.0]), np.array([10.0, 20.0]), np.array([100.0, 200.0])]
    add_up(sums)
    np.testing.assert_array_equal(sums, [[111.0, 222.0], [10.0, 20.0], [100.0, 200.0]])


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((3, 4, 5), (1,)), ((4, 3, 2, 5), (0, 1)), ((2, 3, 4, 5, 6), (1, 2)), ((0, 4, 5), (1,))],
)
def test_axes_that_others_follow_are_summed(shape, axes):
    x = np.random.default_rng(0).normal(size=shape)
    expected = x.sum(axes)
    out = np.full_like(expected, np.nan)
    ones = np.ones(np.prod([shape[axis] for axis in axes]))
    sum_between(x, axes, ones, out)
    np.testing.assert_allclose(out, expected, 1e-12, 1e-12)
