"""Text columns that a network cannot learn much from, and texts that are taken for categories."""

from __future__ import annotations

from collections.abc import Iterator

from specnet.data import Cells
from specnet.data.tables.many import are_texts
from specnet.data.tables.settings import TableSettings
from specnet.diagnostics.text import clipped
from specnet.lint.rule import Finding, Subject, rule

HALF = 0.5
"""The share of tokens or texts from which on it is a finding that they are unknown, or cut."""

ENOUGH = 20
"""Rows from which on it is no chance that few cells of a column are equal."""


@rule("SN755", "data")
def unknown_tokens(subject: Subject) -> Iterator[Finding]:
    """Text columns most tokens of which the vocabulary does not have."""
    for split, column in _texts(subject):
        counts = column.texts
        if counts is None or counts.unknown <= HALF * counts.tokens:
            continue
        rows = "rows" if split == "train" else f"{split} rows"
        yield Finding(
            f"{100 * counts.unknown / counts.tokens:.0f} % of the tokens of {subject.columns([column.name])} in the "
            f"{rows} are not in its vocabulary, and all of them look alike to the network",
            ("data", "columns", column.name),
            "key",
            help='raise `size`, or cut it into smaller tokens: `tokens = "char"` or `{ type = "bpe" }`',
        )


@rule("SN756", "data")
def shortened_texts(subject: Subject) -> Iterator[Finding]:
    """Text columns most of which are longer than the network reads."""
    for split, column in _texts(subject):
        counts = column.texts
        if split != "train" or counts is None or counts.cut <= HALF * counts.texts:
            continue
        yield Finding(
            f"{100 * counts.cut / counts.texts:.0f} % of the cells of {subject.columns([column.name])} are longer than "
            f"`length`, and lose tokens; the longest has {counts.longest:,}",
            ("data", "columns", column.name, "length"),
            help='raise `length`; `truncate = "start"` keeps their ends instead',
        )


@rule("SN757", "data")
def texts_as_categories(subject: Subject) -> Iterator[Finding]:
    """Categories that are sentences, hardly any two of them equal."""
    data, sample = subject.spec.data, subject.samples.get("train")
    if not isinstance(data, TableSettings) or sample is None or sample.rows < ENOUGH:
        return
    for column in sample.inputs:
        if column.kind != "text" or column.texts is not None or 2 * len(column.categories) <= sample.rows:
            continue
        if are_texts(column.categories):
            reference = f'"{clipped(column.name)}"' if subject.quotable else "NAME"
            yield Finding(
                f"{subject.columns([column.name])} holds text: {len(column.categories):,} of {sample.rows:,} rows "
                "have a category of their own, which says nothing about new rows",
                ("data",),
                "type",
                help=f'write `type = "text"` in [data.columns.{reference}], so that a network reads its words',
            )


def _texts(subject: Subject) -> Iterator[tuple[str, Cells]]:
    """Yield the text columns of each split that a file has."""
    for split, sample in subject.samples.items():
        for column in sample.inputs:
            if column.texts is not None:
                yield split, column
