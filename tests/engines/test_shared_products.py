"""Matrix products that workers share."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines import blas
from specnet.engines.shared_products import shared_dot
from specnet.engines.workers import Workers
from tests.support.threads import KNOWN


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_shared_product_is_the_product(count):
    rng = np.random.default_rng(0)
    a, b, out = rng.normal(size=(7, 5)), rng.normal(size=(5, 4)), np.empty((7, 4))
    shared_dot(Workers(count), a, b, out)
    np.testing.assert_allclose(out, a @ b, 1e-13)
    wide = np.empty((4, 7))
    shared_dot(Workers(count), b.T, a.T, wide)
    np.testing.assert_allclose(wide, b.T @ a.T, 1e-13)
    turned = np.empty((5, 4))
    shared_dot(Workers(count), a.T, rng.normal(size=(7, 4)), turned)
    shared_dot(Workers(count), a.T, np.ones((7, 4)), turned)
    np.testing.assert_allclose(turned, a.T @ np.ones((7, 4)), 1e-13)


@KNOWN
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(784, 128, 256), (100, 1500, 333), (256, 784, 128), (7, 5, 4)])
@pytest.mark.parametrize("turned", [False, True])
def test_a_product_has_the_same_bits_whoever_computes_it(sizes, dtype, turned):
    rows, inner, columns = sizes
    rng = np.random.default_rng(1)
    a = rng.standard_normal((inner, rows) if turned else (rows, inner), dtype)
    b, found = rng.standard_normal((inner, columns), dtype), []
    with blas.limited(1):
        for helped in (True, False, True):
            workers, out = Workers(3), np.empty((rows, columns), dtype)
            with workers.helping(helped):
                shared_dot(workers, a.T if turned else a, b, out)
            found.append(out.tobytes())
    assert len(set(found)) == 1
