"""What missing cells become, fitted to the training split."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.tables.plan import FITTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.rows import Index
    from specnet.data.tables.plan import ColumnPlan, TablePlan


class Filling:
    """What missing cells become, learned from rows that come in pieces.

    Means are summed up and categories counted. The numbers of a column whose median or most frequent value is
    asked for are held until then, as targets are.
    """

    def __init__(self, plan: TablePlan) -> None:
        self._learned = [
            (i, _Counts(column) if column.coded else _Sum() if column.missing == "mean" else _Held(column))
            for i, column in enumerate(plan.features)
            if column.missing in FITTED
        ]
        self._plan = plan

    def __bool__(self) -> bool:
        return bool(self._learned)

    def add(self, columns: Sequence[NDArray[Any]], rows: Index = slice(None)) -> None:
        """Take in some rows of columns of numbers and of codes."""
        for i, learned in self._learned:
            values = columns[i][rows]
            learned.add(values[values >= 0] if self._plan.features[i].coded else values[~np.isnan(values)])

    def finish(self, collector: Collector) -> None:
        """Put what each column's missing cells become into the plan; add columns without any value to the findings."""
        for i, learned in self._learned:
            column = self._plan.features[i]
            # All splits share one plan, and so what was learned from the training split.
            column.fill = learned.finish()
            if column.fill is None:
                message = (
                    f"column `{column.name}` has no value in the training split to fill its missing values"
                )
                help = f'leave it out with `exclude = ["{column.name}"]`'
                collector.add("SN511", message, "missing", help=help)


class _Counts:
    """How often each category occurs."""

    def __init__(self, column: ColumnPlan) -> None:
        self.counts = np.zeros(len(column.categories), np.int64)

    def add(self, there: NDArray[Any]) -> None:
        self.counts += np.bincount(there, minlength=len(self.counts))

    def finish(self) -> float | None:
        return float(self.counts.argmax()) if self.counts.any() else None


class _Sum:
    """The sum of numbers, and how many they are."""

    def __init__(self) -> None:
        self.sum, self.rows = 0.0, 0

    def add(self, there: NDArray[Any]) -> None:
        self.sum, self.rows = self.sum + float(there.sum()), self.rows + len(there)

    def finish(self) -> float | None:
        return self.sum / self.rows if self.rows else None


class _Held:
    """The numbers themselves."""

    def __init__(self, column: ColumnPlan) -> None:
        self.how, self.values = column.missing, array("d")

    def add(self, there: NDArray[Any]) -> None:
        self.values.frombytes(np.ascontiguousarray(there, np.float64).tobytes())

    def finish(self) -> float | None:
        """Return the median, or the most frequent number: the smallest one of several."""
        if not self.values:
            return None
        values, self.values = np.frombuffer(self.values), array("d")
        if self.how == "median":
            return float(np.median(values))
        found, counts = np.unique(values, return_counts=True)
        return float(found[counts.argmax()])
