"""Dimensions with named sizes, and what is computed with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specnet.graph.sizes import (
    BATCH,
    STEPS,
    Count,
    Forms,
    Size,
    added,
    at,
    between,
    broadcast,
    count,
    inverse,
    joined,
    moved,
    product_of,
    show,
    times,
)

PRIMES = {"batch": 11, "heads": 13, "steps": 17}
"""No dimension of the tests below is one of these, or a product of other ones."""

NAMES = st.lists(st.sampled_from(sorted(PRIMES)), min_size=1, max_size=3).map(lambda n: tuple(sorted(n)))
SIZED = st.builds(Size, st.integers(1, 3), NAMES)
DIMS = st.one_of(st.integers(1, 3), SIZED)
SHAPES = st.lists(DIMS, max_size=4).map(tuple)
SIZES = st.fixed_dictionaries(dict.fromkeys(PRIMES, st.integers(1, 7)))


@given(SHAPES, SIZES)
def test_a_count_is_that_of_the_shape(shape, sizes):
    assert count(shape).at(sizes) == np.prod(at(shape, sizes), dtype=int)


@given(SHAPES, SHAPES, SIZES)
def test_counts_multiply_and_divide(a, b, sizes):
    both = count(a) * count(b)
    assert both == count((*a, *b))
    assert both.at(sizes) == count(a).at(sizes) * count(b).at(sizes)
    assert both // count(b) == count(a)


@given(SHAPES, SIZES)
def test_the_one_dimension_of_several_holds_as_many(shape, sizes):
    whole = joined(shape)
    assert at((whole,), sizes) == (np.prod(at(shape, sizes), dtype=int),)
    assert count((whole,)) == count(shape)


@given(st.lists(DIMS, min_size=1, max_size=4))
def test_dimensions_are_added_where_the_sum_is_one(dims):
    whole = added(dims)
    meant = sum(at(tuple(dims), PRIMES))
    sizes = [dim for dim in dims if isinstance(dim, Size)]
    alone = len(sizes) == 1 and sizes[0].times == len(sizes[0].names) == 1 and sizes[0] != BATCH
    if len({dim.names if isinstance(dim, Size) else None for dim in dims}) == 1 or alone:
        assert at((whole,), PRIMES) == (meant,)
    else:
        assert whole is None


@given(st.integers(-5, 5), st.integers(-5, 5), SIZES)
def test_a_size_may_have_an_offset(a, b, sizes):
    there = moved(STEPS, a)
    assert at((there,), sizes) == (sizes["steps"] + a,)
    assert moved(moved(there, b), -a - b) == STEPS
    assert between(moved(STEPS, b), there) == b - a
    assert count((BATCH, there)).at(sizes) == sizes["batch"] * (sizes["steps"] + a)


def test_only_a_size_by_itself_has_an_offset():
    heads = Size(names=("heads",))
    assert [moved(dim, 1) for dim in (BATCH, Size(2, ("steps",)), Size(1, ("batch", "steps")))] == [None] * 3
    assert between(STEPS, heads) is between(3, STEPS) is None
    assert (between(Size(3, ("steps",)), STEPS), between(STEPS, 2)) == (Size(2, ("steps",)), moved(STEPS, -2))
    assert show((BATCH, moved(STEPS, 2), moved(STEPS, -2))) == "(batch, steps+2, steps-2)"


def test_forms_need_what_their_largest_one_does():
    forms = Forms([{"batch": 8, "steps": 2}, {"batch": 2, "steps": 9}, {"batch": 8, "steps": 2}])
    assert (dict(forms), len(forms.forms)) == ({"batch": 8, "steps": 9}, 2)
    assert count((BATCH, STEPS)).at(forms) == 18
    assert count((BATCH, moved(STEPS, 3))).at(forms) == 40
    assert [forms.hold({"batch": n, "steps": m}) for n, m in ((8, 2), (1, 9), (3, 3), (8, 9))] == [
        True,
        True,
        False,
        False,
    ]


def test_dimensions_of_zero_add_nothing():
    assert added([]) == 0
    assert added([STEPS, 0]) == STEPS


@given(SHAPES, SHAPES)
def test_broadcasting_is_numpys_where_no_two_sizes_are_equal(a, b):
    try:
        meant = np.broadcast_shapes(at(a, PRIMES), at(b, PRIMES))
    except ValueError:
        assert broadcast(a, b) is None
        return
    found = broadcast(a, b)
    assert found is not None
    assert at(found, PRIMES) == meant
    assert broadcast(b, a) == found


@given(SHAPES)
def test_a_shape_is_stretched_to_itself(shape):
    assert broadcast(shape, shape) == shape
    assert broadcast(shape, ()) == shape


POWERS = st.dictionaries(st.sampled_from(sorted(PRIMES)), st.integers(-2, 2).filter(bool)).map(
    lambda powers: tuple(sorted(powers.items()))
)


@given(POWERS, POWERS)
def test_products_of_powers(a, b):
    assert product_of(times(a, b), PRIMES) == pytest.approx(
        product_of(a, PRIMES) * product_of(b, PRIMES), rel=1e-15
    )
    assert times(a, b) == times(b, a), "in alphabetical order"
    assert times(a, inverse(a)) == ()


def test_a_number_stands_for_the_batch_alone():
    assert BATCH.at(5) == Size(1, ("batch",)).at({"batch": 5, "steps": 9}) == 5
    assert Size(3, ("batch", "steps")).at({"batch": 2, "steps": 4}) == 24
    with pytest.raises(AssertionError, match="steps is not known"):
        STEPS.at(5)


def test_sizes_as_text():
    assert show((STEPS, BATCH, 3)) == "(steps, batch, 3)"
    assert show((Size(2, ("batch", "steps")),)) == "(2*batch*steps,)"


def test_counts_of_large_sizes_are_exact():
    large = Count(3, (("batch", 1), ("steps", 2)))
    assert large.at({"batch": 10**9, "steps": 10**9}) == 3 * 10**27
