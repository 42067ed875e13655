"""Cells of files that are read by a plan: that of the training file, or the one that a model keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specnet.data.new_rows import LabelledRows
from specnet.data.tables.cells import UNKNOWN
from specnet.data.tables.choose import choose_by_plan
from specnet.data.tables.columns import ColumnReader, indices, lacking
from specnet.data.tables.rows import TableRows, features_of, targets
from specnet.data.tables.rules import known_format
from specnet.data.tables.scan import scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from specnet.data.tables.cells import CellParser
    from specnet.data.tables.plan import ColumnPlan, TablePlan
    from specnet.data.tables.table import DataTable


class PlanReader:
    """Reads cells of text as the columns of a plan's features."""

    def __init__(self, plan: TablePlan, parser: CellParser) -> None:
        self._parser = parser
        self._columns = [
            (column, known_format(column), indices(column.categories)) for column in plan.features
        ]

    def columns(self, cells: Sequence[Sequence[Any]]) -> list[NDArray[Any]] | ColumnPlan:
        """Return columns of cells, in the features' order, as numbers, codes and tokens.

        Where a cell is not as the plan says, return the plan of its column.
        """
        found = []
        for (column, form, index), own in zip(self._columns, cells, strict=True):
            if column.texts is not None:
                texts = [form.text(self._parser, cell) for cell in own]
                if not form.optional and None in texts:
                    return column
                found.append(column.texts.rows(texts, len(own)))
                continue
            reader = ColumnReader(column.name, self._parser, form, index)
            values = reader.read(own)
            unknown = column.coded and not form.zeros and UNKNOWN in values
            if reader.faulty or unknown or (not form.optional and lacking(values).any()):
                return column
            found.append(values)
        return found


def rows_by_plan(plan: TablePlan, table: DataTable, *, labelled: bool, single: bool) -> LabelledRows:
    """Return the rows of a file that has the features, and with `labelled` the targets.

    The targets are None where they are the inputs, or not asked for; with `single`, they are one number a row. Of
    labelled rows, those are dropped that the training file would have dropped. Raises SpecError with what is wrong.
    """
    layout = choose_by_plan(plan, table, labelled=labelled)
    columns = plan.used[: len(layout.used)]
    formats = (known_format(column, drop=labelled) for column in columns)
    found = scan(table, layout, dict(zip(layout.used, formats, strict=True)))
    if labelled and not found.rows:
        raise table.place.error("SN506", f"`{table.place.name}` has no rows of data")
    rows = TableRows(plan, features_of(plan, found, layout.features))
    aimed = [found.columns[i] for i in layout.targets]
    whole = single and bool(aimed) and plan.targets[0].coded
    return LabelledRows(
        rows,
        targets(aimed, integers=whole, single=single) if aimed else None,
        next((found.columns[i].values for i in layout.weights), None),
    )
