"""The rows of the table, in its order."""

from __future__ import annotations

from benchmarks.case import Case
from benchmarks.cases import (
    dense,
    images,
    kernels,
    pictures,
    plans,
    prediction,
    sequences,
    small,
    tables,
)

CASES: list[Case] = [
    case
    for module in (small, dense, images, kernels, sequences, prediction, tables, pictures, plans)
    for case in module.CASES
]
