from __future__ import annotations

from collections.abc import Mapping

from specnet.data.files import DataContext
from specnet.data.signature import ColumnSlice, DataDescription


def joined(parts: Mapping[str, DataDescription], context: DataContext) -> DataDescription:
    """Return one description of all parts; note parts whose examples differ from those of `train`."""
    train = parts["train"]
    counts = [part.class_count for part in parts.values()]
    for name, part in parts.items():
        for what, mine, theirs in (
            ("an input", part.inputs, train.inputs),
            ("a target", part.target, train.target),
        ):
            if mine != theirs:
                message = (
                    f"{what} of the {name} data has shape {list(mine)}, of the training data {list(theirs)}"
                )
                context.collector.add("SN554", message, name, part="table")
    known = [count for count in counts if count is not None]
    indices = len(known) == len(counts)
    return DataDescription(
        inputs=train.inputs,
        # A column of class indices is read as the indices, as in Keras.
        target=() if indices else train.target,
        rows={name: part.rows["train"] for name, part in parts.items()},
        target_kind=train.target_kind,
        class_count=max(known) if indices else None,
        classes=train.classes,
        features=train.features,
        column_slices=_whole_in_all([part.column_slices for part in parts.values()]),
        whole=all(part.whole for part in parts.values()),
        per_class=train.per_class,
        weighted=train.weighted,
        keys=train.keys,
        quotable=context.quotable,
    )


def _whole_in_all(parts: list[tuple[ColumnSlice, ...] | None]) -> tuple[ColumnSlice, ...] | None:
    """Return the slices of the first part, whose numbers are whole where those of all parts are."""
    first, others = parts[0], [part for part in parts if part is not None]
    if first is None:
        return None
    whole = [
        all(column_slices)
        for column_slices in zip(*((s.whole for s in part) for part in others), strict=False)
    ]
    return tuple(column_slice._replace(whole=own) for column_slice, own in zip(first, whole, strict=False))
