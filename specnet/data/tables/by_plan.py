"""Rows of files other than the training file, read by the plan that a model keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.new_rows import LabelledRows
from specnet.data.tables.choose import choose_by_plan
from specnet.data.tables.rows import TableRows, features_of, targets
from specnet.data.tables.rules import known_format
from specnet.data.tables.scan import scan

if TYPE_CHECKING:
    from specnet.data.tables.plan import TablePlan
    from specnet.data.tables.table import DataTable


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
