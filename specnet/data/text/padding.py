from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def padded(
    rows: Sequence[NDArray[np.int64]], length: int, count: int, truncate: str | None = None
) -> NDArray[Any]:
    """Return rows of indices below `count` as (rows, length), truncated or filled up with 0 at their end."""
    made = np.zeros((len(rows), length), np.min_scalar_type(max(0, count - 1)))
    for place, row in zip(made, rows, strict=True):
        kept = row[-length:] if truncate == "start" else row[:length]
        place[: len(kept)] = kept
    return made
