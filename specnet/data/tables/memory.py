"""How much memory tables take while they are read and trained on, before it is taken."""

from __future__ import annotations

from sys import getsizeof
from typing import TYPE_CHECKING

from specnet.data.by_columns import scratch
from specnet.data.rows import BLOCK
from specnet.data.tables.plan import FITTED
from specnet.data.tables.table import CELLS, records_at_once, rows_ahead

if TYPE_CHECKING:
    from collections.abc import Iterable

    from specnet.data.tables.columns import Column
    from specnet.data.tables.plan import ColumnPlan, TablePlan

TEXT = 60
"""The bytes by which different cells of a text column are found again, for each."""

PLACES = 200
"""The bytes that a cell of plain text takes beside its letters, while its number is computed from them."""

COLUMN = 5_500
"""Bytes that a column takes for itself while a table is read, as measured: what reads it, and rounding to pages."""

CELL = 120
"""The bytes that a cell of text takes beside its letters, while it is parsed."""


def loading_bytes(plan: TablePlan, columns: Iterable[Column], rows: int) -> int:
    """Return the bytes that columns take that are held, and the encoding of so many rows of the training split."""
    return sum(column.values.nbytes + COLUMN for column in columns) + scratch(rows, plan.size)


def text_bytes(plan: ColumnPlan, column: Column) -> int:
    """Return the bytes that the text of a column takes besides its codes: its different cells, and their tokens."""
    texts = column.categories
    return sum(map(getsizeof, texts)) + TEXT * len(texts) + 4 * plan.width * len(column.values)


def streaming_bytes(plan: TablePlan, rows: int, buffer: int, size: int) -> tuple[int, int]:
    """Return the bytes that reading the rows of a file takes for each split, and once for all.

    The training split has so many `rows`, of which some are held back in a `buffer`, and its file `size` bytes.
    """
    width = plan.width
    row = sum(4 * c.width if c.texts is not None else 4 if c.coded else 8 for c in plan.features)
    # What is held is copied whenever rows come in.
    held = 2 * (min(buffer, rows) + rows_ahead(width)) * (row + 9)
    block = BLOCK * 8
    # Numbers whose median or most frequent value is asked for are held for it, and sorted one column at a time.
    sorted_ = [c for c in plan.features if not c.coded and c.missing in FITTED and c.missing != "mean"]
    fitting = 8 * rows * (len(sorted_) + 3) if sorted_ else 0
    training = max(held, fitting) + block
    if all(column.type != "text" for column in plan.features):
        return block, training  # the file has been parsed by then, and its columns are stored
    letters = size // max(1, rows * width)
    text = min(records_at_once(width), rows) * width * (CELL + letters)
    return block, max(text, min(CELLS, rows * width) * (PLACES + 2 * letters)) + training
