from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.tables.columns import no_value, typical
from specnet.data.tables.plan import FITTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.tables.plan import ColumnPlan, TablePlan


class Filling:
    """What missing cells become, learnt from rows that come in pieces.

    Means are summed up and categories counted. The numbers of a column whose median or most frequent value is
    asked for are held until then, as targets are.
    """

    def __init__(self, plan: TablePlan) -> None:
        self._learnt = [
            (i, _Counts(column) if column.text else _Sum() if column.missing == "mean" else _Held(column))
            for i, column in enumerate(plan.features)
            if column.missing in FITTED
        ]
        self._plan = plan

    def __bool__(self) -> bool:
        return bool(self._learnt)

    def add(self, columns: list[NDArray[Any]]) -> None:
        """Take in some rows, as columns of numbers and of codes."""
        for i, learnt in self._learnt:
            values = columns[i]
            learnt.add(values[values >= 0] if self._plan.features[i].text else values[~np.isnan(values)])

    def finish(self, collector: Collector) -> None:
        """Put what each column's missing cells become into the plan; note columns without any value."""
        for i, learnt in self._learnt:
            column = self._plan.features[i]
            column.fill = learnt.finish()
            if column.fill is None:
                no_value(column, collector)


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
        values, self.values = np.frombuffer(self.values) if self.values else None, array("d")
        return None if values is None else typical(values, self.how)
