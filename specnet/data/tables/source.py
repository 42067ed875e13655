"""Tables that were opened: read and checked as a whole, or passed through once where they stay in their files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from specnet.data.files import DataContext, FileFingerprint, FilePlace, memory
from specnet.data.joining import joined
from specnet.data.sample import MAXIMUM, Cells, Sample
from specnet.data.signature import DataDescription
from specnet.data.source import DataPart, DataSource
from specnet.data.tables.choose import choose, choose_alike
from specnet.data.tables.describe import check_columns, describe, plan_of
from specnet.data.tables.frames import FrameTable
from specnet.data.tables.memory import loading_bytes, streaming_bytes, text_bytes
from specnet.data.tables.rules import first_formats, known_format
from specnet.data.tables.scaling import column_scales
from specnet.data.tables.scan import scan
from specnet.data.tables.splitting import keys_of
from specnet.diagnostics.text import sized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specnet.data.collector import Collector
    from specnet.data.rows import Rows, StoredRows
    from specnet.data.tables.cells import CellFormat
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.plan import ColumnPlan, TablePlan
    from specnet.data.tables.scan import Scan
    from specnet.data.tables.settings import TableSettings
    from specnet.data.tables.stream_rows import StreamedTable
    from specnet.data.tables.table import DataTable
    from specnet.data.training_rows import TrainingRows
    from specnet.data.transform import Transform
    from specnet.diagnostics import KeyPath

SHOWN = 12
"""The first tokens of a vocabulary that are shown."""


class TablePart(NamedTuple):
    """The table of one split, and what was found in its columns."""

    table: DataTable
    layout: Layout
    found: Scan
    fingerprint: FileFingerprint | None
    """What its file was before it was read, where it will be read again."""


@dataclass
class TableSource(DataSource):
    """Tables that were read and checked."""

    plan: TablePlan
    parts: dict[str, TablePart]
    description: DataDescription
    buffer: int | None
    """How many rows are held back for a shuffle, where they stay in their files; None where they have been read."""
    size: int
    """The bytes of text, or of cells, of the training file."""

    @property
    def is_encoded_together(self) -> bool:
        """Whether all rows are held in columns, which several threads encode."""
        return self.buffer is None

    def learn(self, rows: TrainingRows, collector: Collector) -> None:
        """Learn the vocabularies of text columns, and describe the elements that they become."""
        if not any(column.type == "text" for column in self.plan.features):
            return
        from specnet.data.tables.text_learning import HeldTexts, StreamedTexts, learn_texts

        _, layout, found, _ = self.parts["train"]
        chosen = rows.chosen(
            self.description, lambda: found.columns[layout.targets[0]].values.astype("int64")
        )
        texts: HeldTexts | StreamedTexts = HeldTexts(layout, found, chosen)
        if self.buffer is not None:
            texts = StreamedTexts(self._streamed(self.parts["train"]), found.rows, chosen)
        learn_texts(self.plan, layout, texts, collector)
        before = self.description
        assert before.column_slices is not None
        slices = zip(self.plan.column_slices, before.column_slices, strict=True)
        only = self.plan.features[0] if len(self.plan.features) == 1 else None
        self.description = replace(
            before,
            tokens=0 if only is None else only.distinct,
            padding=None if only is None else "token",
            column_tokens=tuple(
                column.texts.vocabulary.tokens[:SHOWN]
                for column in self.plan.features
                if column.texts is not None
            ),
            inputs=(self.plan.size,),
            features=self.plan.elements,
            column_slices=tuple(made._replace(whole=old.whole) for made, old in slices),
        )
        if self.buffer is not None:
            taken = streaming_bytes(self.plan, found.rows, self.buffer, self.size)
            self.description.reading, self.description.passing = taken
        elif before.loading:
            self.description.loading += sum(
                text_bytes(column, part.found.columns[place])
                for part in self.parts.values()
                for column, place in zip(self.plan.features, part.layout.features, strict=True)
                if column.texts is not None
            )

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the columns as rows; one-hot elements are made only when rows are taken."""
        from specnet.data.tables.rows import targets

        integers, single = self.description.class_count is not None, not self.description.target
        parts = {}
        for name, part in self.parts.items():
            aimed = [part.found.columns[i] for i in part.layout.targets]
            parts[name] = DataPart(
                self._rows(part),
                targets(aimed, integers, single) if aimed else None,
                next((part.found.columns[i].values for i in part.layout.weights), None),
            )
        return parts

    def _rows(self, part: TablePart) -> Rows | StoredRows:
        from specnet.data.tables.rows import TableRows, features_of
        from specnet.data.tables.stream_rows import StreamRows

        _, layout, found, _ = part
        if self.buffer is None:
            return TableRows(self.plan, features_of(self.plan, found, layout.features))
        return StreamRows(self._streamed(part), self.plan, found.rows, self.buffer)

    def _streamed(self, part: TablePart) -> StreamedTable:
        from specnet.data.tables.stream_rows import StreamedTable

        table, layout, found, fingerprint = part
        assert fingerprint is not None
        return StreamedTable(table, layout, self.plan, found.dropped, found.stored, fingerprint)

    def columns(self) -> TablePlan:
        """Return how the columns become inputs and targets."""
        return self.plan

    def steps(self) -> dict[Literal["inputs", "targets"], list[Transform]]:
        """Return what the `scale` of columns comes to."""
        return {"inputs": column_scales(self.plan)}

    def samples(self) -> dict[str, Sample]:
        """Return all rows, as they have been read, or the first ones where they stay in their file."""
        from specnet.data.tables.text_samples import text_cells

        batches = self.buffer is not None
        known: dict[str, dict[str, int]] = {
            column.name: {} for column in self.plan.features if column.type == "text"
        }

        def cells(found: Scan, places: tuple[int, ...], columns: Sequence[ColumnPlan]) -> tuple[Cells, ...]:
            maximum = min(found.rows, MAXIMUM) if batches else found.rows
            made = []
            for c, column in zip(map(found.columns.__getitem__, places), columns, strict=True):
                values = c.values[:maximum]
                scaled = column.scale != "none"
                if column.texts is not None:
                    made.append(
                        text_cells(column.name, column.texts, c.categories, values, known[column.name])
                    )
                else:
                    made.append(
                        Cells(c.name, c.kind, values, c.categories, scaled=scaled, parts=column.parts)
                    )
            return tuple(made)

        return {
            name: Sample(
                cells(found, layout.features, self.plan.features),
                cells(found, layout.targets, self.plan.targets),
                table=not batches,
                dropped=0 if found.dropped is None else int(found.dropped.sum()),
            )
            for name, (_, layout, found, _) in self.parts.items()
        }


