from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specnet.data.signature import LARGEST_INDEX


def count_classes(targets: NDArray[Any]) -> tuple[int | None, list[int] | None]:
    """Return how many classes whole numbers (rows,) are, and the rows of each, where counting them is cheap.

    None where there is a number that is not a class index.
    """
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= LARGEST_INDEX:
        return None, None
    count = high + 1
    return count, np.bincount(targets.astype(np.int64)).tolist() if count <= 10 * len(targets) else None
