"""How much the predictions of a model depend on each column of its inputs: the result of measuring it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from specnet.diagnostics import html
from specnet.diagnostics.text import counted
from specnet.storage.dataframes import data_frame

MOST = 20
"""Columns that a notebook shows."""


@dataclass(frozen=True, slots=True)
class PartialDependence:
    """The mean prediction over all rows when one column has the same value in each (Friedman, 2001)."""

    values: tuple[float, ...] | tuple[str, ...]
    """The values of the column: numbers in ascending order, or categories."""
    predictions: Mapping[str, tuple[float, ...]]
    """The mean prediction for each value, by the name that `specnet predict` gives the prediction, such as
    `P(setosa)`; of several outputs, names begin with the output's."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "values": list(self.values),
            "predictions": {name: list(means) for name, means in self.predictions.items()},
        }


@dataclass(frozen=True, slots=True)
class ColumnImportance:
    """How much worse a metric is when the values of one column are permuted among the rows (Breiman, 2001)."""

    column: str
    """The name of the column."""
    drops: tuple[float, ...]
    """By how much the metric was worse in each repeat; negative where it was better."""
    dependence: PartialDependence | None = None
    """The mean prediction by the column's value, where it was asked for and the column has single values."""

    @property
    def mean(self) -> float:
        """The importance: the mean of all repeats."""
        return float(np.mean(self.drops))

    @property
    def std(self) -> float:
        """The standard deviation of all repeats, divided by their number, as that of scikit-learn."""
        return float(np.std(self.drops))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        found = {
            "column": self.column,
            "importance": self.mean,
            "std": self.std,
            "drops": list(self.drops),
        }
        return found if self.dependence is None else {**found, "dependence": self.dependence.to_dict()}


@dataclass(frozen=True, slots=True)
class Importance:
    """The permutation importance of the columns of a model's inputs, as `specnet.permutation_importance` returns it."""

    split: str
    """The split that it was measured on; `data` for rows that belong to no split."""
    rows: int
    """The number of rows that it was measured on."""
    total_rows: int
    """The number of rows of the split, of which `rows` were drawn at random if they are fewer."""
    metric: str
    """The metric, or `loss`; with several outputs, `output.metric`."""
    better: Literal["higher", "lower"]
    """Which direction of the metric is good. A drop is always how much worse it became."""
    value: float
    """The metric on the rows as they are."""
    repeats: int
    """The number of permutations of each column."""
    seed: int
    """The seed of the permutations."""
    columns: tuple[ColumnImportance, ...]
    """All columns, the most important first."""

    @property
    def meaning(self) -> str:
        """What a number of the importance is, as a title says it."""
        change = "decrease" if self.better == "higher" else "increase"
        return f"{change} of {self.metric} when the column is permuted"

    @property
    def basis(self) -> str:
        """What it was measured on."""
        of = "" if self.rows == self.total_rows else f" of {self.total_rows:,}, drawn at random"
        return f"{self.split}, {counted(self.rows, 'row')}{of}; {counted(self.repeats, 'repeat')}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, in the form that `evaluate --importance --output json` prints."""
        return {
            "split": self.split,
            "rows": self.rows,
            "total_rows": self.total_rows,
            "metric": self.metric,
            "better": self.better,
            "value": self.value,
            "repeats": self.repeats,
            "seed": self.seed,
            "columns": [each.to_dict() for each in self.columns],
        }

    def to_frame(self) -> Any:
        """Return `importance` and `std` as a pandas DataFrame with the column's name as its index.

        Raises ModuleNotFoundError where pandas is not installed.
        """
        columns: dict[str, list[Any]] = {
            "column": [each.column for each in self.columns],
            "importance": [each.mean for each in self.columns],
            "std": [each.std for each in self.columns],
        }
        return data_frame(columns, "column")

    def _repr_html_(self) -> str:
        """Return the most important columns as a table, for notebooks."""
        rows = [[each.column, each.mean, each.std] for each in self.columns[:MOST]]
        more = len(self.columns) - len(rows)
        rest = html.heading("", f"and {counted(more, 'more column')}") if more else ""
        head = html.heading("Importance", f"{self.meaning} ({self.basis})")
        return head + html.table(["column", "importance", "std"], rows) + rest
