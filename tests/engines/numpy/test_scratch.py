"""Scratch memory, given out piece by piece."""

from __future__ import annotations

import numpy as np

from specnet.engines.numpy.scratch import ScratchPool


def test_what_is_taken_is_given_out_once_and_the_rest_is_for_whoever_asks():
    memory = np.arange(10.0)
    pool = ScratchPool(memory)
    taken = pool.take((2, 3))
    shared, again = pool.for_now((4,)), pool.for_now((2, 2))
    np.testing.assert_array_equal(taken, [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(shared, again.reshape(-1))
    assert not np.shares_memory(taken, shared)
    assert np.shares_memory(pool.rest, shared)
