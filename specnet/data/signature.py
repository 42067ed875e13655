from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Literal

from specnet.data.faults import Faults, sized
from specnet.data.files import memory
from specnet.data.splits import SplitSpec, share
from specnet.data.transforms import Transform, Unfit

TargetKind = Literal["class", "number"]

NAMED = 1000
"""Up to how many classes integer targets are given names; above, they are hardly classes."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model must know of its data: the shapes of one example, and what its target means."""

    inputs: tuple[int, ...]
    """The shape of one example's input after all transforms, without the batch axis."""
    target: tuple[int, ...]
    """The shape of one target after all transforms: () for one number or class index a row."""
    target_kind: TargetKind
    """`class` where the data say so (text, or a data set of known classes), else `number`."""
    integers: bool = False
    """Whether targets come as int64 of shape (rows,): class indices, or numbers without fractions that
    could be class indices. The loss decides which it takes them for."""
    class_count: int | None = None
    """How many classes there are, or would be, where `integers` or one-hot targets tell it."""
    classes: tuple[str, ...] | None = None
    """The classes' names in the order of their indices; None where there are no classes, or above 1000."""
    features: tuple[str, ...] | None = None
    """The names of the elements of one input, where the inputs are columns of a table."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows by split: `train`, and `validation` and `test` where there are such."""
    batches: tuple[str, ...] = ()
    """What stays in its file, and is read for each batch: nothing, `inputs`, or also `targets`."""
    reading: int = 0
    """The bytes of memory that reading them takes, for each split that is read by itself."""
    passing: int = 0
    """The same once for all splits, where rows are read in the order of their file: text that is being parsed, and
    rows that a shuffle holds back."""


@dataclass(slots=True)
class Description:
    """What a reader finds out about its data before any transform and any split by fractions."""

    inputs: tuple[int, ...]
    target: tuple[int, ...]
    rows: dict[str, int]
    target_kind: TargetKind = "number"
    class_count: int | None = None
    """Given exactly where the targets are whole numbers from 0, one a row."""
    classes: tuple[str, ...] | None = None
    features: tuple[str, ...] | None = None
    per_class: list[int] | None = None
    """Rows of `train` in each class, where counting them is cheap."""
    batches: tuple[str, ...] = ()
    reading: int = 0
    passing: int = 0
    cure: str | None = None
    """What helps where the data are too large for the memory."""


def sign(
    raw: Description, split: SplitSpec | None, transforms: tuple[Transform, ...], faults: Faults
) -> Signature:
    """Return the signature that a description has after the splits and transforms; note what doesn't fit."""
    rows = dict(raw.rows)
    if split is not None:
        rows |= share(raw.rows["train"], split, raw.per_class if split.stratify else None, faults)
        if split.stratify and raw.class_count is None:
            faults.add(
                "SN552",
                "`stratify` needs one class a row as target: text, or whole numbers from 0",
                "split",
                "stratify",
                help="leave out `stratify`",
            )
    inputs, target = raw.inputs, raw.target
    integers, classes, kind, count = (
        raw.class_count is not None,
        raw.classes,
        raw.target_kind,
        raw.class_count,
    )
    for i, transform in enumerate(transforms):
        try:
            if transform.on == "inputs":
                inputs = transform.output_shape(inputs)
                continue
            target = transform.output_shape(target)
        except Unfit as unfit:
            key = (unfit.key,) if unfit.key else ()
            faults.add(
                "SN560", str(unfit), "transforms", i, *key, part="value" if key else "type", help=unfit.help
            )
            continue
        from specnet.data.transforms.fixed import OneHot

        if isinstance(transform, OneHot) and integers:
            count = transform.classes
            classes = classes if classes is not None and len(classes) == count else names(count)
        else:
            kind, classes, count = "number", None, None
        integers = False
    if integers and classes is None and count is not None:
        classes = names(count)
    held = [prod(of) for name, of in (("inputs", inputs), ("targets", target)) if name not in raw.batches]
    _check_size(sum(rows.values()) * sum(held), faults, raw.cure)
    features = raw.features if raw.features is not None and prod(inputs) == len(raw.features) else None
    staying = raw.batches, raw.reading, raw.passing
    return Signature(inputs, target, kind, integers, count, classes, features, rows, *staying)


def _check_size(elements: int, faults: Faults, cure: str | None) -> None:
    """Note data that the machine's memory cannot hold in the smaller dtype, before any is read or made."""
    needed, there = elements * 4, memory()
    if there is not None and needed > there:
        message = f"the data need {sized(needed)} as float32, of the machine's {sized(there)}"
        faults.add("SN570", message, part="table", help=cure)


def names(count: int) -> tuple[str, ...] | None:
    """Return the names of classes that are known by their indices alone."""
    return tuple(map(str, range(count))) if count <= NAMED else None
