from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from specnet.data.faults import listed
from specnet.data.signature import Description

if TYPE_CHECKING:
    from specnet.data.files import Site
    from specnet.data.readers.csv_file import Csv
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.scan import Column, Scan

LARGEST = 2**31
"""Whole numbers from here on are not taken for class indices."""


def fit_to_encode(reader: Csv, layout: Layout, found: Scan, site: Site) -> bool:
    """Return whether the training file's columns can become inputs and targets; note why not."""
    before = len(site.faults.found)
    for i in layout.features:
        column = found.columns[i]
        count = len(column.categories)
        if count > reader.max_categories:
            site.faults.add(
                "SN515",
                f"column `{column.name}` of `{reader.path}` has {count} categories, "
                f"such as {listed(column.categories[:3])}",
                "path",
                help=f'leave it out with `exclude = ["{column.name}"]`, or raise `max_categories`',
            )
        elif len(found.missing.get(i, ())) == found.rows:
            message = f"column `{column.name}` of `{reader.path}` has no value at all"
            cure = f'leave it out with `exclude = ["{column.name}"]`'
            site.faults.add("SN511", message, "path", help=cure)
    if isinstance(reader.target, tuple):
        for i, place in enumerate(layout.targets):
            if found.columns[place].kind == "text":
                message = (
                    f"target column `{found.columns[place].name}` holds text: several targets must be numbers"
                )
                cure = "a single column of text can be the target, as classes"
                site.faults.add("SN516", message, "target", i, help=cure)
    return len(site.faults.found) == before


def describe(reader: Csv, layout: Layout, found: Scan) -> Description:
    """Return the description of a file's used columns."""
    features = feature_names(reader, [found.columns[i] for i in layout.features])
    several = isinstance(reader.target, tuple)
    raw = Description(
        (len(features),),
        (len(layout.targets),) if several else (),
        {"train": found.rows},
        features=features,
    )
    column = found.columns[layout.targets[0]]
    if several:
        return raw
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


def feature_names(reader: Csv, columns: list[Column]) -> tuple[str, ...]:
    """Return a name for each element of an input: the column's, with `=category` for a one-hot element."""
    names: list[str] = []
    for column in columns:
        if column.kind == "text" and reader.categorical == "one_hot":
            names += [f"{column.name}={category}" for category in column.categories]
        else:
            names.append(column.name)
    return tuple(names)


def plan(reader: Csv, layout: Layout, found: Scan) -> dict[str, Any]:
    """Return how columns become inputs, as plain data: what a stored model needs to encode new rows.

    `fill` holds what each column's missing cells become, once it is known from the training split.
    """
    columns = [found.columns[i] for i in layout.features]
    return {
        "names": [column.name for column in columns],
        "kinds": [column.kind for column in columns],
        "categories": [list(column.categories) for column in columns],
        "one_hot": reader.categorical == "one_hot",
        "places": list(layout.features),
        "width": len(layout.names),
        "names_only": [i in layout.categories for i in layout.features],
        "fill": [0.0] * len(columns) if reader.missing == "mean" else None,
    }
