from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from specnet.data.formats.table import NOTHING_SAID
from specnet.data.signature import DataDescription
from specnet.data.tables.plan import ColumnPlan, TablePlan
from specnet.diagnostics.text import listed

if TYPE_CHECKING:
    from specnet.data.files import FilePlace
    from specnet.data.formats.table import Tabular
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.scan import Column, Scan

LARGEST = 2**31
"""Whole numbers from here on are not taken for class indices."""


def fit_to_encode(data_format: Tabular, layout: Layout, found: Scan, place: FilePlace) -> bool:
    """Return whether the training file's columns can become inputs and targets; note why not."""
    context = place.context
    before = len(context.collector.found)
    for i in layout.used:
        column, settings = found.columns[i], layout.settings.get(i)
        problem = settings.misfit(column.type) if settings is not None else None
        if problem is not None:
            key, message = problem
            help = f"its cells look like {'numbers' if column.type == 'number' else 'names'}; `type` says what they are"
            message = f"{place.column(i, column.name)}: {message}"
            context.collector.add("SN517", message, "columns", layout.keys[i], key, help=help)
    for i in layout.features:
        column = found.columns[i]
        count = len(column.categories)
        if count > data_format.max_categories:
            message = f"{place.column(i, column.name)} of `{data_format.path}` has {count} categories"
            if place.quotable:
                message += f", such as {listed(column.categories[:3])}"
            help = f"leave it out with `exclude = [{place.reference(i, column.name)}]`, or raise `max_categories`"
            context.collector.add("SN515", message, "path", help=help)
        elif len(found.missing.get(i, ())) == found.rows and not _fixed(data_format, layout, i):
            message = f"{place.column(i, column.name)} of `{data_format.path}` has no value at all"
            help = f"leave it out with `exclude = [{place.reference(i, column.name)}]`"
            context.collector.add("SN511", message, "path", help=help)
    if isinstance(data_format.target, tuple):
        for n, i in enumerate(layout.targets):
            if found.columns[i].type == "category":
                which = place.column(i, found.columns[i].name)
                message = f"target {which} holds text: several targets must be numbers"
                help = "a single column of text can be the target, as classes"
                context.collector.add("SN516", message, "target", n, help=help)
    return len(context.collector.found) == before


def _fixed(data_format: Tabular, layout: Layout, i: int) -> bool:
    """Return whether a column's missing cells become a value that no other cell need have."""
    return data_format.missing_of(layout.settings.get(i, NOTHING_SAID), target=False, text=False) == "value"


def describe(data_format: Tabular, layout: Layout, found: Scan, plan: TablePlan) -> DataDescription:
    """Return the description of a file's used columns."""
    features = plan.elements
    column_slices = tuple(
        column_slice._replace(whole=_whole(column, found.columns[i], found.rows))
        for column_slice, column, i in zip(plan.column_slices, plan.features, layout.features, strict=True)
    )
    several = isinstance(data_format.target, tuple)
    raw = DataDescription(
        (len(features),),
        (len(layout.targets),) if several else (),
        {"train": found.rows},
        features=features,
        column_slices=column_slices,
        whole=all(column_slice.whole for column_slice in column_slices),
    )
    if several or data_format.reproduces:
        return raw
    column = found.columns[layout.targets[0]]
    if column.kind == "text":
        counter = Counter(column.values)
        raw.target_kind, raw.classes, raw.class_count = "class", column.categories, len(column.categories)
        raw.per_class = [counter[i] for i in range(raw.class_count)]
        return raw
    values = column.values
    if min(values) >= 0 and max(values) < LARGEST and all(value == int(value) for value in values):
        raw.class_count = int(max(values)) + 1
        if raw.class_count <= 10 * found.rows:
            counter = Counter(values)
            raw.per_class = [counter[i] for i in range(raw.class_count)]
    return raw


def _whole(plan: ColumnPlan, column: Column, rows: int) -> bool:
    """Return whether a column becomes whole numbers: codes of categories, or numbers that all are."""
    if plan.text:
        return True
    # What gaps are filled with is not known yet, and of a file that is read in batches not every number.
    known = plan.scale == "none" and not plan.optional and len(column.values) == rows
    return known and all(map(float.is_integer, column.values))


def plan_of(data_format: Tabular, layout: Layout, found: Scan) -> TablePlan:
    """Return how columns become inputs and targets: what a stored model needs to encode new rows."""
    features, targets = (
        [_column_plan(data_format, layout, i, found.columns[i]) for i in places]
        for places in (layout.features, layout.targets)
    )
    return TablePlan(len(layout.names), features, targets)


def _column_plan(data_format: Tabular, layout: Layout, i: int, column: Column) -> ColumnPlan:
    settings = layout.settings.get(i, NOTHING_SAID)
    feature = i in layout.features
    missing = data_format.missing_of(settings, target=not feature, text=column.kind == "text")
    fill = None
    if missing == "value":
        if column.type == "category":
            fill = float(column.categories.index(settings.own or ""))
        elif settings.fill is not None:
            fill = float(settings.fill)
    return ColumnPlan(
        name=column.name,
        place=i,
        type=column.type,
        categories=list(column.categories),
        names_only=i in layout.categories,
        encode=data_format.encode_of(settings),
        missing=missing,
        fill=fill,
        unknown=data_format.unknown_of(settings) if column.type == "category" and feature else "refuse",
        scale=data_format.scale_of(settings) if column.type == "number" and feature else "none",
    )
