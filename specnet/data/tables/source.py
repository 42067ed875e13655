from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from specnet.data.files import Place, Site, larger_than_half
from specnet.data.reader import BATCHES, Part, joined
from specnet.data.rows import BLOCK
from specnet.data.sample import MOST, Cells, Sample
from specnet.data.signature import Description
from specnet.data.tables.choose import choose, choose_alike
from specnet.data.tables.describe import describe, fit_to_encode, plan
from specnet.data.tables.explain import explain
from specnet.data.tables.layout import Layout
from specnet.data.tables.passing import records_at_once, scan_passing
from specnet.data.tables.scan import Rules, Scan, scan

if TYPE_CHECKING:
    from specnet.data.readers.csv_file import Csv
    from specnet.data.rows import Rows, StoredRows

CELL = 120
"""The bytes that a cell of text takes beside its letters, while it is parsed."""


@dataclass
class CsvSource:
    """Tables that were read and checked."""

    plan: dict[str, Any]
    layouts: dict[str, Layout]
    scans: dict[str, Scan]
    description: Description
    files: dict[str, Place]
    reader: Csv

    def read(self, seed: int) -> dict[str, Part]:
        """Return the columns as rows; one-hot stretches are made only when rows are taken."""
        from specnet.data.tables.columns import TableRows, targets

        del seed
        integers = self.description.class_count is not None
        parts = {}
        for name, found in self.scans.items():
            layout = self.layouts[name]
            rows: Rows | StoredRows
            if self.description.batches:
                rows = self._stream(name)
            else:
                rows = TableRows(self.plan, [found.columns[i].values for i in layout.features])
            parts[name] = Part(
                rows, targets([found.columns[i] for i in layout.targets], integers, self.single)
            )
        return parts

    def _stream(self, name: str) -> StoredRows:
        from specnet.data.tables.stream_rows import StreamRows, Table

        found, zeros = self.scans[name], self.reader.unknown == "zeros"
        table = Table(
            self.files[name],
            self.reader.dialect,
            self.layouts[name],
            found.columns,
            zeros=zeros,
            gone=found.gone,
        )
        return StreamRows(table, self.plan, found.rows, self.reader.shuffle_buffer)

    @property
    def single(self) -> bool:
        """Whether a target is one number, not a list."""
        return not self.description.target

    def columns(self) -> dict[str, Any] | None:
        """Return how the columns become inputs, as plain data."""
        return self.plan

    def samples(self) -> dict[str, Sample]:
        """Return all rows, as they have been read, or the first ones where they stay in their file."""
        samples = {}
        batches = bool(self.description.batches)
        for name, found in self.scans.items():
            layout = self.layouts[name]
            most = min(found.rows, MOST) if batches else found.rows
            inputs, targets = (
                tuple(
                    Cells(c.name, c.kind, c.values[:most], c.categories)
                    for c in map(found.columns.__getitem__, places)
                )
                for places in (layout.features, layout.targets)
            )
            samples[name] = Sample(inputs, targets, table=not batches)
        return samples


def open_csv(reader: Csv, site: Site) -> CsvSource | None:
    """Return the columns that a reader names, read and checked; None where `site` noted why not."""
    path = site.find(reader.path, "path")
    if path is None:
        return None
    files = {"train": Place(path, reader.path, ("path",), site)}
    large = larger_than_half(4 * path.stat().st_size)
    batches = reader.load == "batches" or (reader.load == "auto" and large)
    main = _scanned(reader, files["train"], None, batches=batches)
    if main is None:
        return None
    layout, train = main
    if not fit_to_encode(reader, layout, train, site):
        return None
    scans = {"train": train}
    layouts = {"train": layout}
    for name, table in reader.tables.items():
        path = site.find(table.path, name, "path")
        if path is None:
            continue
        files[name] = Place(path, table.path, (name, "path"), site)
        part = _scanned(reader, files[name], main, batches=batches)
        if part is not None:
            layouts[name], scans[name] = part
    if len(scans) <= len(reader.tables):
        return None
    parts = {name: describe(reader, layouts[name], found) for name, found in scans.items()}
    description = joined(parts, site)
    if batches:
        description.batches = ("inputs",)
        description.reading, description.passing = _taken(reader, layout, train, files["train"])
    else:
        description.cure = BATCHES
    return CsvSource(plan(reader, layout, train), layouts, scans, description, files, reader)


def _taken(reader: Csv, layout: Layout, train: Scan, place: Place) -> tuple[int, int]:
    """Return the bytes that reading the rows takes for each split, and once for all."""
    width, rows = len(layout.names), train.rows
    chunk = records_at_once(width)
    letters = place.path.stat().st_size // max(1, rows * width)
    text = min(chunk, rows) * width * (CELL + letters)
    row = sum(8 if train.columns[i].kind == "number" else 4 for i in layout.features)
    # What is held is copied whenever rows come in.
    held = 2 * (min(reader.shuffle_buffer, rows) + chunk) * (row + 9)
    block = BLOCK * 8
    return block, text + held + 2 * block


def _scanned(
    reader: Csv, place: Place, main: tuple[Layout, Scan] | None, *, batches: bool
) -> tuple[Layout, Scan] | None:
    site, dialect = place.site, reader.dialect
    layout = choose(reader, place) if main is None else choose_alike(reader, place, main[0])
    if layout is None:
        return None
    # A training file's column by its name is the same column in a file with another order.
    known = None if main is None else {column.name: column for column in main[1].columns.values()}
    drop = reader.missing == "drop"
    rules = Rules(
        known=None if known is None else {i: known[layout.names[i]] for i in layout.used},
        drop=drop,
        zeros=reader.unknown == "zeros",
        optional=frozenset(layout.used if drop else layout.features if reader.missing == "mean" else ()),
    )
    if batches:
        found = scan_passing(place, dialect, layout, rules, reader.max_categories)
    else:
        found = scan(place, dialect, layout, rules)
    if found is None:
        return None
    before = len(site.faults.found)
    if found.faulty or not rules.optional.issuperset(found.missing):
        explain(place, dialect, layout, rules)
    elif not found.rows:
        dropped = ": every row has a missing value" if drop else ""
        site.faults.add("SN506", f"`{place.name}` has no rows of data{dropped}", *place.key)
    return (layout, found) if len(site.faults.found) == before else None
