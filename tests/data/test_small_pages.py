"""Large arrays are like all others, and too large ones are refused as NumPy refuses them."""

from __future__ import annotations

import mmap

import numpy as np
import pytest

from specnet.data import small_pages


@pytest.mark.parametrize("huge", [0, 1 << 40])
@pytest.mark.parametrize("shape", [(0, 3), (5,), (4, 2)])
def test_arrays_can_be_written_to(monkeypatch, huge, shape):
    monkeypatch.setattr(small_pages, "HUGE", huge)
    made = small_pages.empty(shape, "float32")
    made[...] = 2.0
    assert (made.shape, made.dtype, made.flags.c_contiguous) == (shape, np.dtype("float32"), True)
    assert made.sum() == 2.0 * made.size


def test_too_large_an_array(monkeypatch):
    def refuse(*_args, **_flags):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refuse)
    with pytest.raises(MemoryError, match="no memory for 80 bytes"):
        small_pages.in_small_pages((10,), np.float64)
