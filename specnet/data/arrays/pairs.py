from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from specnet.data.arrays.classes import ONE_PER_ROW, count_classes
from specnet.data.arrays.source import ArraySource, Pair, StoredInputs
from specnet.data.arrays.stored import StoredArray
from specnet.data.files import DataContext, FilePlace
from specnet.data.format import Load
from specnet.data.joining import joined
from specnet.data.signature import WHOLE, DataDescription
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from specnet.data.collector import Collector
    from specnet.diagnostics import KeyPath


class FilePair(Protocol):
    """A table of a document that names a file of inputs and one of targets."""

    @property
    def inputs(self) -> str:
        """The file of inputs."""
        ...

    @property
    def targets(self) -> str | None:
        """The file of targets; None where the targets are the inputs, as in training."""
        ...

    @property
    def weight(self) -> str | None:
        """The file of sample weights, if the rows have some."""
        ...


def open_pairs(
    load: Load,
    tables: Mapping[str, FilePair],
    context: DataContext,
    open_one: Callable[[FilePlace], StoredArray],
    *,
    reproduces: bool,
) -> ArraySource:
    """Return the files that the tables of a document name, by split, their headers read."""

    def find(text: str, key: KeyPath) -> StoredArray:
        return open_one(FilePlace(context.find(text, *key), text, key, context))

    pairs: dict[str, Pair] = {}
    with context.collector.together() as faults:
        for name, table in tables.items():
            key: KeyPath = () if name == "train" else (name,)
            found: dict[str, StoredArray] = {}
            with faults.catch():
                found["inputs"] = find(table.inputs, (*key, "inputs"))
            if not reproduces and table.targets is not None:
                with faults.catch():
                    found["targets"] = find(table.targets, (*key, "targets"))
            if table.weight is not None:
                with faults.catch():
                    found["weights"] = find(table.weight, (*key, "weight"))
            if "inputs" in found and (reproduces or "targets" in found):
                pairs[name] = Pair(found["inputs"], found.get("targets"), found.get("weights"))
        parts = describe_all(pairs, faults)
    return ArraySource.of(load, pairs, joined(parts, context), context)


def describe_all(pairs: Mapping[str, Pair], faults: Collector) -> dict[str, DataDescription]:
    """Return the description of each split; note those whose inputs and targets don't belong together."""
    parts = {}
    for name, pair in pairs.items():
        with faults.catch():
            parts[name] = describe(pair.inputs, pair.targets)
            if pair.weights is not None:
                check_one_per_row(pair.weights, pair.inputs)
                parts[name].weighted = True
    return parts


def check_one_per_row(weights: StoredArray, inputs: StoredInputs) -> None:
    """Raise SpecError unless there is a weight for each row."""
    rows = inputs.shape[0]
    if weights.shape in ((rows,), (rows, 1)):
        return
    shape = " x ".join(map(str, weights.shape))
    message = f"{inputs.title} has {counted(rows, 'row')}, and {weights.title} has the shape {shape}"
    raise weights.place.error("SN542", message, help="give one weight for each row")


def describe(inputs: StoredInputs, targets: StoredArray | None) -> DataDescription:
    """Return the description of two arrays; raise SpecError where they don't belong together.

    Without targets, these are the inputs.
    """
    rows = inputs.shape[0]
    shape, whole = inputs.shape[1:] or (1,), all(part.type in WHOLE for part in inputs.parts)
    if targets is None:
        return DataDescription(shape, (), {"train": rows}, column_slices=inputs.column_slices, whole=whole)
    if rows != targets.shape[0]:
        there = counted(targets.shape[0], "row")
        message = f"{inputs.title} has {counted(rows, 'row')}, {targets.title} has {there}"
        raise targets.place.error("SN542", message)
    raw = DataDescription(
        shape, targets.shape[1:], {"train": rows}, column_slices=inputs.column_slices, whole=whole
    )
    # What memory cannot hold is refused once it is known how it would be read; counting it might take for ever.
    if raw.target in ONE_PER_ROW and targets.fits:
        raw.class_count, raw.per_class = count_classes(targets.read())
    return raw
