from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from specnet.data.files import DataContext, FilePlace, memory
from specnet.data.format import DataPart, joined
from specnet.data.rows import BLOCK
from specnet.data.sample import MAXIMUM, Cells, Sample
from specnet.data.signature import DataDescription
from specnet.data.tables.choose import choose, choose_alike
from specnet.data.tables.describe import describe, fit_to_encode, plan_of
from specnet.data.tables.explain import explain
from specnet.data.tables.layout import Layout
from specnet.data.tables.passing import records_at_once, scan_passing
from specnet.data.tables.plan import FITTED
from specnet.data.tables.rules import first_rules, known_rules
from specnet.data.tables.scan import Scan, scan
from specnet.data.tables.typed import frame_dialect
from specnet.diagnostics import SpecError
from specnet.diagnostics.text import sized

if TYPE_CHECKING:
    from specnet.data.formats.table import Tabular
    from specnet.data.rows import Rows, StoredRows
    from specnet.data.tables.dialect import Dialect
    from specnet.data.tables.plan import TablePlan
    from specnet.diagnostics import KeyPath

CELL = 120
"""The bytes that a cell of text takes beside its letters, while it is parsed."""


class _Opened(NamedTuple):
    """A file or a frame, and how it is to be understood."""

    place: FilePlace
    dialect: Dialect


