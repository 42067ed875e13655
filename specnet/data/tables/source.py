from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from specnet.data.files import Place, Site
from specnet.data.reader import Part, joined
from specnet.data.sample import Cells, Sample
from specnet.data.signature import Description
from specnet.data.tables.choose import choose, choose_alike
from specnet.data.tables.describe import describe, fit_to_encode, plan
from specnet.data.tables.explain import explain
from specnet.data.tables.layout import Layout
from specnet.data.tables.scan import Rules, Scan, scan

if TYPE_CHECKING:
    from specnet.data.readers.csv_file import Csv
    from specnet.diagnostics import KeyPath


@dataclass
class CsvSource:
    """Tables that were read and checked."""

    plan: dict[str, Any]
    layouts: dict[str, Layout]
    scans: dict[str, Scan]
    description: Description

    def read(self, seed: int) -> dict[str, Part]:
        """Return the columns as rows; one-hot stretches are made only when rows are taken."""
        from specnet.data.tables.columns import TableRows, targets

        del seed
        integers = self.description.class_count is not None
        parts = {}
        for name, found in self.scans.items():
            layout = self.layouts[name]
            rows = TableRows(self.plan, [found.columns[i].values for i in layout.features])
            parts[name] = Part(
                rows, targets([found.columns[i] for i in layout.targets], integers, self.single)
            )
        return parts

    @property
    def single(self) -> bool:
        """Whether a target is one number, not a list."""
        return not self.description.target

    def columns(self) -> dict[str, Any] | None:
        """Return how the columns become inputs, as plain data."""
        return self.plan

    def samples(self) -> dict[str, Sample]:
        """Return all rows: they have been read."""
        samples = {}
        for name, found in self.scans.items():
            layout = self.layouts[name]
            inputs, targets = (
                tuple(
                    Cells(c.name, c.kind, c.values, c.categories)
                    for c in map(found.columns.__getitem__, places)
                )
                for places in (layout.features, layout.targets)
            )
            samples[name] = Sample(inputs, targets, table=True)
        return samples


def open_csv(reader: Csv, site: Site) -> CsvSource | None:
    """Return the columns that a reader names, read and checked; None where `site` noted why not."""
    main = _scanned(reader, reader.path, ("path",), None, site)
    if main is None:
        return None
    layout, train = main
    if not fit_to_encode(reader, layout, train, site):
        return None
    scans = {"train": train}
    layouts = {"train": layout}
    for name, table in reader.tables.items():
        part = _scanned(reader, table.path, (name, "path"), main, site)
        if part is not None:
            layouts[name], scans[name] = part
    if len(scans) <= len(reader.tables):
        return None
    parts = {name: describe(reader, layouts[name], found) for name, found in scans.items()}
    return CsvSource(plan(reader, layout, train), layouts, scans, joined(parts, site))


def _scanned(
    reader: Csv, text: str, key: KeyPath, main: tuple[Layout, Scan] | None, site: Site
) -> tuple[Layout, Scan] | None:
    path = site.find(text, *key)
    if path is None:
        return None
    place, dialect = Place(path, text, key, site), reader.dialect
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
    found = scan(place, dialect, layout, rules)
    if found is None:
        return None
    before = len(site.faults.found)
    if found.faulty or not rules.optional.issuperset(found.missing):
        explain(place, dialect, layout, rules)
    elif not found.rows:
        dropped = ": every row has a missing value" if drop else ""
        site.faults.add("SN506", f"`{text}` has no rows of data{dropped}", *key)
    return (layout, found) if len(site.faults.found) == before else None
