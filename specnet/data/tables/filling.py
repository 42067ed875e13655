from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.faults import Faults


class Filling:
    """What missing cells become, learnt from rows that come in pieces: means, and most frequent categories."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._names, self._kinds = plan["names"], plan["kinds"]
        self._counts = [np.zeros(len(names), np.int64) for names in plan["categories"]]
        self._sums, self._rows = np.zeros(len(self._names)), np.zeros(len(self._names), np.int64)

    def add(self, columns: list[NDArray[Any]]) -> None:
        """Take in some rows, as columns of numbers and of codes."""
        for i, (kind, column) in enumerate(zip(self._kinds, columns, strict=True)):
            there = column[column >= 0] if kind == "text" else column[~np.isnan(column)]
            self._rows[i] += len(there)
            if kind == "text":
                self._counts[i] += np.bincount(there, minlength=len(self._counts[i]))
            else:
                self._sums[i] += there.sum()

    def finish(self, faults: Faults) -> list[float]:
        """Return what each column's missing cells become; note columns without any value."""
        fill = []
        for i, (name, kind) in enumerate(zip(self._names, self._kinds, strict=True)):
            if not self._rows[i]:
                message = f"column `{name}` has no value in the training split from which to fill its gaps"
                cure = f'leave it out with `exclude = ["{name}"]`'
                faults.add("SN511", message, "missing", help=cure)
            elif kind == "text":
                fill.append(float(self._counts[i].argmax()))
            else:
                fill.append(float(self._sums[i] / self._rows[i]))
        return fill
