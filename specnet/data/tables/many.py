"""Columns with so many different cells that they are no categories."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING

from specnet.data.tables.dates import date_help

if TYPE_CHECKING:
    from specnet.data.tables.table import DataTable

ENOUGH = 1000
"""How many different cells are looked at."""

WORDS, LETTERS = 5, 10
"""From how many words on average, or letters of scripts that put no spaces between words, cells are texts."""


def are_texts(cells: Collection[str]) -> bool:
    """Return whether different cells of a column are texts rather than names: sentences, or parts of them."""
    some = list(islice(cells, ENOUGH))
    words = sum(len(cell.split()) for cell in some)
    letters = sum(not letter.isascii() for cell in some for letter in cell)
    return bool(some) and (words >= WORDS * len(some) or letters >= LETTERS * len(some))


def many_help(table: DataTable, cells: Collection[str], reference: str) -> str:
    """Return what helps where a column, which is named by `reference`, has too many categories."""
    place = table.place
    found = table.number_help(cells) or (date_help(cells, reference) if place.quotable else None)
    if found is not None:
        return found
    if are_texts(cells):
        return f'write `type = "text"` in [data.columns.{reference}], so that a network reads its words'
    return f"leave it out with `exclude = [{reference}]`, or raise `max_categories`"
