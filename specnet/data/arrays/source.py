from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from specnet.data.files import Site
from specnet.data.reader import Part
from specnet.data.sample import Cells, Sample
from specnet.data.signature import Description

if TYPE_CHECKING:
    from numpy.typing import NDArray


class StoredArray(Protocol):
    """An array in a file, whose header has been read."""

    def read(self, site: Site) -> NDArray[Any] | None:
        """Return the array as stored, or note how the file is damaged."""
        ...

    def cells(self, name: str, site: Site) -> tuple[Cells, ...]:
        """Return the columns of the first rows."""
        ...


@dataclass
class ArraySource:
    """The inputs and targets of each split, as arrays in files whose headers are sound."""

    arrays: Mapping[str, tuple[StoredArray, StoredArray | None]]
    description: Description
    site: Site

    def read(self, seed: int) -> dict[str, Part]:
        """Return the arrays; inputs as stored, whole-number targets as int64."""
        import numpy as np

        from specnet.data.rows import ArrayRows

        del seed
        kind = np.float64 if self.description.class_count is None else np.int64
        parts = {}
        for name, (inputs, targets) in self.arrays.items():
            x, y = inputs.read(self.site), None if targets is None else targets.read(self.site)
            if x is not None and (targets is None or y is not None):
                parts[name] = Part(ArrayRows(x), None if y is None else y.astype(kind))
        return parts

    def columns(self) -> None:
        """Return None: the inputs are arrays, which have no columns with names."""
        return

    def samples(self) -> dict[str, Sample]:
        """Return the first rows of each split."""
        samples = {}
        for name, (inputs, targets) in self.arrays.items():
            cells = inputs.cells("input", self.site)
            aims = () if targets is None else targets.cells("target", self.site)
            if cells and (aims or targets is None):
                samples[name] = Sample(cells, aims, table=False)
        self.site.faults.check()
        return samples
