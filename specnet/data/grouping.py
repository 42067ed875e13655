"""Splits whose rows are not free: by group, by time, or as a column says."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from specnet.data.folds import check_rest, repeat_stream, validation_stream
from specnet.data.split_keys import SPLITS
from specnet.diagnostics.text import counted
from specnet.engines.random import stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.split_keys import SplitKeys
    from specnet.data.splits import SplitSpec

    Rows = NDArray[np.intp]
    Codes = NDArray[np.int64]


def split_by_keys(split: SplitSpec, keys: SplitKeys, seed: int, collector: Collector) -> dict[str, Rows]:
    """Return the rows of each split in ascending order, as groups, times or a column say; note what cannot be.

    They are disjoint. Folds by time leave out the rows after the fold; all others are together all rows.
    """
    if keys.parts is not None:
        found = _by_column(keys.parts, collector)
    elif keys.times is not None:
        found = _by_time(keys.times, split, collector)
    else:
        assert keys.groups is not None
        found = _by_group(keys.groups, keys.classes, split, seed, collector)
    return {name: np.sort(rows) for name, rows in found.items()}


def _by_column(parts: Codes, collector: Collector) -> dict[str, Rows]:
    found = {name: np.flatnonzero(parts == i) for i, name in enumerate(SPLITS)}
    if not len(found["train"]):
        message = "no row is left to train on: the column names no row `train`"
        collector.add("SN550", message, "split", "column")
    return {name: rows for name, rows in found.items() if len(rows) or name == "train"}


def _by_time(times: Codes, split: SplitSpec, collector: Collector) -> dict[str, Rows]:
    """Return splits that follow each other in time; rows of one time are never divided."""
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    changes = np.flatnonzero(np.diff(ordered)) + 1
    rows = len(order)
    if split.folds is None:
        wanted = [round(rows * fraction) for fraction in reversed(split.parts.values())]
        borders = [int(border) for border in rows - np.cumsum(wanted)[::-1]]
        borders = _moved(borders, changes)
        edges = [0, *borders, rows]
        names = ["train", *split.parts]
        _check_times(edges, changes, collector, counted(len(names), "split"))
        return {name: order[a:b] for name, (a, b) in zip(names, pairwise(edges), strict=True)}
    size = rows // (split.folds + 1)
    borders = _moved([rows - size * i for i in range(split.folds, 0, -1)], changes)
    edges = [0, *borders, rows]
    _check_times(edges, changes, collector, counted(split.folds, "fold"))
    fold = split.place[1]
    start, end = edges[fold + 1], edges[fold + 2]
    found = {"train": order[:start], "test": order[start:end]}
    if split.validation:
        before = changes[changes < start]
        if not len(before):
            message = f"the rows before fold {fold + 1} have one time, and the validation split needs one of its own"
            collector.add("SN555", message, "split", "validation", help="use fewer folds, or a finer time")
            return found
        (border,) = _moved([start - round(start * split.validation)], before)
        found = {"train": order[:border], "validation": order[border:start], "test": order[start:end]}
    return found


def _moved(borders: Sequence[int], changes: Rows) -> list[int]:
    """Return borders moved to the nearest place where the time changes, each behind the one before it."""
    moved: list[int] = []
    for i, border in enumerate(borders):
        # Places are kept for the borders that follow.
        later = len(borders) - 1 - i
        open_ = changes[changes > (moved[-1] if moved else 0)]
        open_ = open_[: len(open_) - later] if later else open_
        moved.append(int(open_[np.argmin(np.abs(open_ - border))]) if len(open_) else border)
    return moved


def _check_times(edges: Sequence[int], changes: Rows, collector: Collector, what: str) -> None:
    needed = len(edges) - 1
    if len(changes) + 1 < needed:
        message = f"{what} by time need {needed} different times, and there {_are(len(changes) + 1)}"
        collector.add("SN555", message, "split", "time", help="use fewer splits, or a finer time")


def _by_group(
    groups: Codes, classes: Codes | None, split: SplitSpec, seed: int, collector: Collector
) -> dict[str, Rows]:
    count = int(groups.max()) + 1
    labels = np.zeros(len(groups), np.int64) if classes is None else classes
    if split.folds is None:
        names = ["train", *split.parts]
        if not _enough(count, len(names), counted(len(names), "split"), collector):
            return {"train": np.arange(len(groups))}
        fractions = list(split.parts.values())
        generator = stream(seed, "data/split")
        parts = deal(groups, labels, [1 - sum(fractions), *fractions], generator.permutation(count))
        return {name: np.flatnonzero(parts == i) for i, name in enumerate(names)}
    if not _enough(count, split.folds, counted(split.folds, "fold"), collector):
        return {"train": np.arange(len(groups))}
    repeat, fold = split.place
    order = stream(seed, repeat_stream(repeat)).permutation(count)
    if not repeat:
        order = _hardest_first(groups, labels, order)
    parts = deal(groups, labels, [1 / split.folds] * split.folds, order)
    test, rest = np.flatnonzero(parts == fold), np.flatnonzero(parts != fold)
    if not split.validation:
        return {"train": rest, "test": test}
    codes = np.unique(groups[rest], return_inverse=True)[1]
    if not _enough(int(codes.max()) + 1, 2, f"the validation split of fold {fold + 1}", collector):
        return {"train": rest, "test": test}
    order = stream(seed, validation_stream(split)).permutation(int(codes.max()) + 1)
    own = deal(codes, labels[rest], [1 - split.validation, split.validation], order)
    check_rest(len(rest), int((own == 1).sum()), int((own == 0).sum()), split, collector)
    return {"train": rest[own == 0], "validation": rest[own == 1], "test": test}


def deal(groups: Codes, labels: Codes, shares: Sequence[float], order: Rows) -> Codes:
    """Return the part of each row: whole groups, dealt out in an order, to parts of about these shares of each class.

    Each group goes where it leaves the parts' shares of the classes most alike, and of equal choices to the part
    that is the least full: the rule of scikit-learn's StratifiedGroupKFold. With one class, the parts' sizes are
    compared. As soon as there are only as many groups left as parts without any, these get them.
    """
    table = _table(groups, labels)
    used = table.sum(axis=0) > 0
    table = table[:, used].astype(np.float64)
    share = np.asarray(shares)[:, None]
    scale = share * table.sum(axis=0)
    held = np.zeros((len(shares), table.shape[1]))
    empty = np.ones(len(shares), np.bool_)
    part = np.empty(len(table), np.int64)
    for done, group in enumerate(order):
        # filled[i] is what every part has of every class if this group goes to part i.
        filled = np.repeat((held / scale)[None], len(shares), axis=0)
        filled[np.arange(len(shares)), np.arange(len(shares))] += table[group] / scale
        unequal = filled.std(axis=1).mean(axis=1)
        full = (held.sum(axis=1, keepdims=True) / share)[:, 0]
        allowed = empty if len(order) - done <= empty.sum() else np.ones_like(empty)
        choices = np.flatnonzero(allowed)
        # What rounding alone distinguishes is equal.
        best = choices[np.lexsort((full[choices], unequal[choices].round(12)))[0]]
        part[group] = best
        held[best] += table[group]
        empty[best] = False
    return part[groups]


def _hardest_first(groups: Codes, labels: Codes, order: Rows) -> Rows:
    """Return groups with the most uneven classes first, and the largest first where that is the same."""
    table = _table(groups, labels)[order]
    return order[np.lexsort((-table.sum(axis=1), -table.std(axis=1).round(12)))]


def _table(groups: Codes, labels: Codes) -> NDArray[np.int64]:
    """Return the rows of each class in each group."""
    classes = int(labels.max()) + 1
    flat = np.bincount(groups * classes + labels, minlength=(int(groups.max()) + 1) * classes)
    return flat.reshape(-1, classes)


def _enough(groups: int, needed: int, what: str, collector: Collector) -> bool:
    if groups < needed:
        message = (
            f"{what} need{'s' if what.startswith('the') else ''} {needed} groups, and there {_are(groups)}"
        )
        collector.add("SN555", message, "split", "group", help=_fewer(groups))
    return groups >= needed


def _fewer(groups: int) -> str:
    return "a group is never divided: name another column" if groups == 1 else "use fewer splits"


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count:,}"
