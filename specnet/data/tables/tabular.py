"""The base of formats whose data are a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from specnet.data.files import DataContext, FilePlace
from specnet.data.formats import FORMATS, SUFFIXES
from specnet.data.tables.settings import TableSettings

if TYPE_CHECKING:
    from specnet.data.collector import Collector
    from specnet.data.new_rows import KnownRows, LabelledRows
    from specnet.data.rows import Rows
    from specnet.data.tables.source import TableSource
    from specnet.data.tables.table import DataTable


class Tabular(TableSettings):
    """A table: one row per example, one column per feature or target.

    A format of tables is a class below this one: its `table` opens a file, its `new_rows` reads one for predictions.
    """

    def open(self, context: DataContext) -> TableSource:
        """Return the columns, read and checked."""
        from specnet.data.tables.source import open_table

        return open_table(self, context)

    def read_rows(self, known: KnownRows, place: FilePlace) -> Rows:
        """Return the rows of a file that has the features, with or without the targets."""
        return self._rows(known, place, self._table_like, labelled=False).inputs

    def labelled_rows(self, known: KnownRows, place: FilePlace) -> LabelledRows:
        """Return the rows of a file that has the features and the targets."""
        return self._rows(known, place, self._table_like, labelled=True)

    def rows_of_cells(self, rows: Any, known: KnownRows, collector: Collector) -> Rows:
        """Return rows that are given as sequences of cells, in the features' order."""
        from specnet.data.tables.rows import rows_of_cells

        assert known.columns is not None
        return rows_of_cells(known.columns, rows, self.parser, collector)

    def rows_of_frame(self, frame: Any, known: KnownRows, collector: Collector) -> Rows:
        """Return the rows of a frame that has the features, found by name."""
        return self._of_frame(frame, known, collector, labelled=False).inputs

    def labelled_frame(self, frame: Any, known: KnownRows, collector: Collector) -> LabelledRows:
        """Return the rows of a frame that has the features and the targets, found by name."""
        return self._of_frame(frame, known, collector, labelled=True)

    def _of_frame(
        self, frame: Any, known: KnownRows, collector: Collector, *, labelled: bool
    ) -> LabelledRows:
        from specnet.data.tables.frames import FrameTable

        place = FilePlace(Path(), "the frame", (), DataContext(Path(), collector))
        return self._rows(
            known, place, lambda place: FrameTable(place, self.typed_parser, frame), labelled=labelled
        )

    def _table_like(self, place: FilePlace) -> DataTable:
        """Return the table in a file of rows: of the format that its suffix shows, or else as in training."""
        own = self.type if self.suffixes is None else "csv"
        kind = cast("type[Tabular]", FORMATS.kinds[SUFFIXES.get(place.path.suffix.lower(), own)])
        return kind.like(self).table(place)

    def _rows(
        self, known: KnownRows, place: FilePlace, table: Callable[[FilePlace], DataTable], *, labelled: bool
    ) -> LabelledRows:
        from specnet.data.tables.by_plan import rows_by_plan

        assert known.columns is not None
        single = not isinstance(self.target, tuple)
        return rows_by_plan(known.columns, table(place), labelled=labelled, single=single)
