from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from specnet.data.files import Place, Site
from specnet.data.reader import Part, joined
from specnet.data.sample import Cells, Sample
from specnet.data.signature import Description
from specnet.data.tables.choose import choose, choose_alike
from specnet.data.tables.describe import describe, fit_to_encode, plan_of
from specnet.data.tables.explain import explain
from specnet.data.tables.layout import Layout
from specnet.data.tables.rules import first_rules, known_rules
from specnet.data.tables.scan import Scan, scan
from specnet.data.tables.typed import frame_dialect

if TYPE_CHECKING:
    from specnet.data.readers.table import Tabular
    from specnet.data.tables.plan import TablePlan
    from specnet.diagnostics import KeyPath


@dataclass
class TableSource:
    """Tables that were read and checked."""

    plan: TablePlan
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
            aimed = [found.columns[i] for i in layout.targets]
            parts[name] = Part(rows, targets(aimed, integers, self.single) if aimed else None)
        return parts

    @property
    def single(self) -> bool:
        """Whether a target is one number, not a list."""
        return not self.description.target

    def columns(self) -> TablePlan:
        """Return how the columns become inputs and targets."""
        return self.plan

    def samples(self) -> dict[str, Sample]:
        """Return all rows: they have been read."""
        samples = {}
        for name, found in self.scans.items():
            layout = self.layouts[name]
            inputs, targets = (
                tuple(
                    Cells(c.name, c.kind, c.values, c.categories, scaled=column.scale != "none")
                    for c, column in zip(map(found.columns.__getitem__, places), columns, strict=True)
                )
                for places, columns in (
                    (layout.features, self.plan.features),
                    (layout.targets, self.plan.targets),
                )
            )
            samples[name] = Sample(inputs, targets, table=True)
        return samples


def open_table(reader: Tabular, site: Site) -> TableSource | None:
    """Return the columns that a reader names, read and checked; None where `site` noted why not."""
    main = _scanned(reader, "train", reader.path, ("path",), None, site)
    if main is None:
        return None
    layout, train = main
    if not fit_to_encode(reader, layout, train, site):
        return None
    plan = plan_of(reader, layout, train)
    scans = {"train": train}
    layouts = {"train": layout}
    files: dict[str, tuple[str, KeyPath]]
    files = {name: (table.path, (name, "path")) for name, table in reader.tables.items()}
    files |= {name: ("", ()) for name in site.frames if name not in ("train", *files)}
    for name in ("validation", "test"):
        if name not in files:
            continue
        part = _scanned(reader, name, *files[name], (layout, plan), site)
        if part is not None:
            layouts[name], scans[name] = part
    if len(scans) <= len(files):
        return None
    parts = {name: describe(reader, layouts[name], found, plan) for name, found in scans.items()}
    return TableSource(plan, layouts, scans, joined(parts, site))


def _scanned(
    reader: Tabular, split: str, text: str, key: KeyPath, main: tuple[Layout, TablePlan] | None, site: Site
) -> tuple[Layout, Scan] | None:
    frame = site.frames.get(split)
    if frame is None:
        path = site.find(text, *key)
        if path is None:
            return None
        place, dialect = Place(path, text, key, site), reader.dialect
    else:
        place, dialect = Place(Path(), f"the {split} frame", key, site), frame_dialect(reader, frame)
    layout = choose(reader, dialect, place) if main is None else choose_alike(dialect, place, main[0])
    if layout is None:
        return None
    if main is None:
        rules = first_rules(reader, layout, dialect, place)
    else:
        columns = (*main[1].features, *main[1].targets)
        rules = known_rules(dict(zip(layout.used, columns, strict=True)), drop=True)
    found = None if rules is None else scan(place, dialect, layout, rules)
    if rules is None or found is None:
        return None
    before = len(site.faults.found)
    if found.faulty or not rules.optional.issuperset(found.missing):
        explain(place, dialect, layout, rules)
    elif not found.rows:
        dropped = ": every row has a missing value" if rules.drop else ""
        site.faults.add("SN506", f"`{place.name}` has no rows of data{dropped}", *key)
    if len(site.faults.found) > before:
        return None
    if frame is not None:
        site.digests[f"frame:{split}"] = _digest(found)
    return layout, found


def _digest(found: Scan) -> str:
    """Return the SHA-256 of what was read of a frame: names, categories and values of the columns used."""
    digest = hashlib.sha256()
    for column in found.columns.values():
        digest.update(repr((column.name, column.type, column.categories)).encode())
        digest.update(column.values.tobytes())
    return digest.hexdigest()
