"""What the cells of the columns of a file may be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from specnet.data.tables.cells import BOOLEANS, CellFormat
from specnet.data.tables.column_settings import NOTHING_SAID
from specnet.diagnostics.text import clipped

if TYPE_CHECKING:
    from specnet.data.tables.column_settings import ColumnSettings
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.plan import ColumnPlan
    from specnet.data.tables.settings import TableSettings
    from specnet.data.tables.table import DataTable


DATE_KINDS = ("date", "datetime", "timestamp", "Timestamp")
"""How the names of types of dates begin, in Parquet files and in frames."""


def first_formats(settings: TableSettings, layout: Layout, table: DataTable) -> dict[int, CellFormat]:
    """Return what the cells of the training file may be: what the document says, and else what they are.

    Raises SpecError for each column whose type is none that can be used.
    """
    kinds, place = table.kinds, table.place
    with place.context.collector.together() as faults:
        for i in layout.used:
            name, kind = layout.names[i], kinds.get(layout.names[i])
            if kind in (None, "number", "text", "boolean"):
                continue
            dated = kind.startswith(DATE_KINDS)
            if dated and layout.settings.get(i, NOTHING_SAID).type == "date":
                continue
            # The type of a table in a table has the names of its columns.
            of = f"type {clipped(str(kind))}" if place.quotable else "an unsupported type"
            message = f"{place.column(i, name)} of `{place.name}` holds values of {of}"
            reference = place.reference(i, name)
            help = f"leave it out with `exclude = [{reference}]`, or "
            if dated and i in layout.features:
                help += f'write `type = "date"` in [data.columns.{reference}]'
            else:
                help += "make numbers, text or booleans of it"
            faults.add("SN518", message, *place.key, help=help)
    forms = {}
    for i in layout.used:
        column, target = layout.settings.get(i, NOTHING_SAID), i in layout.held
        missing = settings.missing_of(column, target=target, text=False)
        kind = "number" if i in layout.weights else kinds.get(layout.names[i])
        form = _first_form(column, kind, names_only=i in layout.categories)
        zeros = settings.unknown_of(column) == "zeros" and not target and not form.boolean
        forms[i] = replace(form, zeros=zeros, optional=missing != "refuse", drop=missing == "drop")
    return forms


def _first_form(column: ColumnSettings, kind: str | None, *, names_only: bool) -> CellFormat:
    """Return what a column's cells may be, of a `kind` that follows from its type, if it has one."""
    said = "category" if names_only else column.type or kind
    if said == "boolean":
        return CellFormat("text", BOOLEANS, boolean=True)
    if column.type == "text":
        return CellFormat("text", names_only=True, texts=True)
    if said == "number":
        return CellFormat("number")
    if said == "date":
        return CellFormat("number", dates=column.dates)
    names_only = names_only or said == "text"
    values = column.values
    if values is not None and column.own is not None and column.own not in values:
        values = (*values, column.own)
    form: Literal["text"] | None = "text" if names_only else None
    return CellFormat(
        form, values, names_only=names_only, own=column.own, origin="values" if values else "file"
    )


def known_format(column: ColumnPlan, *, drop: bool = False) -> CellFormat:
    """Return what the cells of a column may be in a file other than the training file.

    With `drop`, rows are left out that the training file would have dropped.
    """
    drop = drop and column.missing == "drop"
    optional = drop or column.optional
    if column.type == "text":
        return CellFormat("text", names_only=True, texts=True, optional=optional, drop=drop)
    if not column.coded:
        return CellFormat("number", dates=column.dates, optional=optional, drop=drop)
    return CellFormat(
        "text",
        tuple(column.categories),
        names_only=column.names_only,
        boolean=column.type == "boolean",
        zeros=column.unknown == "zeros",
        optional=optional,
        drop=drop,
    )
