"""Rows that a program gives, in any of the forms that `Encoding.encode` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.arrays.given import of_inputs, side_by_side
from specnet.data.rows import ArrayRows, Rows
from specnet.data.tables.cell_rows import CellRows
from specnet.data.tables.frames import is_frame
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import listed

if TYPE_CHECKING:
    from specnet.data.collector import Collector
    from specnet.data.format import DataFormat
    from specnet.data.new_rows import KnownRows
    from specnet.data.signature import InputArray, Signature


def given_rows(
    rows: Any,
    data_format: DataFormat,
    known: KnownRows,
    signature: Signature,
    arrays: Sequence[InputArray],
    collector: Collector,
) -> Rows:
    """Return rows in any form that `Encoding.encode` takes as rows before all transforms.

    `arrays` are those that the model takes. Raises SpecError naming each row and column at fault.
    """
    if is_frame(rows):
        return data_format.rows_of_frame(rows, known, collector)
    if isinstance(rows, CellRows):
        return data_format.rows_of_columns(rows, known, collector)
    rows = _single(rows)
    if isinstance(rows, Mapping):
        named = [part for part in signature.column_slices or () if part.shape]
        lacking = any(part.name not in rows for part in named)
        inputs = {array.short for array in arrays if array.spans is not None}
        if lacking and inputs and inputs <= rows.keys():
            together = of_inputs(rows, arrays, prod(known.shape), collector)
        else:
            together = side_by_side(rows, named, collector)
        return ArrayRows(together)
    if isinstance(rows, Sequence) and rows and isinstance(rows[0], Mapping):
        rows = _in_order(rows, known, collector)
    if not hasattr(rows, "__iter__") or isinstance(rows, str):
        raise collector.error("SN540", "the inputs are not rows, but a single value")
    return data_format.rows_of_cells(rows, known, collector)


def _in_order(rows: Sequence[Mapping[str, Any]], known: KnownRows, collector: Collector) -> list[list[Any]]:
    """Return mappings from column to cell as cells in the order of the columns."""
    names = known.features if known.columns is None else known.columns.names
    if names is None:
        raise collector.error("SN571", "these data have no column names: give rows as lists of numbers")
    with collector.together() as faults:
        for i, row in enumerate(rows):
            lacking = [name for name in names if name not in row]
            if lacking:
                near = closest(lacking[0], map(str, row))
                help = f"did you mean `{lacking[0]}` where it says `{near}`?" if near else None
                faults.add("SN509", f"row {i + 1} has no {listed(lacking)}", help=help)
    return [[row.get(name) for name in names] for row in rows]


def _single(rows: Any) -> Any:
    """Return one row of named cells, as a mapping or a Series, as a list of rows; all else as it is."""
    if hasattr(rows, "index") and hasattr(rows, "to_dict") and not isinstance(rows, Mapping):
        rows = rows.to_dict()
    if isinstance(rows, Mapping) and rows and all(np.ndim(cell) == 0 for cell in rows.values()):
        return [rows]
    return rows