def open_table(settings: TableSettings, context: DataContext) -> TableSource:
    """Return the columns that a document names, read and checked; raises SpecError with all that is wrong.

    The tables of other splits are read by what was found in the training split's.
    """
    table = _open(settings, "train", settings.file, ("path",), context)
    size = 0 if context.frames else settings.size(table.place.path)
    buffer = None if context.frames else settings.buffer(size)
    # The reading in batches knows no more than this of a feature's categories.
    maximum = None if buffer is None else settings.max_categories
    layout = choose(settings, table)
    train = _scanned(table, layout, first_formats(settings, layout, table), maximum)
    check_columns(settings, layout, train.found, table)
    plan = plan_of(settings, layout, train.found)
    parts = {"train": train}
    with context.collector.together() as faults:
        for name, (path, key) in _others(settings, context).items():
            with faults.catch():
                table = _open(settings, name, path, key, context)
                other = choose_alike(table, layout)
                formats = (known_format(column, drop=True) for column in plan.used)
                parts[name] = _scanned(table, other, dict(zip(other.used, formats, strict=True)), maximum)
    if context.frames:
        context.digests |= {f"frame:{name}": _digest(part.found) for name, part in parts.items()}
    described = {name: describe(settings, part.layout, part.found, plan) for name, part in parts.items()}
    description = joined(described, context)
    description.keys = keys_of(settings, train.table, layout, train.found, context.collector)
    if buffer is not None:
        description.batches = ("inputs",)
        description.reading, description.passing = streaming_bytes(plan, train.found.rows, buffer, size)
    elif not context.frames:
        description.help = settings.help
        columns = [column for part in parts.values() for column in part.found.columns.values()]
        description.loading = loading_bytes(plan, columns, train.found.rows)
    return TableSource(plan, parts, description, buffer, size)


def _others(settings: TableSettings, context: DataContext) -> dict[str, tuple[str, KeyPath]]:
    """Return the splits that have a file or a frame of their own: its path, and where the document says so."""
    found: dict[str, tuple[str, KeyPath]] = {}
    for name in ("validation", "test"):
        if name in settings.tables:
            found[name] = settings.tables[name].path, (name, "path")
        elif name in context.frames:
            found[name] = "", ()
    return found


def _open(settings: TableSettings, split: str, text: str, key: KeyPath, context: DataContext) -> DataTable:
    frame = context.frames.get(split)
    if frame is not None:
        place = FilePlace(Path(), f"the {split} frame", key, context)
        return FrameTable(place, settings.typed_parser, frame)
    path = context.find(text, *key)
    place = FilePlace(path, text, key, context)
    size, there = settings.size(path), memory()
    if there is not None and size > there and settings.buffer(size) is None:
        message = f"`{place.name}` holds {sized(size)}, of the machine's {sized(there)}"
        raise place.error("SN570", message, help=settings.help)
    return settings.table(place)


def _scanned(
    table: DataTable, layout: Layout, forms: dict[int, CellFormat], maximum: int | None
) -> TablePart:
    """Return what a table's columns hold; with a `maximum` of categories, of features the first rows only."""
    place = table.place
    fingerprint = None if maximum is None else FileFingerprint.of(place.path, place.name)
    found = scan(table, layout, forms, maximum)
    if not found.rows:
        dropped = ": every row has a missing value" if any(form.drop for form in forms.values()) else ""
        raise place.error("SN506", f"`{place.name}` has no rows of data{dropped}")
    return TablePart(table, layout, found, fingerprint)


def _digest(found: Scan) -> str:
    """Return the SHA-256 of what was read of a frame: names, categories and values of the columns used."""
    digest = hashlib.sha256()
    for column in found.columns.values():
        digest.update(repr((column.name, column.type, column.categories)).encode())
        digest.update(column.values.tobytes())
    for key, cells in found.split.items():
        digest.update(repr((key, cells.values)).encode())
        digest.update(cells.codes.tobytes())
    return digest.hexdigest()
