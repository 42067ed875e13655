"""Series out of the rows of a table, checked: their dates, and that no value is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specnet.data.series.checks import PanelCheck
from specnet.data.series.dates import Frequency, microseconds
from specnet.data.series.panel import OneSeries, SeriesColumn, SeriesPanel, observed
from specnet.data.tables.date_cells import DateFormat
from specnet.data.tables.dates import date_formats
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.series.settings import SeriesSettings
    from specnet.data.tables.table import Chunk, DataTable

ONLY = "1"
"""The id of the only series of data without a column of ids."""


class _Cells(NamedTuple):
    """What is read of a table, row by row."""

    ids: list[str]
    times: list[Any]
    numbers: list[list[float]]
    """Those of each column; NaN where there is none."""
    lines: list[int]


class TableReader:
    """Reads the series of one table; raises SpecError with all that is wrong with it."""

    def __init__(self, settings: SeriesSettings, table: DataTable) -> None:
        self.settings, self.table, self.place = settings, table, table.place
        self.columns: list[tuple[SeriesColumn, int, tuple[str | int, ...]]] = []
        """Each with its place in the table, and where the document names it."""

    def read(self) -> SeriesPanel:
        """Return the series."""
        faults: Collector
        with self.place.context.collector.together() as faults:
            time = self._place(self.settings.time, ("time",), faults)
            ids = self._place(self.settings.series, ("series",), faults)
            self._choose(faults)
        with self.place.context.collector.together() as faults:
            cells = self._cells(time, ids, faults)
        with self.place.context.collector.together() as faults:
            times, dated = self._times(cells, faults)
        return self._panel(cells, times, dated=dated)

    def _choose(self, faults: Collector) -> None:
        taken: dict[int, str] = {}
        for role, names in self.settings.roles.items():
            for index, name in enumerate(names):
                key = (role, index) if isinstance(getattr(self.settings, role), tuple) else (role,)
                place = self._place(name, key, faults)
                if place is None:
                    continue
                if place in taken:
                    message = f"{self.column(place)} is among `{taken[place]}` already"
                    faults.add("SN510", message, *key)
                    continue
                taken[place] = role
                self.columns.append((SeriesColumn(self.table.names[place], role), place, key))

    def _place(self, name: str | int | None, key: tuple[str | int, ...], faults: Collector) -> int | None:
        """Return the place of a column that the document names; note it where there is none."""
        names, file = self.table.names, self.place.name
        if name is None:
            return None
        if isinstance(name, int):
            if -len(names) <= name < len(names):
                return name % len(names)
            message = f"`{file}` has {counted(len(names), 'column')}, and no column {name} (from 0)"
            faults.add("SN509", message, *key)
            return None
        if names.count(name) == 1:
            return names.index(name)
        if name in names:
            faults.add("SN508", f"`{file}` has {names.count(name)} columns called `{clipped(name)}`", *key)
            return None
        near = closest(name, names) if self.place.quotable else None
        help = f"did you mean `{clipped(near)}`?" if near else self.place.known("it has", names)
        faults.add("SN509", f"`{file}` has no column `{clipped(name)}`", *key, help=help)
        return None

    def column(self, place: int) -> str:
        """Return what a message calls a column."""
        return self.place.column(place, self.table.names[place])

    def where(self, line: int) -> str:
        """Return what a message calls a row."""
        return f"{self.table.row_word} {line} of `{self.place.name}`"

    def _cells(self, time: int | None, ids: int | None, faults: Collector) -> _Cells:
        """Return the cells of all rows; note those that say nothing, and are needed."""
        read = _Cells([], [], [[] for _ in self.columns], [])
        odd: list[list[tuple[int, str | float]]] = [[] for _ in self.columns]
        for chunk in self.table.chunks():
            for line, count in chunk.odd:
                cells = counted(count, "cell")
                message = f"{self.where(line)} has {cells}, where the first has {self.table.width}"
                faults.add("SN505", message, *self.place.key)
            read.lines.extend(chunk.lines)
            if ids is not None:
                read.ids.extend(self._texts(ids, chunk, "series", faults))
            if time is not None:
                self._texts(time, chunk, "time", faults)
                read.times.extend(chunk.columns[time])
            for (_, place, _), numbers, own in zip(self.columns, read.numbers, odd, strict=True):
                numbers.extend(self._numbers(place, chunk, own))
        for (_, place, key), own in zip(self.columns, odd, strict=True):
            self._note_odd(place, key, own, faults)
        if not read.lines:
            faults.add("SN506", f"`{self.place.name}` has no rows of data", *self.place.key)
        return read

    def _texts(self, place: int, chunk: Chunk, key: str, faults: Collector) -> list[str]:
        """Return the cells of a column as text; note those without a value."""
        texts = [self.table.parser.text(cell) for cell in chunk.columns[place]]
        for line, text in zip(chunk.lines, texts, strict=True):
            if text is None:
                faults.add("SN511", f"{self.column(place)} has no value in {self.where(line)}", key)
        return [text or "" for text in texts]

    def _numbers(self, place: int, chunk: Chunk, odd: list[tuple[int, str | float]]) -> Iterator[float]:
        """Yield the cells of a column as numbers, NaN for those without a value; put the others into `odd`."""
        for line, cell in zip(chunk.lines, chunk.columns[place], strict=True):
            value = self.table.parser.read(cell)
            if isinstance(value, str) or (value is not None and not isfinite(value)):
                odd.append((line, value))
                value = None
            yield nan if value is None else float(value)

    def _note_odd(
        self, place: int, key: tuple[str | int, ...], odd: list[tuple[int, str | float]], faults: Collector
    ) -> None:
        """Note the first cell of a column that is no number, or no finite one."""
        if not odd:
            return
        line, value = odd[0]
        more = f", the first of {counted(len(odd), 'such cell')}" if len(odd) > 1 else ""
        if isinstance(value, str):
            shown = f"`{clipped(value)}`" if self.place.quotable else "text"
            message = f"{self.column(place)} holds {shown} in {self.where(line)}, which is not a number{more}"
            faults.add("SN512", message, *key)
        else:
            message = f"{self.column(place)} holds {value:g} in {self.where(line)}{more}"
            faults.add("SN513", message, *key, help="every value must be a finite number")

    def _times(self, cells: _Cells, faults: Collector) -> tuple[NDArray[Any], bool]:
        """Return the time of each row, and whether times are dates."""
        if self.settings.time is None:
            return np.arange(len(cells.lines), dtype=np.float64), False
        numbers = [self._number(cell) for cell in cells.times]
        if self.settings.date_format is None and None not in numbers:
            return np.array(numbers, np.float64), False
        form = self._date_format(cells.times, faults)
        moments = [microseconds(cell, form) for cell in cells.times]
        wrong = [place for place, moment in enumerate(moments) if moment is None]
        if wrong:
            cell, where = cells.times[wrong[0]], self.where(cells.lines[wrong[0]])
            shown = f"`{clipped(str(cell))}`" if self.place.quotable else "text"
            message = f"`time` holds {shown} in {where}, which is not a date in {form.stated}"
            message += f", the first of {counted(len(wrong), 'such cell')}" if len(wrong) > 1 else ""
            help = 'a format of `strptime` says how dates are written: date_format = "%d.%m.%Y"'
            faults.add("SN544", message, "time", help=help)
        return np.array([0 if moment is None else moment for moment in moments], np.int64), True

    def _number(self, cell: Any) -> float | None:
        if isinstance(cell, str):
            return self.table.parser.numbers.value(cell)
        try:
            return float(cell)
        except (TypeError, ValueError):
            return None

    def _date_format(self, cells: Sequence[Any], faults: Collector) -> DateFormat:
        if self.settings.date_format is not None:
            return DateFormat(self.settings.date_format)
        texts = list(dict.fromkeys(cell.strip() for cell in cells if isinstance(cell, str)))
        formats = date_formats(texts) or [None]
        if None not in formats and len(formats) > 1:
            example = f", such as `{clipped(texts[0])}`" if self.place.quotable else ""
            message = f"`time` holds dates that can be read in several ways{example}"
            help = " or ".join(f'date_format = "{each}"' for each in formats[:2])
            faults.add("SN544", message, "time", help=help)
        return DateFormat(None if None in formats else formats[0])

    def _panel(self, cells: _Cells, times: NDArray[Any], *, dated: bool) -> SeriesPanel:
        """Return the rows series by series, checked."""
        named = self.settings.series is not None
        index: dict[str, int] = {}
        names = cells.ids if named else [ONLY] * len(times)
        codes = np.array([index.setdefault(name, len(index)) for name in names])
        order = np.argsort(codes, kind="stable")
        rows = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
        columns = tuple(column for column, _, _ in self.columns)
        targets = [place for place, column in enumerate(columns) if column.role == "target"]
        values, lines = np.array(cells.numbers).T, np.array(cells.lines)
        series = []
        for name, own in zip(index, rows, strict=True):
            # Without times, the rows of each series are its steps.
            when = times[own] if self.settings.time is not None else np.arange(len(own), dtype=np.float64)
            series.append(OneSeries(name, when, values[own], observed(values[own], targets)))
        panel = SeriesPanel(series, columns, dated, None, named, self.place.quotable)
        check = PanelCheck(self.settings, panel, self.where, self.table.row_word)
        with self.place.context.collector.together() as faults:
            pairs = [(each, lines[own]) for each, own in zip(series, rows, strict=True)]
            in_order = [check.in_order(each, own, faults) for each, own in pairs]
            if all(in_order):
                panel.frequency = Frequency.of([each.times for each in series], dated=dated)
                for each, own in pairs:
                    check.without_gaps(each, own, faults)
                    check.complete(each, own, self.columns, faults)
        return panel
