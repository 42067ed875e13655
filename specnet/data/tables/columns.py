from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.faults import Faults, clipped, closest
from specnet.data.files import Place
from specnet.data.tables.explain import explain
from specnet.data.tables.layout import Layout, Resolver, first_record
from specnet.data.tables.scan import ABSENT, UNKNOWN, Column, Rules, scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.readers.csv_file import Csv
    from specnet.data.rows import Index
    from specnet.data.tables.dialect import Dialect


class TableRows:
    """Rows of a table: columns of numbers, and columns of codes that become one-hot stretches when taken."""

    def __init__(self, plan: dict[str, Any], columns: Sequence[array[Any]]) -> None:
        self.plan = plan
        self.columns = [np.frombuffer(c, c.typecode) if len(c) else np.zeros(0, c.typecode) for c in columns]
        self.widths = self.widths_of(plan)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (elements,)."""
        return (sum(self.widths),)

    def __len__(self) -> int:
        return len(self.columns[0])

    def fit(self, rows: Index, faults: Faults) -> None:
        """Learn what missing cells become: the mean of a number, the most frequent category."""
        if self.plan["fill"] is None:
            return
        fill = []
        for name, kind, column in zip(self.plan["names"], self.plan["kinds"], self.columns, strict=True):
            values = column[rows]
            there = values[values >= 0] if kind == "text" else values[~np.isnan(values)]
            if not len(there):
                message = f"column `{name}` has no value in the training split from which to fill its gaps"
                cure = f'leave it out with `exclude = ["{name}"]`'
                faults.add("SN511", message, "missing", help=cure)
            elif kind == "text":
                fill.append(float(np.bincount(there).argmax()))
            else:
                fill.append(float(there.mean()))
        # All splits share one plan, and so what was learnt from the training split.
        self.plan["fill"] = fill

    def take(self, rows: Index) -> NDArray[Any]:
        """Return the chosen rows (rows, elements) in float64."""
        return expanded(self.plan, self.widths, [column[rows] for column in self.columns])

    @staticmethod
    def widths_of(plan: dict[str, Any]) -> list[int]:
        """Return how many elements of an input each column becomes."""
        return [
            len(names) if kind == "text" and plan["one_hot"] else 1
            for kind, names in zip(plan["kinds"], plan["categories"], strict=True)
        ]

    @classmethod
    def from_cells(cls, plan: dict[str, Any], rows: Any, reader: Csv, faults: Faults) -> TableRows:
        """Return rows given as sequences of cells, in the features' order; note what isn't one."""
        width = len(plan["names"])
        columns: list[array[Any]] = [array("i" if kind == "text" else "d") for kind in plan["kinds"]]
        index = [{name: i for i, name in enumerate(names)} for names in plan["categories"]]
        dialect = reader.dialect  # made anew whenever it is asked for
        for r, row in enumerate(rows):
            cells = (
                list(row) if isinstance(row, (Sequence, np.ndarray)) and not isinstance(row, str) else [row]
            )
            if len(cells) != width:
                faults.add("SN505", f"row {r + 1} has {len(cells)} cells, the model takes {width}")
                continue
            for i, cell in enumerate(cells):
                value = _cell(cell, plan, i, index[i], dialect, zeros=reader.unknown == "zeros")
                if isinstance(value, str):
                    near = closest(str(cell), index[i]) if index[i] else None
                    cure = f"did you mean `{near}`?" if near else None
                    faults.add("SN512", f"row {r + 1}, column `{plan['names'][i]}`: {value}", help=cure)
                    value = 0
                columns[i].append(value)
        return cls(plan, columns)

    @classmethod
    def from_file(cls, plan: dict[str, Any], reader: Csv, place: Place) -> TableRows | None:
        """Return the rows of a file that has the feature columns, with or without the targets."""
        dialect = reader.dialect
        first = first_record(place, dialect)
        if first is None:
            return None
        layout = _layout(plan, Resolver(first, place, dialect, place.site.faults), reader.header)
        if layout is None:
            return None
        known = {
            i: Column(name, kind, array("d"), tuple(names))
            for i, name, kind, names in zip(
                layout.features, plan["names"], plan["kinds"], plan["categories"], strict=True
            )
        }
        optional = frozenset(layout.features if plan["fill"] is not None else ())
        rules = Rules(known, drop=False, zeros=reader.unknown == "zeros", optional=optional)
        found = scan(place, dialect, layout, rules)
        if found is None:
            return None
        if found.faulty or not optional.issuperset(found.missing):
            explain(place, dialect, layout, rules)
            return None
        return cls(plan, [found.columns[i].values for i in layout.features])


def expanded(plan: dict[str, Any], widths: Sequence[int], taken: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return columns of numbers and codes as rows (rows, elements) in float64."""
    out = np.zeros((len(taken[0]), sum(widths)))
    row = np.arange(len(out))
    start = 0
    fill = plan["fill"] or [nan] * len(taken)
    for kind, values, width, instead in zip(plan["kinds"], taken, widths, fill, strict=True):
        if kind == "number":
            out[:, start] = np.where(np.isnan(values), instead, values)
        else:
            codes = values
            if (values == ABSENT).any():
                codes = np.where(values == ABSENT, int(instead), values)
            if plan["one_hot"]:
                known = codes >= 0
                out[row[known], start + codes[known]] = 1.0
            else:
                out[:, start] = codes
        start += width
    return out


