from __future__ import annotations

import numpy as np
import pytest

from specnet.diagnostics import RunError
from specnet.engines.numpy.scatter import as_indices, scatter_add


def indices(x, size=4):
    x = np.asarray(x)
    out = np.full(x.shape, -1, np.int64)
    as_indices(x, size, "embedding_1", np.empty_like(x), np.empty(x.shape, bool), out)
    return out


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_whole_numbers_become_indices(dtype):
    found = indices(np.array([[0, 3], [2, 1]], dtype))
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, [[0, 3], [2, 1]])


@pytest.mark.parametrize(
    ("x", "shown"),
    [([0.0, 1.5], "1.5"), ([0.0, -1.0], "-1"), ([4.0, 0.0], "4"), ([0, 7], "7"), ([np.nan], "nan")],
)
def test_other_numbers_are_named(x, shown):
    message = f"embedding_1 takes whole numbers from 0 to 3, since its input_dim is 4, got {shown}"
    with np.errstate(all="ignore"), pytest.raises(RunError, match=message.replace(".", r"\.")):
        indices(x)


def test_rows_are_added_where_their_indices_say():
    rng = np.random.default_rng(0)
    x, index = rng.normal(size=(5, 3)), np.array([2, 0, 2, 1, 2])
    out, scratch = np.full(4 * 3, np.nan), np.empty((2, 15), np.int64)
    scatter_add(x.reshape(-1), index, np.arange(3), *scratch, out)
    np.testing.assert_allclose(out.reshape(4, 3), np.eye(4)[index].T @ x, 1e-13)
