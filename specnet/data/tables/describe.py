"""What the columns of a table become: its description, and its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from specnet.data.signature import LARGEST_INDEX, DataDescription
from specnet.data.tables.cells import BOOLEANS, boolean
from specnet.data.tables.column_settings import NOTHING_SAID
from specnet.data.tables.many import many_help
from specnet.data.tables.plan import ColumnPlan, TablePlan
from specnet.diagnostics.text import listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.tables.columns import Column
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.scan import Scan
    from specnet.data.tables.settings import TableSettings
    from specnet.data.tables.table import DataTable


def check_columns(settings: TableSettings, layout: Layout, found: Scan, table: DataTable) -> None:
    """Raise SpecError with each column of the training file that cannot become inputs or targets."""
    place = table.place
    with place.context.collector.together() as faults:
        for i in layout.used:
            column, own = found.columns[i], layout.settings.get(i)
            problem = own.misfit(column.type) if own is not None else None
            if problem is not None:
                key, message = problem
                like = "numbers" if column.type == "number" else "names"
                help = f"its cells look like {like}; `type` says what they are"
                message = f"{place.column(i, column.name)}: {message}"
                faults.add("SN517", message, "columns", layout.keys[i], key, help=help)
        for i in layout.features:
            column = found.columns[i]
            count = 0 if column.texts else len(column.categories)
            empty = found.missing.get(i, 0) == found.rows and not _fixed(settings, layout, i)
            if count <= settings.max_categories and not empty:
                continue
            which = f"{place.column(i, column.name)} of `{place.name}`"
            reference = place.reference(i, column.name)
            if count > settings.max_categories:
                message = f"{which} has {count} categories"
                if place.quotable:
                    message += f", such as {listed(column.categories[:3])}"
                help = many_help(table, column.categories, reference)
                faults.add("SN515", message, "path", help=help)
            else:
                help = f"leave it out with `exclude = [{reference}]`"
                faults.add("SN511", f"{which} has no value at all", "path", help=help)
        several = settings.target if isinstance(settings.target, tuple) else ()
        for n, i in enumerate(layout.targets if several else ()):
            if found.columns[i].type == "category":
                which = place.column(i, found.columns[i].name)
                message = f"target {which} holds text: several targets must be numbers"
                words = found.columns[i].categories
                if all(boolean(word) in BOOLEANS for word in words):
                    help = f'`type = "boolean"` in [data.columns.{several[n]}] reads yes and no'
                else:
                    help = table.number_help(words) or "a single column of text can be the target, as classes"
                faults.add("SN516", message, "target", n, help=help)


def _fixed(settings: TableSettings, layout: Layout, i: int) -> bool:
    """Return whether a column's missing cells become a value that no other cell need have."""
    return settings.missing_of(layout.settings.get(i, NOTHING_SAID), target=False, text=False) == "value"


def describe(settings: TableSettings, layout: Layout, found: Scan, plan: TablePlan) -> DataDescription:
    """Return the description of a file's used columns."""
    features = plan.elements
    column_slices = tuple(
        column_slice._replace(whole=_whole(column, found.columns[i], found.rows))
        for column_slice, column, i in zip(plan.column_slices, plan.features, layout.features, strict=True)
    )
    several = isinstance(settings.target, tuple)
    raw = DataDescription(
        (len(features),),
        (len(layout.targets),) if several else (),
        {"train": found.rows},
        features=features,
        column_slices=column_slices,
        whole=all(column_slice.whole for column_slice in column_slices),
        weighted=bool(layout.weights),
    )
    if several or settings.reproduces:
        return raw
    column = found.columns[layout.targets[0]]
    values = column.values
    if column.kind == "text":
        raw.target_kind, raw.classes, raw.class_count = "class", column.categories, len(column.categories)
    elif values.min() >= 0 and values.max() < LARGEST_INDEX and _are_whole(values):
        raw.class_count = int(values.max()) + 1
    if raw.class_count is not None and (column.kind == "text" or raw.class_count <= 10 * found.rows):
        raw.per_class = np.bincount(values.astype(np.int64), minlength=raw.class_count).tolist()
    return raw


def _whole(plan: ColumnPlan, column: Column, rows: int) -> bool:
    """Return whether a column becomes whole numbers: codes of categories, or numbers that all are."""
    if plan.coded or plan.type == "text":
        return True
    if column.dates:
        return False
    # What gaps are filled with is not known yet, and of a file that is read in batches not every number.
    known = plan.scale == "none" and not plan.optional and len(column.values) == rows
    return known and _are_whole(column.values)


def _are_whole(values: NDArray[np.float64]) -> bool:
    return bool((values == np.floor(values)).all())


def plan_of(settings: TableSettings, layout: Layout, found: Scan) -> TablePlan:
    """Return how columns become inputs and targets: what a stored model needs to encode new rows."""
    features, targets, weights = (
        [_column_plan(settings, layout, i, found.columns[i]) for i in places]
        for places in (layout.features, layout.targets, layout.weights)
    )
    return TablePlan(len(layout.names), features, targets, weights)


def _column_plan(settings: TableSettings, layout: Layout, i: int, column: Column) -> ColumnPlan:
    own = layout.settings.get(i, NOTHING_SAID)
    feature = i in layout.features
    missing = settings.missing_of(own, target=not feature, text=column.kind == "text")
    fill = None
    if missing == "value":
        if column.type == "category":
            fill = float(column.categories.index(own.own or ""))
        elif column.dates:
            fill = own.dates.days(str(own.fill))
        elif own.fill is not None:
            fill = float(own.fill)
    return ColumnPlan(
        name=column.name,
        place=i,
        type=column.type,
        categories=[] if column.texts else list(column.categories),
        names_only=i in layout.categories,
        encode=settings.encode_of(own),
        missing=missing,
        fill=fill,
        unknown=settings.unknown_of(own) if column.type == "category" and feature else "refuse",
        scale=settings.scale_of(own) if column.type in ("number", "date") and feature else "none",
        format=own.format,
        parts=own.date_parts if column.dates else (),
    )
