"""How many rows each split gets, and which: drawn with the document's seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from specnet.data.collector import Collector
from specnet.data.splits import SplitSpec
from specnet.diagnostics.text import clipped, counted, joined

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def share(
    rows: int,
    split: SplitSpec,
    per_class: Sequence[int] | None,
    collector: Collector,
    classes: Sequence[str] | None = None,
) -> dict[str, int]:
    """Return how many rows each split gets; note splits that would be empty.

    `per_class`, the rows of each class, is given where the split is stratified, and `classes` where these have names.
    """
    if per_class is not None:
        table = stratify(per_class, split)
        taken = {name: sum(counts) for name, counts in table.items()}
        needed = len(split.parts) + 1
        message = f"a stratified split needs {needed} rows of each class of the target, one for each split"
        check_classes(per_class, needed, message, "leave out `stratify`", collector, classes)
    else:
        taken = {name: round(rows * fraction) for name, fraction in split.parts.items()}
    for name, count in taken.items():
        if count == 0:
            fraction = getattr(split, name)
            collector.add(
                "SN550",
                f"the {name} split would be empty: {fraction:g} of {counted(rows, 'row')} is none",
                "split",
                name,
                help=f"use a fraction of at least {_minimum(rows):g}, or more rows" if rows > 1 else None,
            )
    train = rows - sum(taken.values())
    if rows and train <= 0:
        collector.add(
            "SN550", f"no row is left to train on: the other splits take all {rows}", "split", part="table"
        )
    return {"train": train, **taken}


def _minimum(rows: int) -> float:
    hundredths = -(-100 // rows)
    return hundredths / 100


def check_classes(
    per_class: Sequence[int],
    needed: int,
    message: str,
    help: str,
    collector: Collector,
    classes: Sequence[str] | None = None,
) -> None:
    """Report the classes that have rows, but fewer than are needed to split them; `message` says what needs them."""
    few = [(i, count) for i, count in enumerate(per_class) if 0 < count < needed]
    if few:
        shown = [
            f"`{clipped(classes[i] if classes else str(i))}` has {counted(count, 'row')}"
            for i, count in few[:10]
        ]
        more = [f"{len(few) - 10} more classes have fewer"] if len(few) > 10 else []
        collector.add(
            "SN551",
            f"{message}: {'class' if classes else 'class index'} {joined([*shown, *more])}",
            "split",
            "stratify",
            help=f"{help}, or join or leave out the rare classes",
        )


def stratify(per_class: Sequence[int], split: SplitSpec) -> dict[str, list[int]]:
    """Return how many rows of each class each split gets.

    By largest remainders: every class gets the whole part of its share, and at least one row; what is then
    missing to round(n · fraction) goes to the largest fractional parts. One row a class stays for training.
    """
    rows = sum(per_class)
    left = list(per_class)
    table = {}
    later = list(split.parts.values())
    for name, fraction in split.parts.items():
        later.pop(0)
        shares = [count * fraction for count in per_class]
        # A row of each class is kept back for training, and the whole part of what later splits will take.
        kept = [1 + sum(max(1, int(count * f)) for f in later) for count in per_class]
        maximum = [max(0, count - back) for count, back in zip(left, kept, strict=True)]
        taken = [min(max(1, int(s)), m) for s, m in zip(shares, maximum, strict=True)]
        missing = round(rows * fraction) - sum(taken)
        for i in sorted(range(len(shares)), key=lambda i: (taken[i] - shares[i], i)):
            if missing <= 0:
                break
            if taken[i] < maximum[i]:
                taken[i] += 1
                missing -= 1
        table[name] = taken
        left = [a - b for a, b in zip(left, taken, strict=True)]
    return table


def draw(
    rows: int, split: SplitSpec, classes: NDArray[np.int64] | None, seed: int
) -> dict[str, NDArray[np.intp]]:
    """Return the rows of each split in ascending order: disjoint, and together all rows.

    Drawn from the stream `data/split` of the seed; `classes` (rows,) is given where the split is stratified.
    """
    import numpy as np

    from specnet.engines.random import stream

    order = stream(seed, "data/split").permutation(rows)
    parts: dict[str, list[NDArray[np.intp]]] = {"train": [], **{name: [] for name in split.parts}}
    if classes is None:
        groups = [order]
        table = {name: [round(rows * fraction)] for name, fraction in split.parts.items()}
    else:
        shuffled = classes[order]
        per_class = np.bincount(classes)
        groups = np.split(order[np.argsort(shuffled, kind="stable")], np.cumsum(per_class)[:-1])
        table = stratify(per_class.tolist(), split)
    for i, group in enumerate(groups):
        start = 0
        for name, counts in table.items():
            parts[name].append(group[start : start + counts[i]])
            start += counts[i]
        parts["train"].append(group[start:])
    return {name: np.sort(np.concatenate(chosen)) for name, chosen in parts.items()}
