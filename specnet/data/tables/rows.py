"""Rows of a table that are held, and cells that are given as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.tables.cells import ABSENT, UNKNOWN, CellFormat, CellParser, absent, boolean, spelled
from specnet.data.tables.columns import indices
from specnet.data.tables.date_cells import date_parts
from specnet.data.tables.filling import Filling
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.rows import Index
    from specnet.data.tables.columns import Column
    from specnet.data.tables.plan import ColumnPlan, TablePlan
    from specnet.data.tables.scan import Scan


class TableRows:
    """Rows of a table: columns of numbers, of codes that become one-hot elements when taken, and of tokens."""

    def __init__(self, plan: TablePlan, columns: Sequence[NDArray[Any]]) -> None:
        self.plan, self.columns = plan, columns

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (elements,)."""
        return (self.plan.size,)

    def __len__(self) -> int:
        return len(self.columns[0])

    def fit(self, rows: Index, collector: Collector) -> None:
        """Learn what missing cells become: a number's mean or median, or the most frequent value."""
        filling = Filling(self.plan)
        filling.add(self.columns, rows)
        filling.finish(collector)

    def take(self, rows: Index) -> NDArray[Any]:
        """Return the chosen rows (rows, elements) in float64."""
        return expanded(self.plan, [column[rows] for column in self.columns])

    def take_columns(self, rows: Index, elements: Sequence[int]) -> NDArray[Any]:
        """Return some elements, in their order, of what `take` returns, each of all rows in one piece."""
        wanted = set(elements)
        return np.array([values for i, values in enumerate(self.elements(rows)) if i in wanted], np.float64).T

    def put(self, rows: Index, out: NDArray[np.float64]) -> None:
        """Write what `take` returns into `out` (rows, elements)."""
        expand(self.plan, [column[rows] for column in self.columns], out)

    def elements(self, rows: Index) -> Iterator[NDArray[Any]]:
        """Yield the columns of what `take` returns, of any type."""
        for column, values in zip(self.plan.features, self.columns, strict=True):
            yield from _elements(column, values[rows])


def features_of(plan: TablePlan, found: Scan, places: Sequence[int]) -> list[NDArray[Any]]:
    """Return the columns of features that were read of a file, texts as tokens (rows, steps)."""
    columns = map(found.columns.__getitem__, places)
    return [
        own.values if column.texts is None else column.texts.of_column(own.categories, own.values)
        for column, own in zip(plan.features, columns, strict=True)
    ]


