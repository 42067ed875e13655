from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic_core import PydanticCustomError

from specnet.data.collector import Collector
from specnet.diagnostics.text import counted, listed
from specnet.vocabulary.kind import Table, fault, table_check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class SplitSpec(Table):
    """Fractions of the rows to hold out of the training, drawn with the document's seed.

    Of n rows, round(n · fraction) go to a split and the rest to training; each split keeps the file's order.
    """

    validation: Fraction = Field(default=0.0, examples=[0.2])
    """The fraction of the rows to validate on during training."""
    test: Fraction = Field(default=0.0, examples=[0.2])
    """The fraction of the rows to test the finished model on."""
    stratify: bool = False
    """Whether each class has the same share of the rows in every split; requires one class per row as target."""

    @table_check()
    def _leave_rows(self) -> Iterator[PydanticCustomError]:
        if self.validation + self.test >= 1:
            yield fault(
                f"`validation` and `test` take {self.validation + self.test:g} of the rows: "
                "less than 1 must be taken, so that rows are left to train on",
                key="test" if "test" in self.model_fields_set else "validation",
            )

    @property
    def parts(self) -> dict[str, float]:
        """The splits that are drawn, with their fractions."""
        return {name: f for name, f in (("validation", self.validation), ("test", self.test)) if f > 0}


def share(
    rows: int, split: SplitSpec, per_class: Sequence[int] | None, collector: Collector
) -> dict[str, int]:
    """Return how many rows each split gets; note splits that would be empty.

    `per_class`, the rows of each class, is given where the split is stratified.
    """
    if per_class is not None:
        table = stratify(per_class, split)
        taken = {name: sum(counts) for name, counts in table.items()}
        _check_classes(per_class, split, collector)
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


def _check_classes(per_class: Sequence[int], split: SplitSpec, collector: Collector) -> None:
    needed = len(split.parts) + 1
    few = [str(i) for i, count in enumerate(per_class) if 0 < count < needed]
    if few:
        collector.add(
            "SN551",
            f"a stratified split needs {needed} rows of each class, one for each split; "
            f"too few of class index {listed(few)}",
            "split",
            "stratify",
            help="leave out `stratify`, or join or leave out the rare classes",
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
