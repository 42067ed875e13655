"""One pass over a table: what its columns are, held as a whole or in part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from specnet.data.sample import MAXIMUM
from specnet.data.tables.cells import ABSENT, UNKNOWN, CellFormat
from specnet.data.tables.column_sink import ColumnSink
from specnet.data.tables.column_store import ColumnStore
from specnet.data.tables.columns import Column, ColumnReader, lacking
from specnet.data.tables.faults import check_cells
from specnet.data.tables.many import many_help
from specnet.data.tables.split_cells import SplitCells
from specnet.data.tables.table import rows_ahead
from specnet.diagnostics import SpecError
from specnet.diagnostics.text import listed

if TYPE_CHECKING:
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.table import DataTable


@dataclass(slots=True, eq=False)
class Scan:
    """The columns that are used of one file."""

    rows: int
    columns: dict[int, Column]
    """By their position in the file."""
    missing: Mapping[int, int]
    """How many rows have no value, by column, of those that are kept."""
    dropped: NDArray[np.bool_] | None
    """For each record whether it is left out, where some may be."""
    split: Mapping[str, SplitCells]
    """What the columns hold by which rows are split, by the key that names them."""
    stored: StoredFeatures
    """The features' columns, where they are not held."""


@dataclass(slots=True, eq=False)
class StoredFeatures:
    """The columns of the features in a temporary file, as they were read."""

    store: ColumnStore
    ranks: list[NDArray[np.int32] | None]
    """What codes become, by feature: see `ColumnReader.rank`."""

    def columns(self, found: Sequence[NDArray[Any]], coded: Sequence[bool]) -> list[NDArray[Any]]:
        """Return columns of the store as the plan has them."""
        return [
            _ranked(column, rank) if of_codes else column
            for column, rank, of_codes in zip(found, self.ranks, coded, strict=True)
        ]


def _ranked(codes: NDArray[Any], rank: NDArray[np.int32] | None) -> NDArray[Any]:
    if codes.dtype.kind == "f":
        # Until the first text, a column has no values at all.
        return np.full(len(codes), ABSENT, np.int32)
    return codes if rank is None else rank[codes]


def scan(
    table: DataTable, layout: Layout, forms: Mapping[int, CellFormat], maximum: int | None = None
) -> Scan:
    """Return the columns of a file that a layout uses; raises SpecError naming each cell that is at fault.

    With a `maximum`, features are not held: only their first values, in bounded memory. One of more categories
    than the maximum is refused as soon as it has them.
    """
    features, held = frozenset(layout.features), frozenset(layout.held)
    columns = {
        i: ColumnSink(
            ColumnReader(
                layout.names[i], table.parser, forms[i], maximum=None if maximum is None else MAXIMUM
            ),
            None if maximum is None or i in held else MAXIMUM,
            alone=maximum is not None,
        )
        for i in layout.used
    }
    dropping = [column for i, column in columns.items() if forms[i].drop]
    split = {key: SplitCells(table.parser) for key in layout.split}
    store = ColumnStore(rows_ahead(table.width))
    # The tokens of texts are known only when the training rows are.
    storing = maximum is not None and not any(forms[i].texts for i in layout.features) and store.begin()
    rows, faulty = 0, False
    dropped: list[NDArray[np.bool_]] = []
    # With a maximum, which texts are held for a look at them depends on how many are read at once.
    alone = maximum is not None and any(form.texts for form in forms.values())
    for chunk in table.chunks(readers=None if alone else table.place.context.readers):
        faulty = faulty or bool(chunk.odd)
        for i, column in columns.items():
            column.read(chunk.columns[i])
        kept = None
        if dropping:
            dropped.append(np.any([lacking(column.new) for column in dropping], axis=0))
            kept = ~dropped[-1]
        for key, cells in split.items():
            cells.read(chunk.columns[layout.split[key]], kept)
        for i, column in columns.items():
            column.keep(kept, table.expected)
            most = maximum if i in features and not forms[i].texts else None
            if most is not None and len(column.reader.codes.index) > most:
                raise _too_many(table, i, column.reader, most)
        if storing:
            store.append([columns[i].taken for i in layout.features])
        rows += len(chunk.lines) if kept is None else int(np.count_nonzero(kept))
    missing = {i: column.missing for i, column in columns.items() if column.missing}
    faulty = faulty or any(column.reader.faulty for column in columns.values())
    # Rows that are left out may hold categories that the training file does not have.
    faulty = faulty or any(UNKNOWN in column.used for i, column in columns.items() if not forms[i].zeros)
    if faulty or not all(forms[i].optional for i in missing):
        check_cells(table, layout, forms)
    found = {i: column.finish() for i, column in columns.items()}
    if storing:
        store.finish()
    stored = StoredFeatures(store, [columns[i].reader.rank for i in layout.features])
    return Scan(rows, found, missing, np.concatenate(dropped) if dropped else None, split, stored)


def _too_many(table: DataTable, number: int, reader: ColumnReader, maximum: int) -> SpecError:
    place = table.place
    message = f"{place.column(number, reader.name)} of `{place.name}` has more than {maximum} categories"
    # The same ones, however many are read at once.
    first = list(islice(reader.codes.index, maximum + 1))
    if place.quotable:
        message += f", such as {listed(first[:3])}"
    help = many_help(table, first, place.reference(number, reader.name))
    return place.context.collector.error("SN515", message, "path", help=help)