def expanded(plan: TablePlan, taken: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return columns of numbers, codes and tokens, in the features' order, as rows (rows, elements) in float64."""
    out = np.empty((len(taken[0]), plan.size))
    expand(plan, taken, out)
    return out


def expand(plan: TablePlan, taken: Sequence[NDArray[Any]], out: NDArray[np.float64]) -> None:
    """Write what `expanded` returns into `out`."""
    start = 0
    for column, values in zip(plan.features, taken, strict=True):
        width, found = column.width, _encoded(column, values)
        if column.one_hot:
            own = out[:, start : start + width]
            own[...] = 0.0
            known = np.flatnonzero(found >= 0)
            own[known, found[known]] = 1.0
        elif found.ndim == 1:
            out[:, start] = found
        else:
            out[:, start : start + width] = found
        start += width


def _elements(column: ColumnPlan, values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the elements that the values of one column become."""
    found = _encoded(column, values)
    if column.one_hot:
        for code in range(column.width):
            yield found == code
    elif found.ndim == 1:
        yield found
    else:
        yield from found.T


def _encoded(column: ColumnPlan, values: NDArray[Any]) -> NDArray[Any]:
    """Return the elements (rows, width) of a column or its only one (rows,); codes (rows,) of one-hot elements.

    What is missing is filled in.
    """
    if column.texts is not None:
        return values
    if column.fill is not None:
        lacking = values == ABSENT if column.coded else np.isnan(values)
        if lacking.any():
            values = np.where(lacking, int(column.fill) if column.coded else column.fill, values)
    return date_parts(values, column.parts) if column.parts else values


def rows_of_cells(plan: TablePlan, rows: Any, parser: CellParser, collector: Collector) -> TableRows:
    """Return rows that are given as sequences of cells, in the features' order.

    Raises SpecError naming each row and column at fault.
    """
    width = len(plan.features)
    columns: list[list[Any]] = [[] for _ in plan.features]
    index = [indices(column.categories) for column in plan.features]
    with collector.together() as faults:
        for r, row in enumerate(rows):
            whole = isinstance(row, (Sequence, np.ndarray)) and not isinstance(row, str)
            cells = list(row) if whole else [row]
            if len(cells) != width:
                faults.add("SN505", f"row {r + 1} has {len(cells)} cells, the model takes {width}")
                continue
            for i, (cell, column) in enumerate(zip(cells, plan.features, strict=True)):
                if column.type == "text":
                    text = (
                        None
                        if absent(cell)
                        else parser.text(cell if isinstance(cell, str) else spelled(cell))
                    )
                    if text is None and not column.optional:
                        faults.add(
                            "SN512", f"row {r + 1}, column `{clipped(column.name)}`: there is no value"
                        )
                    columns[i].append(text)
                    continue
                value = _cell(cell, column, index[i], parser)
                if isinstance(value, str):
                    near = closest(str(cell), index[i]) if index[i] and column.type != "boolean" else None
                    help = f"did you mean `{clipped(near)}`?" if near else None
                    faults.add("SN512", f"row {r + 1}, column `{clipped(column.name)}`: {value}", help=help)
                    value = 0
                columns[i].append(value)
    return TableRows(plan, [_column(column, own) for column, own in zip(plan.features, columns, strict=True)])


def _column(plan: ColumnPlan, cells: list[Any]) -> NDArray[Any]:
    """Return the cells of a column as numbers, codes or tokens."""
    if plan.texts is not None:
        return plan.texts.rows(cells, len(cells))
    return np.array(cells, np.int32 if plan.coded else np.float64)


def targets(columns: Sequence[Column], integers: bool, single: bool) -> NDArray[Any]:
    """Return target columns as (rows,), int64 if they are whole numbers or classes, or as (rows, columns)."""
    first = columns[0].values
    if integers:
        return first.astype(np.int64)
    return first if single else np.stack([column.values for column in columns], axis=1, dtype=np.float64)


def _cell(cell: Any, column: ColumnPlan, index: dict[str, int], parser: CellParser) -> float | int | str:
    """Return a cell's number or code, or a string that says why it has none."""
    lacking, value = absent(cell), None
    if column.dates is not None and not lacking:
        form = CellFormat("number", dates=column.dates)
        value = form.number(parser, cell if isinstance(cell, (str, date)) else spelled(cell))
        lacking = value is None
    elif isinstance(cell, str):
        value = parser.text(cell) if column.coded else parser.read(cell)
        lacking = value is None
    if lacking:
        if not column.optional:
            return "there is no value"
        return ABSENT if column.coded else nan
    if column.coded:
        text = value if isinstance(value, str) else spelled(cell)
        code = index.get(boolean(text) if column.type == "boolean" else text, UNKNOWN)
        if code == UNKNOWN and column.type == "boolean":
            return f"`{clipped(str(cell))}` is neither true nor false"
        if code == UNKNOWN and column.unknown != "zeros":
            return f"`{clipped(str(cell))}` is not a category that the model was trained on"
        return code
    if isinstance(value, str):
        what = "a number" if column.dates is None else f"a date in {column.dates.stated}"
        return f"`{clipped(value)}` is not {what}"
    try:
        number = float(cell) if value is None else value
    except (TypeError, ValueError, OverflowError):
        return f"`{clipped(str(cell))}` is not a number"
    return number if isfinite(number) else f"`{clipped(str(cell))}` is not a finite number"
