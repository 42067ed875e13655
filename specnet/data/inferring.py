"""From what a format finds out about its data to the signature that they have after splits and transforms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import prod

from specnet.data.assigning import share_rows
from specnet.data.collector import Collector
from specnet.data.files import memory
from specnet.data.signature import ColumnSlice, DataDescription, Signature, names
from specnet.data.splits import SplitSpec
from specnet.data.transforms import Transform, TransformError
from specnet.diagnostics.text import sized


def infer_signature(
    raw: DataDescription,
    split: SplitSpec | None,
    transforms: tuple[Transform, ...],
    collector: Collector,
    *,
    assigned: Mapping[str, int] | None = None,
    reproduces: bool = False,
    column_slices: tuple[ColumnSlice, ...] | None = None,
) -> Signature:
    """Return the signature that a description has after the splits and transforms; note what doesn't fit.

    `assigned` is how many rows each split has where they are not drawn freely, and `column_slices` are the columns
    after transforms that list some of them. A data format that `reproduces` has its inputs as targets, whatever else
    the description says of these.
    """
    if reproduces:
        raw = replace(raw, target_kind="number", class_count=None, classes=None, per_class=None)
    rows = _rows_by_split(raw, split, assigned, collector)
    inputs, target = raw.inputs, raw.target
    integers, classes, kind, count = (
        raw.class_count is not None and not raw.target,
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
        except TransformError as error:
            key = (error.key,) if error.key else ()
            collector.add(
                "SN560", str(error), "transforms", i, *key, part="value" if key else "type", help=error.help
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
    if reproduces:
        target = inputs
    shapes = {"inputs": inputs} if reproduces else {"inputs": inputs, "targets": target}
    held = sum(prod(of) for name, of in shapes.items() if name not in raw.batches)
    _check_size(sum(rows.values()) * held, collector, raw.help)
    features = raw.features if raw.features is not None and prod(inputs) == len(raw.features) else None
    return Signature(
        inputs,
        target,
        kind,
        integers,
        count,
        classes,
        features,
        _column_slices(column_slices, transforms),
        raw.whole and not _changed(transforms),
        rows,
        raw.batches,
        raw.reading,
        raw.passing,
        raw.loading,
        ""
        if (split is not None and split.taken) or any(t.on == "inputs" for t in transforms)
        else raw.stored,
        raw.quotable,
        raw.weighted,
        raw.tokens,
        raw.padding,
        raw.held,
        raw.scaled,
        raw.first_tokens,
        raw.column_tokens,
    )


def _rows_by_split(
    raw: DataDescription, split: SplitSpec | None, assigned: Mapping[str, int] | None, collector: Collector
) -> dict[str, int]:
    """Return how many rows each split has; note splits that would be empty, and classes that there are not."""
    if split is None:
        return dict(raw.rows)
    if split.stratify and (raw.class_count is None or raw.target):
        collector.add(
            "SN552",
            "`stratify` needs one class per row as target: strings, or whole numbers from 0",
            "split",
            "stratify",
            help="leave out `stratify`",
        )
    per_class = raw.per_class if split.stratify else None
    if assigned is None:
        classes = raw.classes if raw.quotable else None
        assigned = share_rows(raw.rows["train"], split, per_class, collector, classes)
    return {**raw.rows, **assigned}


def _column_slices(
    slices: tuple[ColumnSlice, ...] | None, transforms: tuple[Transform, ...]
) -> tuple[ColumnSlice, ...] | None:
    """Return the columns' elements, where the transforms leave each element what it is."""
    from specnet.data.transforms.fixed import OneHot

    if any(transform.on == "inputs" and isinstance(transform, OneHot) for transform in transforms):
        return None
    # A transform of single columns has said what these become.
    if slices is not None and _changed([t for t in transforms if t.type != "column_transform"]):
        return tuple(column_slice._replace(whole=False) for column_slice in slices)
    return slices


def _changed(transforms: Iterable[Transform]) -> bool:
    """Return whether transforms make other numbers of the inputs' elements."""
    return any(t.on == "inputs" and t.type not in ("flatten", "reshape") for t in transforms)


def _check_size(elements: int, collector: Collector, help: str | None) -> None:
    """Note data that the machine's memory cannot hold in the smaller dtype, before any is read or made."""
    needed, there = elements * 4, memory()
    if there is not None and needed > there:
        message = f"the data need {sized(needed)} as float32, of the machine's {sized(there)}"
        collector.add("SN570", message, part="table", help=help)
