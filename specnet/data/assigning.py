"""Which of the training rows each split gets: the one way in for all kinds of splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.folds import draw_fold, fold_share
from specnet.data.splits import SplitSpec, draw, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.split_keys import SplitKeys

    Assigned = Mapping[str, NDArray[np.intp]]


def assigned_rows(
    split: SplitSpec | None, keys: SplitKeys | None, seed: int, collector: Collector
) -> Assigned | None:
    """Return the rows of each split where a column or an array decides; None where they are drawn freely.

    Raises SpecError where the groups or times cannot be split so.
    """
    if split is None or keys is None:
        return None
    from specnet.data.grouping import split_by_keys

    with collector.together() as faults:
        return split_by_keys(split, keys, seed, faults)


def share_rows(
    rows: int, split: SplitSpec, per_class: Sequence[int] | None, collector: Collector
) -> dict[str, int]:
    """Return how many rows each split gets of those that are drawn freely; note splits that would be empty."""
    return (share if split.folds is None else fold_share)(rows, split, per_class, collector)


def draw_rows(rows: int, split: SplitSpec, classes: NDArray[np.int64] | None, seed: int) -> Assigned:
    """Return the rows of each split that are drawn freely, in ascending order."""
    return (draw if split.folds is None else draw_fold)(rows, split, classes, seed)
