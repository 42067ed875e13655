"""Rows of files other than the training file, read by the plan that a model keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.new_rows import LabelledRows
from specnet.data.tables.choose import choose_by_plan
from specnet.data.tables.rows import TableRows, targets
from specnet.data.tables.rules import known_rules
from specnet.data.tables.scan import scan

if TYPE_CHECKING:
    from specnet.data.tables.plan import TablePlan
    from specnet.data.tables.table import DataTable


def feature_rows(plan: TablePlan, table: DataTable) -> TableRows:
    """Return the rows of a file that has the features; raises SpecError with what is wrong."""
    layout = choose_by_plan(plan, table, labelled=False)
    rules = known_rules(dict(zip(layout.used, plan.features, strict=True)), drop=False)
    found = scan(table, layout, rules)
    return TableRows(plan, [found.columns[i].values for i in layout.features])


def labelled_rows(plan: TablePlan, table: DataTable, *, single: bool) -> LabelledRows:
    """Return the rows of a file that has the features and the targets, and its targets.

    The targets are None where they are the inputs; with `single`, they are one number a row. Rows that the training
    file would have dropped, for a column without a value, are dropped here, too. Raises SpecError with what is wrong.
    """
    layout = choose_by_plan(plan, table, labelled=True)
    columns = (*plan.features, *plan.targets)
    found = scan(table, layout, known_rules(dict(zip(layout.used, columns, strict=True)), drop=True))
    if not found.rows:
        raise table.place.error("SN506", f"`{table.place.name}` has no rows of data")
    rows = TableRows(plan, [found.columns[i].values for i in layout.features])
    if not plan.targets:
        return LabelledRows(rows, None)
    aimed = [found.columns[i] for i in layout.targets]
    return LabelledRows(rows, targets(aimed, integers=single and plan.targets[0].text, single=single))
