from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from specnet.data.formats.table import NOTHING_SAID
from specnet.data.tables.scan import BOOLEANS, CellFormat, CellRules
from specnet.diagnostics.text import clipped

if TYPE_CHECKING:
    from specnet.data.files import FilePlace
    from specnet.data.formats.table import ColumnSettings, Tabular
    from specnet.data.tables.dialect import Dialect
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.plan import ColumnPlan


def first_rules(data_format: Tabular, layout: Layout, dialect: Dialect, place: FilePlace) -> CellRules | None:
    """Return what the cells of the training file may be: what the document says, and else what they are.

    None where a column's type is none that can be used, which is noted.
    """
    kinds = dialect.kinds(place)
    odd = [i for i in layout.used if kinds.get(layout.names[i]) not in (None, "number", "text", "boolean")]
    for i in odd:
        name = layout.names[i]
        # The type of a table in a table has the names of its columns.
        kind = f"type {clipped(str(kinds[name]))}" if place.quotable else "an unsupported type"
        message = f"{place.column(i, name)} of `{place.name}` holds values of {kind}"
        help = f"leave it out with `exclude = [{place.reference(i, name)}]`, or make numbers, text or booleans of it"
        place.context.collector.add("SN518", message, *place.key, help=help)
    if odd:
        return None
    forms: dict[int, CellFormat] = {}
    drop, zeros, optional = set[int](), set[int](), set[int]()
    for i in layout.used:
        settings = layout.settings.get(i, NOTHING_SAID)
        missing = data_format.missing_of(settings, target=i in layout.targets, text=False)
        if missing == "drop":
            drop.add(i)
        if missing != "refuse":
            optional.add(i)
        forms[i] = _first_form(settings, kinds.get(layout.names[i]), names_only=i in layout.categories)
        if data_format.unknown_of(settings) == "zeros" and i in layout.features and not forms[i].boolean:
            zeros.add(i)
    return CellRules(forms, frozenset(drop), frozenset(zeros), frozenset(optional))


def _first_form(settings: ColumnSettings, kind: str | None, *, names_only: bool) -> CellFormat:
    """Return what a column's cells may be, of a `kind` that follows from its type, if it has one."""
    said = "category" if names_only else settings.type or kind
    if said == "boolean":
        return CellFormat("text", BOOLEANS, boolean=True)
    if said == "number":
        return CellFormat("number")
    names_only = names_only or said == "text"
    values = settings.values
    if values is not None and settings.own is not None and settings.own not in values:
        values = (*values, settings.own)
    form: Literal["text"] | None = "text" if names_only else None
    return CellFormat(
        form, values, names_only=names_only, own=settings.own, origin="values" if values else "file"
    )


def known_rules(columns: dict[int, ColumnPlan], *, drop: bool) -> CellRules:
    """Return what the cells of columns may be that stand at these places of another file than the training file."""
    dropped = frozenset(i for i, column in columns.items() if drop and column.missing == "drop")
    return CellRules(
        {i: form_of(column) for i, column in columns.items()},
        drop=dropped,
        zeros=frozenset(i for i, column in columns.items() if column.unknown == "zeros"),
        optional=dropped | {i for i, column in columns.items() if column.optional},
    )


def form_of(column: ColumnPlan) -> CellFormat:
    """Return what the cells of a column may be, as the training file has them."""
    if not column.text:
        return CellFormat("number")
    boolean = column.type == "boolean"
    return CellFormat("text", tuple(column.categories), names_only=column.names_only, boolean=boolean)
