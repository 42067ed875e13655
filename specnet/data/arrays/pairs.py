from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from specnet.data.arrays.source import ArraySource, Pair, StoredInputs
from specnet.data.arrays.stored import StoredArray, holds
from specnet.data.files import DataContext, FilePlace
from specnet.data.format import joined
from specnet.data.signature import WHOLE, DataDescription
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from specnet.data.formats.idx import Idx, IdxRows
    from specnet.data.formats.npy import Npy, NpyRows
    from specnet.diagnostics import KeyPath

LARGEST = 2**31
"""Whole numbers from here on are taken for no class indices."""


def open_pairs(
    data_format: Idx | Npy, context: DataContext, open_one: Callable[[FilePlace], StoredArray | None]
) -> ArraySource | None:
    """Return the files that a format names, one for inputs and one for targets, their headers read.

    None where `site` noted why not.
    """
    tables: dict[str, tuple[KeyPath, Idx | IdxRows | Npy | NpyRows]] = {"train": ((), data_format)}
    tables |= {name: ((name,), table) for name, table in data_format.tables.items()}
    files: dict[str, Pair] = {}
    for name, (key, table) in tables.items():
        inputs = _find(table.inputs, (*key, "inputs"), context, open_one)
        targets = None
        if not data_format.reproduces and table.targets is not None:
            targets = _find(table.targets, (*key, "targets"), context, open_one)
        if inputs is not None and (targets is not None or data_format.reproduces):
            files[name] = (inputs, targets)
    parts = {name: describe(*pair, context) for name, pair in files.items()}
    found = {name: part for name, part in parts.items() if part is not None}
    if len(found) < len(tables):
        return None
    return ArraySource.of(data_format.load, files, joined(found, context), context)


def _find(
    text: str, key: KeyPath, context: DataContext, open_one: Callable[[FilePlace], StoredArray | None]
) -> StoredArray | None:
    path = context.find(text, *key)
    return None if path is None else open_one(FilePlace(path, text, key, context))


def describe(
    inputs: StoredInputs, targets: StoredArray | None, context: DataContext
) -> DataDescription | None:
    """Return the description of two arrays, or note that they don't belong together.

    Without targets, these are the inputs.
    """
    rows = inputs.shape[0]
    shape, whole = inputs.shape[1:] or (1,), all(part.type in WHOLE for part in inputs.parts)
    if targets is None:
        return DataDescription(shape, (), {"train": rows}, column_slices=inputs.column_slices, whole=whole)
    if rows != targets.shape[0]:
        there = counted(targets.shape[0], "row")
        message = f"{inputs.title} has {counted(rows, 'row')}, {targets.title} has {there}"
        context.collector.add("SN542", message, *targets.key)
        return None
    raw = DataDescription(
        shape, targets.shape[1:], {"train": rows}, column_slices=inputs.column_slices, whole=whole
    )
    # What memory cannot hold is refused once it is known how it would be read; counting it might take for ever.
    if not raw.target and targets.type[0] in "iu" and holds(targets):
        counter = targets.labels(context)
        if counter is None:
            return None
        if min(counter) >= 0 and max(counter) < LARGEST:
            raw.class_count = max(counter) + 1
            if raw.class_count <= 10 * rows:
                raw.per_class = [counter[i] for i in range(raw.class_count)]
    return raw
