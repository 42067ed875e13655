"""Which of the training rows each split gets: the one way in for all kinds of splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from specnet.data.collector import Collector
from specnet.data.drawing import draw, share
from specnet.data.folds import draw_fold, fold_share
from specnet.data.splits import SplitSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from specnet.data.split_keys import SplitKeys

    Assigned = Mapping[str, NDArray[np.intp]]

T = TypeVar("T")


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
        return _first([split_by_keys(each, keys, seed, faults) for each in _each_fold(split)], faults)


def _each_fold(split: SplitSpec) -> list[SplitSpec]:
    """Return a split for each fold that a run trains, or the only one: what is wrong with any is found at once."""
    # Without validation rows, what is wrong with one fold is wrong with all.
    folds = range(1, split.fold_count + 1) if split.is_whole and split.validation else ()
    return [split.model_copy(update={"fold": fold}) for fold in folds] or [split]


def _first(found: list[T], faults: Collector) -> T:
    """Return the first of what was found, and leave what is wrong with several folds alike in `faults` once."""
    faults.found = list({(d.code, d.message, d.path): d for d in faults.found}.values())
    return found[0]


def share_rows(
    rows: int,
    split: SplitSpec,
    per_class: Sequence[int] | None,
    collector: Collector,
    classes: Sequence[str] | None = None,
) -> dict[str, int]:
    """Return how many rows each split gets of those that are drawn freely; note splits that would be empty."""
    if split.folds is None:
        return share(rows, split, per_class, collector, classes)
    faults = Collector(collector.root)
    counts = _first(
        [fold_share(rows, each, per_class, faults, classes) for each in _each_fold(split)], faults
    )
    collector.found += faults.found
    return counts


def draw_rows(rows: int, split: SplitSpec, classes: NDArray[np.int64] | None, seed: int) -> Assigned:
    """Return the rows of each split that are drawn freely, in ascending order."""
    return (draw if split.folds is None else draw_fold)(rows, split, classes, seed)
