"""Normalisation over places and groups of features, tile by tile, with tiles of one example and of several."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.normalising_groups import group_moments, group_norm, group_norm_grad

EPSILON, EXAMPLES, PLACES, FEATURES, GROUPS = 1e-5, 5, 7, 6, 2


def normal(x):
    whole = x.reshape(EXAMPLES, PLACES, GROUPS, -1)
    left = whole - whole.mean(axis=(1, 3), keepdims=True)
    return (left / np.sqrt((left**2).mean(axis=(1, 3), keepdims=True) + EPSILON)).reshape(x.shape)


def call(calls):
    for function, arguments in calls:
        function(*arguments)


@pytest.mark.parametrize(("examples", "places"), [(1, 1), (1, 3), (1, 7), (2, 7)])
def test_groups_are_normalised_whatever_the_tiles(examples, places):
    rng = np.random.default_rng(0)
    x, g, direction = (rng.normal(size=(EXAMPLES, PLACES, FEATURES)) for _ in range(3))
    average = np.full((1, PLACES), 1 / PLACES)
    share = np.full(FEATURES // GROUPS, GROUPS / FEATURES)
    laid = [np.empty((examples, places, FEATURES)) for _ in range(3)]
    total, product, part = (np.empty((4, 1, FEATURES)) for _ in range(3))
    scratch, found = np.empty(x.size), np.empty((EXAMPLES, 2, FEATURES))
    y, back = np.full_like(x, np.nan), np.full_like(x, np.nan)
    call(group_moments(x, EPSILON, average, share, scratch, total, part, laid[0], found))
    call(group_norm(x, found, laid[0], laid[1], y))
    np.testing.assert_allclose(y, normal(x), 1e-12)
    call(group_norm_grad(g, y, found, average, share, scratch, total, product, part, *laid, back))
    step = 1e-6 * direction
    slope = (normal(x + step) - normal(x - step)) / 2e-6
    assert (back * direction).sum() == pytest.approx((g * slope).sum(), rel=1e-6)
