"""Data that are read as soon as they are opened: the simplest source that a format can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specnet.data.arrays.classes import count_classes
from specnet.data.joining import joined
from specnet.data.rows import ArrayRows
from specnet.data.sample import Sample, array_cells
from specnet.data.signature import DataDescription
from specnet.data.source import DataPart, DataSource
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.files import DataContext, FilePlace


class HeldRows(NamedTuple):
    """The rows of one split."""

    place: FilePlace
    """The file that they come from."""
    inputs: NDArray[Any]
    """(rows, ...)."""
    targets: NDArray[Any] | None
    """(rows, ...); None where they are the inputs."""


@dataclass
class HeldSource(DataSource):
    """Arrays of numbers by split: whole numbers from 0, one a row, are class indices."""

    rows: Mapping[str, HeldRows]
    description: DataDescription

    @classmethod
    def of(cls, rows: Mapping[str, HeldRows], context: DataContext) -> HeldSource:
        """Return the arrays, described; raise SpecError where inputs and targets do not belong together."""
        parts = {}
        with context.collector.together() as faults:
            for name, part in rows.items():
                with faults.catch():
                    parts[name] = _describe(part)
        return cls(rows, joined(parts, context))

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the arrays."""
        kind = np.float64 if self.description.class_count is None else np.int64
        return {
            name: DataPart(ArrayRows(inputs), None if targets is None else targets.astype(kind))
            for name, (_, inputs, targets) in self.rows.items()
        }

    def samples(self) -> dict[str, Sample]:
        """Return all rows."""
        return {
            name: Sample(
                array_cells("input", inputs),
                () if targets is None else array_cells("target", targets),
                table=False,
            )
            for name, (_, inputs, targets) in self.rows.items()
        }


def _describe(part: HeldRows) -> DataDescription:
    place, inputs, targets = part
    rows = len(inputs)
    if not rows:
        raise place.error("SN506", f"`{place.name}` has no rows")
    raw = DataDescription(inputs.shape[1:] or (1,), (), {"train": rows}, whole=inputs.dtype.kind in "bui")
    if targets is None:
        return raw
    if len(targets) != rows:
        message = (
            f"`{place.name}` has {counted(rows, 'row')} of inputs, but {counted(len(targets), 'target')}"
        )
        raise place.error("SN542", message)
    raw.target = targets.shape[1:]
    raw.class_count, raw.per_class = count_classes(targets)
    return raw