def _layout(plan: dict[str, Any], resolver: Resolver, header: bool) -> Layout | None:
    before = len(resolver.faults.found)
    if header:
        places = [resolver.one(name, resolver.place.key) for name in plan["names"]]
    elif len(resolver.names) == plan["width"]:
        places = plan["places"]
    elif len(resolver.names) == len(plan["places"]):
        places = list(range(len(plan["places"])))
    else:
        message = (
            f"`{resolver.place.name}` has {len(resolver.names)} columns; the model takes "
            f"{len(plan['places'])}, or the {plan['width']} of its training file"
        )
        resolver.faults.add("SN554", message)
    if len(resolver.faults.found) > before:
        return None
    used = tuple(place for place in places if place is not None)
    names_only = frozenset(i for i, only in zip(used, plan["names_only"], strict=True) if only)
    return Layout(resolver.names, used, (), names_only)


def _cell(
    cell: Any, plan: dict[str, Any], i: int, index: dict[str, int], dialect: Dialect, *, zeros: bool
) -> float | int | str:
    """Return a cell's number or code, or a text that says why it has none."""
    text = plan["kinds"][i] == "text"
    absent = cell is None or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124 - NaN
    value: float | str | None = None
    if isinstance(cell, str):
        value = dialect.text(cell) if text else dialect.read(cell)
        absent = value is None
    if absent:
        if plan["fill"] is None:
            return "there is no value"
        return ABSENT if text else nan
    if text:
        code = index.get(value if isinstance(value, str) else _spelled(cell), UNKNOWN)
        if code == UNKNOWN and not zeros:
            return f"`{clipped(str(cell))}` is not a category that the model was trained on"
        return code
    try:
        number = float(cell) if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        return f"`{clipped(str(cell))}` is not a number"
    return number if isfinite(number) else f"`{cell}` is not a finite number"


def _spelled(cell: Any) -> str:
    """Return how a category that is a number stands in a file: 3.0 as `3`."""
    number = float(cell) if isinstance(cell, (int, float, np.number)) else None
    return str(int(number)) if number is not None and number == int(number) else str(cell)


def targets(columns: Sequence[Column], integers: bool, single: bool) -> NDArray[Any]:
    """Return target columns as (rows,), int64 if they are whole numbers or classes, or as (rows, columns)."""
    arrays = [np.frombuffer(column.values, column.values.typecode) for column in columns]
    if integers:
        return arrays[0].astype(np.int64)
    return arrays[0] if single else np.stack(arrays, axis=1)
