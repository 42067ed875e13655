"""What the columns of a table say that its rows are split by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from specnet.data.split_keys import KeyColumn, SplitKeys, split_keys
from specnet.diagnostics.text import joined, plural

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.scan import Scan
    from specnet.data.tables.settings import TableSettings
    from specnet.data.tables.split_cells import SplitCells
    from specnet.data.tables.table import DataTable

NAMED = 5
"""How many lines a finding names."""


def keys_of(
    settings: TableSettings, table: DataTable, layout: Layout, found: Scan, collector: Collector
) -> SplitKeys | None:
    """Return what the columns say that a document splits its rows by; None where it names none.

    Raises SpecError naming the lines of values that say nothing.
    """
    if settings.split is None or not layout.split:
        return None
    columns = {
        key: _column(table, layout.split[key], cells, found.dropped) for key, cells in found.split.items()
    }

    def classes() -> NDArray[np.int64] | None:
        target = found.columns[layout.targets[0]].values if len(layout.targets) == 1 else None
        whole = target is not None and bool((target == np.floor(target)).all() and target.min() >= 0)
        return target.astype(np.int64) if target is not None and whole else None

    return split_keys(columns, settings.split, classes, collector)


def _column(table: DataTable, place: int, cells: SplitCells, dropped: NDArray[np.bool_] | None) -> KeyColumn:
    values = cells.values

    def where(code: int) -> str:
        """Read the table again for the lines of a value, which only a fault asks for."""
        lines: list[int] = []
        record = 0
        for chunk in table.chunks():
            for line, cell in zip(chunk.lines, chunk.columns[place], strict=True):
                if (dropped is None or not dropped[record]) and cells.value(cell) == values[code]:
                    lines.append(line)
                record += 1
        shown = [str(line) for line in lines[:NAMED]]
        if len(lines) > NAMED:
            shown = [", ".join(shown), f"{len(lines) - NAMED} more"]
        return f"{plural(table.row_word, len(lines))} {joined(shown)}"

    what = f"{table.place.column(place, table.names[place])} of `{table.place.name}`"
    return KeyColumn(what, values, cells.codes, where, table.place.quotable)
