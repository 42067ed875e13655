"""Folds of a cross-validation that are drawn at random: which rows are held out in each, and validated on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from specnet.data.drawing import check_classes, stratify
from specnet.data.splits import SplitSpec
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specnet.data.collector import Collector


def fold_share(
    rows: int,
    split: SplitSpec,
    per_class: Sequence[int] | None,
    collector: Collector,
    classes: Sequence[str] | None = None,
) -> dict[str, int]:
    """Return how many rows each split of a fold gets; note folds that would be too small.

    `per_class`, the rows of each class, is given where the folds are stratified, and `classes` where these have names.
    """
    assert split.folds is not None
    if per_class is not None:
        needed = split.folds + bool(split.validation)
        also = " with validation rows" if split.validation else ""
        message = f"{split.folds} stratified folds{also} need {needed} rows of each class of the target"
        check_classes(
            per_class, needed, message, "use fewer `folds`, leave out `stratify`", collector, classes
        )
    if rows < split.folds:
        message = f"{split.folds} folds need as many rows, and there {'is' if rows == 1 else 'are'} "
        collector.add("SN550", f"{message}{counted(rows, 'row')}", "split", "folds")
        return {"train": rows}
    held = _per_fold(per_class or [rows], split.folds)[split.place[1]]
    rest = [count - taken for count, taken in zip(per_class or [rows], held, strict=True)]
    validation = sum(_validated(rest, split, stratified=per_class is not None))
    left = sum(rest) - validation
    check_rest(sum(rest), validation, left, split, collector)
    return {
        "train": left,
        **({"validation": validation} if split.validation else {}),
        "test": sum(held),
    }


def check_rest(rest: int, validation: int, left: int, split: SplitSpec, collector: Collector) -> None:
    """Note a validation split without rows, or one that leaves none, of the `rest` beside a fold."""
    if split.validation and (not validation or not left):
        which = "the validation split" if not validation else "the training"
        message = f"no row would be left for {which}: {split.validation:g} of the {counted(rest, 'row')}"
        collector.add("SN550", f"{message} that are not held out is {validation}", "split", "validation")


def draw_fold(
    rows: int, split: SplitSpec, classes: NDArray[np.int64] | None, seed: int
) -> dict[str, NDArray[np.intp]]:
    """Return the rows of each split of a fold in ascending order: disjoint, and together all rows.

    The folds of one repeat are drawn from one stream of the seed, so that each row is held out in one of them.
    """
    import numpy as np

    from specnet.engines.random import stream

    assert split.folds is not None
    repeat, fold = split.place
    order = stream(seed, repeat_stream(repeat)).permutation(rows)
    labels = np.zeros(rows, np.int64) if classes is None else classes
    test = _first_of_each(order, labels, _per_fold(np.bincount(labels).tolist(), split.folds), fold)
    rest = np.setdiff1d(np.arange(rows), test)
    found = {"train": rest, "test": np.sort(test)}
    if split.validation:
        of_rest = labels[rest]
        drawn = stream(seed, validation_stream(split)).permutation(len(rest))
        counts = _validated(np.bincount(of_rest).tolist(), split, stratified=classes is not None)
        chosen = np.sort(_first_of_each(drawn, of_rest, [counts], 0))
        found = {
            "train": np.delete(rest, chosen),
            "validation": rest[chosen],
            "test": found["test"],
        }
    return found


def repeat_stream(repeat: int) -> str:
    """Return the name of the stream that the folds of a repeat are drawn from."""
    return "data/split" if not repeat else f"data/split/{repeat + 1}"


def validation_stream(split: SplitSpec) -> str:
    """Return the name of the stream that the validation rows of a fold are drawn from."""
    return f"data/split/validation/{split.fold or 1}"


def _per_fold(per_class: Sequence[int], folds: int) -> list[list[int]]:
    """Return how many rows of each class each fold holds out.

    Rows in the order of their classes are dealt out one by one, so that neither folds nor the shares of a class in
    them differ by more than one row.
    """
    ends = [0]
    for count in per_class:
        ends.append(ends[-1] + count)
    dealt = [[-(-(end - fold) // folds) for end in ends] for fold in range(folds)]
    return [[b - a for a, b in pairwise(own)] for own in dealt]


def _validated(rest: Sequence[int], split: SplitSpec, *, stratified: bool) -> list[int]:
    """Return how many rows of each class are validated on, of those that are not held out."""
    if not split.validation:
        return [0] * len(rest)
    if not stratified:
        return [round(sum(rest) * split.validation)]
    return stratify(rest, SplitSpec(validation=split.validation, stratify=True))["validation"]


def _first_of_each(
    order: NDArray[np.intp], labels: NDArray[np.int64], counts: Sequence[Sequence[int]], fold: int
) -> NDArray[np.intp]:
    """Return the rows of one fold: of each class, in a random order, those after what earlier folds take."""
    import numpy as np

    by_class = order[np.argsort(labels[order], kind="stable")]
    chosen, start = [], 0
    for label, total in enumerate(np.bincount(labels).tolist()):
        first = start + sum(own[label] for own in counts[:fold])
        chosen.append(by_class[first : first + counts[fold][label]])
        start += total
    return np.concatenate(chosen)
