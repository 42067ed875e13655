from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.collector import Collector
from specnet.data.files import FilePlace
from specnet.data.tables.dialect import spelled
from specnet.data.tables.explain import explain
from specnet.data.tables.layout import Layout, Resolver, first_record
from specnet.data.tables.plan import FITTED, ColumnPlan, TablePlan
from specnet.data.tables.rules import known_rules
from specnet.data.tables.scan import ABSENT, UNKNOWN, Column, boolean, scan
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.formats.table import Tabular
    from specnet.data.rows import Index
    from specnet.data.tables.dialect import Dialect


class TableRows:
    """Rows of a table: columns of numbers, and columns of codes that become one-hot elements when taken."""

    def __init__(self, plan: TablePlan, columns: Sequence[array[Any]]) -> None:
        self.plan = plan
        self.columns = [np.frombuffer(c, c.typecode) if len(c) else np.zeros(0, c.typecode) for c in columns]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (elements,)."""
        return (self.plan.size,)

    def __len__(self) -> int:
        return len(self.columns[0])

    def fit(self, rows: Index, collector: Collector) -> None:
        """Learn what missing cells become: a number's mean or median, or the most frequent value."""
        for plan, column in zip(self.plan.features, self.columns, strict=True):
            if plan.missing not in FITTED:
                continue
            values = column[rows]
            there = values[values >= 0] if plan.text else values[~np.isnan(values)]
            if len(there):
                # All splits share one plan, and so what was learnt from the training split.
                plan.fill = typical(there, plan.missing)
            else:
                no_value(plan, collector)

    def take(self, rows: Index) -> NDArray[Any]:
        """Return the chosen rows (rows, elements) in float64."""
        return expanded(self.plan, [column[rows] for column in self.columns])

    @classmethod
    def from_cells(cls, plan: TablePlan, rows: Any, data_format: Tabular, collector: Collector) -> TableRows:
        """Return rows given as sequences of cells, in the features' order; note what isn't one."""
        width = len(plan.features)
        columns: list[array[Any]] = [array("i" if column.text else "d") for column in plan.features]
        index = [{name: i for i, name in enumerate(column.categories)} for column in plan.features]
        dialect = data_format.dialect  # made again whenever it is asked for
        for r, row in enumerate(rows):
            cells = (
                list(row) if isinstance(row, (Sequence, np.ndarray)) and not isinstance(row, str) else [row]
            )
            if len(cells) != width:
                collector.add("SN505", f"row {r + 1} has {len(cells)} cells, the model takes {width}")
                continue
            for i, (cell, column) in enumerate(zip(cells, plan.features, strict=True)):
                value = _cell(cell, column, index[i], dialect)
                if isinstance(value, str):
                    near = closest(str(cell), index[i]) if index[i] and column.type != "boolean" else None
                    help = f"did you mean `{clipped(near)}`?" if near else None
                    collector.add(
                        "SN512", f"row {r + 1}, column `{clipped(column.name)}`: {value}", help=help
                    )
                    value = 0
                columns[i].append(value)
        return cls(plan, columns)

    @classmethod
    def from_file(cls, plan: TablePlan, dialect: Dialect, place: FilePlace) -> TableRows | None:
        """Return the rows of a file that has the feature columns, with or without the targets."""
        first = first_record(place, dialect)
        if first is None:
            return None
        layout = _layout(plan, Resolver(first, place, dialect, place.context.collector), dialect.header)
        if layout is None:
            return None
        rules = known_rules(dict(zip(layout.features, plan.features, strict=True)), drop=False)
        found = scan(place, dialect, layout, rules)
        if found is None:
            return None
        if found.faulty or not rules.optional.issuperset(found.missing):
            explain(place, dialect, layout, rules)
            return None
        return cls(plan, [found.columns[i].values for i in layout.features])


def typical(values: NDArray[Any], how: str) -> float:
    """Return the mean, the median or the most frequent of some values, the smallest one of several."""
    if how == "most_frequent":
        found, counts = np.unique(values, return_counts=True)
        return float(found[counts.argmax()])
    return float(np.median(values) if how == "median" else values.mean())


def expanded(plan: TablePlan, taken: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return columns of numbers and codes, in the features' order, as rows (rows, elements) in float64."""
    out = np.zeros((len(taken[0]), plan.size))
    row = np.arange(len(out))
    start = 0
    for column, values in zip(plan.features, taken, strict=True):
        instead = nan if column.fill is None else column.fill
        if not column.text:
            out[:, start] = np.where(np.isnan(values), instead, values)
        else:
            codes = values
            if column.fill is not None and (values == ABSENT).any():
                codes = np.where(values == ABSENT, int(column.fill), values)
            if column.one_hot:
                known = codes >= 0
                out[row[known], start + codes[known]] = 1.0
            else:
                out[:, start] = codes
        start += column.width
    return out


def no_value(column: ColumnPlan, collector: Collector) -> None:
    """Note a column without any value to fill its missing values."""
    message = f"column `{column.name}` has no value in the training split to fill its missing values"
    collector.add("SN511", message, "missing", help=f'leave it out with `exclude = ["{column.name}"]`')


def _layout(plan: TablePlan, resolver: Resolver, header: bool) -> Layout | None:
    before = len(resolver.collector.found)
    places: Sequence[int | None] = ()
    if header:
        places = [resolver.one(name, resolver.place.key) for name in plan.names]
    elif len(resolver.names) == plan.width:
        places = [column.place for column in plan.features]
    elif len(resolver.names) == len(plan.features):
        places = range(len(plan.features))
    else:
        message = (
            f"`{resolver.place.name}` has {len(resolver.names)} columns; the model takes "
            f"{len(plan.features)}, or the {plan.width} of its training file"
        )
        resolver.collector.add("SN554", message)
    if len(resolver.collector.found) > before:
        return None
    used = tuple(place for place in places if place is not None)
    return Layout(resolver.names, used, (), frozenset())


def _cell(cell: Any, column: ColumnPlan, index: dict[str, int], dialect: Dialect) -> float | int | str:
    """Return a cell's number or code, or a string that says why it has none."""
    absent = cell is None or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124 - NaN
    value: float | str | None = None
    if isinstance(cell, str):
        value = dialect.text(cell) if column.text else dialect.read(cell)
        absent = value is None
    if absent:
        if not column.optional:
            return "there is no value"
        return ABSENT if column.text else nan
    if column.text:
        text = value if isinstance(value, str) else spelled(cell)
        code = index.get(boolean(text) if column.type == "boolean" else text, UNKNOWN)
        if code == UNKNOWN and column.type == "boolean":
            return f"`{clipped(str(cell))}` is neither true nor false"
        if code == UNKNOWN and column.unknown != "zeros":
            return f"`{clipped(str(cell))}` is not a category that the model was trained on"
        return code
    try:
        number = float(cell) if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        return f"`{clipped(str(cell))}` is not a number"
    return number if isfinite(number) else f"`{clipped(str(cell))}` is not a finite number"


def targets(columns: Sequence[Column], integers: bool, single: bool) -> NDArray[Any]:
    """Return target columns as (rows,), int64 if they are whole numbers or classes, or as (rows, columns)."""
    arrays = [np.frombuffer(column.values, column.values.typecode) for column in columns]
    if integers:
        return arrays[0].astype(np.int64)
    return arrays[0] if single else np.stack(arrays, axis=1).astype(np.float64, copy=False)