@dataclass
class TableSource:
    """Tables that were read and checked."""

    plan: TablePlan
    layouts: dict[str, Layout]
    scans: dict[str, Scan]
    description: DataDescription
    tables: dict[str, _Opened]
    buffer: int | None
    """How many rows are held back for a shuffle, where they stay in their files; None where they have been read."""

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the columns as rows; one-hot elements are made only when rows are taken."""
        from specnet.data.tables.columns import TableRows, targets

        integers = self.description.class_count is not None
        parts = {}
        for name, found in self.scans.items():
            layout = self.layouts[name]
            rows: Rows | StoredRows
            if self.buffer is not None:
                rows = self._stream(name, self.buffer)
            else:
                rows = TableRows(self.plan, [found.columns[i].values for i in layout.features])
            aimed = [found.columns[i] for i in layout.targets]
            parts[name] = DataPart(rows, targets(aimed, integers, self.single) if aimed else None)
        return parts

    def _stream(self, name: str, buffer: int) -> StoredRows:
        from specnet.data.tables.stream_rows import StreamedTable, StreamRows

        found, opened = self.scans[name], self.tables[name]
        table = StreamedTable(opened.place, opened.dialect, self.layouts[name], self.plan, found.dropped)
        return StreamRows(table, self.plan, found.rows, buffer)

    @property
    def single(self) -> bool:
        """Whether a target is one number, not a list."""
        return not self.description.target

    def columns(self) -> TablePlan:
        """Return how the columns become inputs and targets."""
        return self.plan

    def samples(self) -> dict[str, Sample]:
        """Return all rows, as they have been read, or the first ones where they stay in their file."""
        samples = {}
        batches = self.buffer is not None
        for name, found in self.scans.items():
            layout = self.layouts[name]
            maximum = min(found.rows, MAXIMUM) if batches else found.rows
            inputs, targets = (
                tuple(
                    Cells(
                        c.name,
                        c.kind,
                        np.asarray(c.values[:maximum]),
                        c.categories,
                        scaled=column.scale != "none",
                    )
                    for c, column in zip(map(found.columns.__getitem__, places), columns, strict=True)
                )
                for places, columns in (
                    (layout.features, self.plan.features),
                    (layout.targets, self.plan.targets),
                )
            )
            samples[name] = Sample(inputs, targets, table=not batches)
        return samples


def open_table(data_format: Tabular, context: DataContext) -> TableSource | None:
    """Return the columns that a format names, read and checked; None where `site` noted why not."""
    opened = _open(data_format, "train", data_format.path, ("path",), context)
    if opened is None:
        return None
    buffer = None if context.frames else data_format.buffer(opened.place.path.stat().st_size)
    # The reading in batches knows no more than this of a feature's categories.
    maximum = None if buffer is None else data_format.max_categories
    main = _scanned(data_format, "train", opened, None, maximum)
    if main is None:
        return None
    layout, train = main
    if not fit_to_encode(data_format, layout, train, opened.place):
        return None
    plan = plan_of(data_format, layout, train)
    scans, layouts, tables = {"train": train}, {"train": layout}, {"train": opened}
    files: dict[str, tuple[str, KeyPath]]
    files = {name: (table.path, (name, "path")) for name, table in data_format.tables.items()}
    files |= {name: ("", ()) for name in context.frames if name not in ("train", *files)}
    for name in ("validation", "test"):
        if name not in files:
            continue
        other = _open(data_format, name, *files[name], context)
        part = None if other is None else _scanned(data_format, name, other, (layout, plan), maximum)
        if other is not None and part is not None:
            tables[name] = other
            layouts[name], scans[name] = part
    if len(scans) <= len(files):
        return None
    parts = {name: describe(data_format, layouts[name], found, plan) for name, found in scans.items()}
    description = joined(parts, context)
    if buffer is not None:
        description.batches = ("inputs",)
        description.reading, description.passing = _taken(plan, train, opened.place, buffer)
    elif not context.frames:
        description.help = data_format.help
    return TableSource(plan, layouts, scans, description, tables, buffer)


def _too_large(data_format: Tabular, place: FilePlace) -> bool:
    """Return whether a file is larger than the memory that its rows are to be held in; note it if so."""
    size, there = place.path.stat().st_size, memory()
    if there is None or size <= there or data_format.buffer(size) is not None:
        return False
    message = f"`{place.name}` holds {sized(size)}, of the machine's {sized(there)}"
    place.context.collector.add("SN570", message, *place.key, help=data_format.help)
    return True


def _taken(plan: TablePlan, train: Scan, place: FilePlace, buffer: int) -> tuple[int, int]:
    """Return the bytes that reading the rows takes for each split, and once for all."""
    width, rows = plan.width, train.rows
    chunk = records_at_once(width)
    letters = place.path.stat().st_size // max(1, rows * width)
    text = min(chunk, rows) * width * (CELL + letters)
    row = sum(4 if column.text else 8 for column in plan.features)
    # What is held is copied whenever rows come in.
    held = 2 * (min(buffer, rows) + chunk) * (row + 9)
    block = BLOCK * 8
    # Numbers whose median or most frequent value is asked for are held for it, and sorted one column at a time.
    sorted_ = [c for c in plan.features if not c.text and c.missing in FITTED and c.missing != "mean"]
    fitting = 8 * rows * (len(sorted_) + 3) if sorted_ else 0
    return block, text + max(held, fitting) + 2 * block


def _open(data_format: Tabular, split: str, text: str, key: KeyPath, context: DataContext) -> _Opened | None:
    frame = context.frames.get(split)
    if frame is not None:
        return _Opened(
            FilePlace(Path(), f"the {split} frame", key, context), frame_dialect(data_format, frame)
        )
    try:
        path = context.find(text, *key)
    except SpecError as error:
        context.collector.found.extend(error.diagnostics)
        return None
    place = FilePlace(path, text, key, context)
    return None if _too_large(data_format, place) else _Opened(place, data_format.dialect)


def _scanned(
    data_format: Tabular,
    split: str,
    opened: _Opened,
    main: tuple[Layout, TablePlan] | None,
    maximum: int | None,
) -> tuple[Layout, Scan] | None:
    """Return which columns are used and what they hold; of features with up to `maximum` categories the first rows."""
    (place, dialect), context = opened, opened.place.context
    layout = choose(data_format, dialect, place) if main is None else choose_alike(dialect, place, main[0])
    if layout is None:
        return None
    if main is None:
        rules = first_rules(data_format, layout, dialect, place)
    else:
        columns = (*main[1].features, *main[1].targets)
        rules = known_rules(dict(zip(layout.used, columns, strict=True)), drop=True)
    if rules is None:
        return None
    given = place, dialect, layout, rules
    found = scan(*given) if maximum is None else scan_passing(*given, maximum)
    if found is None:
        return None
    before = len(context.collector.found)
    if found.faulty or not rules.optional.issuperset(found.missing):
        explain(place, dialect, layout, rules)
    elif not found.rows:
        dropped = ": every row has a missing value" if rules.drop else ""
        context.collector.add("SN506", f"`{place.name}` has no rows of data{dropped}", *place.key)
    if len(context.collector.found) > before:
        return None
    if split in context.frames:
        context.digests[f"frame:{split}"] = _digest(found)
    return layout, found


def _digest(found: Scan) -> str:
    """Return the SHA-256 of what was read of a frame: names, categories and values of the columns used."""
    digest = hashlib.sha256()
    for column in found.columns.values():
        digest.update(repr((column.name, column.type, column.categories)).encode())
        digest.update(column.values.tobytes())
    return digest.hexdigest()
