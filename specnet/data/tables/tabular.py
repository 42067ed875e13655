"""The base of formats whose data are a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from specnet.data.collector import Collector
from specnet.data.files import DataContext, FilePlace
from specnet.data.format import FilePath
from specnet.data.formats import FORMATS, SUFFIXES
from specnet.data.tables.plan import ColumnPlan
from specnet.data.tables.settings import TableSettings
from specnet.diagnostics import SpecError

if TYPE_CHECKING:
    from specnet.data.new_rows import KnownRows, LabelledRows, RowBlock, RowFile
    from specnet.data.rows import Rows
    from specnet.data.tables.cell_rows import CellRows
    from specnet.data.tables.source import TableSource
    from specnet.data.tables.table import DataTable


class Tabular(TableSettings):
    """A table: one row per example, one column per feature or target.

    A format of tables is a class below this one, and its `table` opens a file.
    """

    def open(self, context: DataContext) -> TableSource:
        """Return the columns, read and checked."""
        from specnet.data.tables.source import open_table

        return open_table(self, context)

    def read_rows(self, known: KnownRows, place: FilePlace) -> Rows:
        """Return the rows of a file that has the features, with or without the targets."""
        return self._rows(known, self._table_like(place), labelled=False).inputs

    def labelled_rows(self, known: KnownRows, place: FilePlace) -> LabelledRows:
        """Return the rows of a file that has the features and the targets."""
        return self._rows(known, self._table_like(place), labelled=True)

    def new_rows(self, file: RowFile, path: Path) -> Iterator[RowBlock]:
        """Yield the rows of a file block by block: cells of a table as they are, numbers of an array by their names."""
        place = FilePlace(path, file.name, (), DataContext(Path(), Collector(())))
        try:
            table = self.table(place)
            positions = file.positions(table.first, header=table.header)
            for chunk in table.chunks():
                yield from file.blocks(chunk, positions, table.row_word)
        except SpecError as error:
            raise file.of_file(error) from None

    def rows_of_cells(self, rows: Any, known: KnownRows, collector: Collector) -> Rows:
        """Return rows that are given as sequences of cells, in the features' order."""
        from specnet.data.tables.rows import rows_of_cells

        assert known.columns is not None
        return rows_of_cells(known.columns, rows, self.parser, collector)

    def rows_of_columns(self, rows: CellRows, known: KnownRows, collector: Collector) -> Rows:
        """Return rows of cells that are held by column; raise SpecError for a cell that is not as the plan says."""
        from specnet.data.tables.by_plan import PlanReader
        from specnet.data.tables.rows import TableRows

        assert known.columns is not None
        if rows.text and len(rows):
            columns = PlanReader(known.columns, self.parser).columns(rows.columns)
            if not isinstance(columns, ColumnPlan):
                return TableRows(known.columns, columns)
        # Cell by cell, which finds what is wrong.
        return self.rows_of_cells(list(rows), known, collector)

    def rows_of_frame(self, frame: Any, known: KnownRows, collector: Collector) -> Rows:
        """Return the rows of a frame that has the features, found by name."""
        return self._rows(known, self._frame(frame, collector), labelled=False).inputs

    def labelled_table(self, known: KnownRows, table: DataTable) -> LabelledRows:
        """Return the rows of a table that has the features and the targets."""
        return self._rows(known, table, labelled=True)

    def labelled_frame(self, frame: Any, known: KnownRows, collector: Collector) -> LabelledRows:
        """Return the rows of a frame that has the features and the targets, found by name."""
        return self._rows(known, self._frame(frame, collector), labelled=True)

    def _table_like(self, place: FilePlace) -> DataTable:
        """Return the table in a file of rows: of the format that its suffix shows, or else as in training."""
        suffix = place.path.suffix.lower()
        own = self.suffixes is None or suffix in self.suffixes
        kind = SUFFIXES.get(suffix, self.type if own else "csv")
        if kind == self.type:
            return self.table(place)
        return cast("type[Tabular]", FORMATS.kinds[kind]).like(self).table(place)

    def _frame(self, frame: Any, collector: Collector) -> DataTable:
        from specnet.data.tables.frames import FrameTable

        place = FilePlace(Path(), "the frame", (), DataContext(Path(), collector))
        return FrameTable(place, self.typed_parser, frame)

    def _rows(self, known: KnownRows, table: DataTable, *, labelled: bool) -> LabelledRows:
        from specnet.data.tables.by_plan import rows_by_plan

        assert known.columns is not None
        return rows_by_plan(
            known.columns, table, labelled=labelled, single=not isinstance(self.target, tuple)
        )


class FileTable(Tabular):
    """A table in a file."""

    path: FilePath
    """The file; relative to the document, then to $SPECNET_DATA."""

    @property
    def file(self) -> str:
        """The file of the training rows, as the document names it."""
        return self.path
