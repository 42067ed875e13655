from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specnet.data.signature import LARGEST_INDEX

ONE_PER_ROW: tuple[tuple[int, ...], ...] = ((), (1,))
"""The shapes of one target that can be a class index."""

PIECE = 1 << 20
"""How many targets are counted at once."""


def count_classes(targets: NDArray[Any]) -> tuple[int | None, list[int] | None]:
    """Return the number of classes of targets, and the rows of each, where counting them is cheap.

    Class indices are whole numbers from 0, one per row: (rows,) or (rows, 1), of any type. None for all else.
    """
    if targets.shape[1:] not in ONE_PER_ROW:
        return None, None
    low, high = float(targets.min()), float(targets.max())
    if not 0 <= low <= high < LARGEST_INDEX:  # nor NaN
        return None, None
    flat, count = targets.reshape(-1), int(high) + 1
    per_class = np.zeros(count, np.int64) if count <= 10 * len(flat) else None
    for start in range(0, len(flat), PIECE):
        part = flat[start : start + PIECE]
        indices = part.astype(np.int64)
        if part.dtype.kind == "f" and not np.array_equal(indices, part):
            return None, None
        if per_class is not None:
            per_class += np.bincount(indices, minlength=count)
    return count, None if per_class is None else per_class.tolist()
