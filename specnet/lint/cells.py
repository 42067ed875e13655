"""Cells that are not read as a document's author may expect."""

from __future__ import annotations

from collections.abc import Iterator

from specnet.data import Cells
from specnet.data.tables.settings import TableSettings
from specnet.diagnostics.text import counted
from specnet.lint.rule import Finding, Subject, rule

DROPPED = 0.1
"""The share of rows from which on it is a finding that they are left out."""


@rule("SN749", "data")
def numbers_as_text(subject: Subject) -> Iterator[Finding]:
    """Categories that are numbers in another format, such as one with decimal commas."""
    from specnet.data.tables.number_formats import keys_of, other_format

    data, sample = subject.spec.data, subject.samples.get("train")
    if sample is None or not isinstance(data, TableSettings) or "decimal" not in type(data).model_fields:
        return
    delimiter = str(getattr(data, "delimiter", ","))
    found = {}
    for column in (*sample.inputs, *sample.targets):
        if column.kind != "text" or len(column.categories) < 2 or _is_category(data, column):
            continue
        form = other_format(column.categories, data.numbers, delimiter)
        if form is not None:
            found[column.name] = form
    if found:
        keys = dict.fromkeys(keys_of(form, data.numbers) for form in found.values())
        read = (
            "is read as text, and its cells look"
            if len(found) == 1
            else "are read as text, and their cells look"
        )
        yield Finding(
            f"{subject.columns(list(found))} {read} like numbers in another format",
            ("data", "path"),
            help=f"write {', or '.join(keys)}; list names that look like numbers in `categories`",
        )


@rule("SN750", "data")
def dropped_rows(subject: Subject) -> Iterator[Finding]:
    """Tables of which many rows are left out, since a value is missing."""
    data, sample = subject.spec.data, subject.samples.get("train")
    if sample is None or subject.source is None or not isinstance(data, TableSettings):
        return
    whole = sample.dropped + subject.source.description.rows["train"]
    if sample.dropped <= DROPPED * whole:
        return
    by_table = data.missing == "drop"
    fill = '`missing = "mean"` fills in features'
    yield Finding(
        f"{sample.dropped:,} of {counted(whole, 'row')} are dropped, since they have a missing value",
        ("data", "missing") if by_table else ("data", "columns"),
        "value" if by_table else "key",
        help=f'{fill}; the target alone can have `missing = "drop"`, under `columns`' if by_table else fill,
    )


def _is_category(data: TableSettings, column: Cells) -> bool:
    """Return whether the document says that a column holds names."""
    own = data.columns.get(column.name)
    said = own is not None and (own.type is not None or own.values is not None)
    return said or column.name in map(str, data.categories)
