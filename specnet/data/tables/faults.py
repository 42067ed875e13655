"""Which cells of a table are at fault, and in which lines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from specnet.data.collector import Collector
from specnet.data.tables.cell_sorts import CellSorts, Seen
from specnet.data.tables.cells import CellFormat
from specnet.data.tables.date_cells import DateFormat
from specnet.data.tables.dates import date_formats
from specnet.data.tables.layout import Layout
from specnet.data.tables.table import Chunk, DataTable
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped


class _ColumnCells(CellSorts):
    """The cells of one column, and what is wrong with them."""

    def __init__(self, table: DataTable, i: int, form: CellFormat, *, is_target: bool) -> None:
        super().__init__(table.parser, form, table.row_word)
        self.place, self.table, self.is_target = table.place, table, is_target
        self.column = f"{self.place.column(i, table.names[i])} of `{self.place.name}`"
        self.reference = self.place.reference(i, table.names[i])

    def report(self, faults: Collector) -> None:
        """Add what is wrong with the cells to `faults`."""
        self._report_values(faults)
        if self.unknown.count and not self.form.zeros:
            self._report_unknown(faults)

    def _report_values(self, faults: Collector) -> None:
        kind, key = self.form.kind, self.place.key
        if self.missing.count and not self.form.optional:
            help = '`missing = "drop"` leaves such rows out; `missing = "mean"` fills in features'
            text = self.missing.texts[0]
            shown = f" (`{clipped(text)}`)" if text and self.place.quotable else ""
            message = f"{self.column} has no value in {self.missing.where}{shown}"
            faults.add("SN511", message, *key, help=help)
        texts, numbers, infinite = self.texts, self.numbers, self.infinite
        if self.form.dates is not None:
            if texts.count:
                self._report_dates(faults, self.form.dates)
            return
        in_other_format = self.table.number_help(set(texts.texts))
        if kind is None and in_other_format is None and texts.count > numbers.count + infinite.count:
            for odd in (odd for odd in (numbers, infinite) if odd.count):
                message = (
                    f"{self.column} has a number among its strings{self._shown(odd, ': ')} in {odd.where}"
                )
                help = (
                    f"write `categories = [{self.reference}]` if its cells are names, whatever they look like"
                )
                faults.add("SN512", message, *key, help=help)
            return
        if infinite.count:
            shown = self._shown(infinite) or "a cell"
            message = f"{self.column} holds {shown} in {infinite.where}, which is not a finite number"
            help = "add it to `missing_markers` if it stands for a missing value"
            faults.add("SN513", message, *key, help=help)
        if texts.count and (kind == "number" or (kind is None and (numbers.count or infinite.count))):
            message = f"{self.column} has text among its numbers{self._shown(texts, ': ')} in {texts.where}"
            help = in_other_format or (
                "add it to `missing_markers` if it stands for a missing value, "
                "or the column in `categories` if its cells are names"
            )
            faults.add("SN512", message, *key, help=help)

    def _report_dates(self, faults: Collector, dates: DateFormat) -> None:
        shown, where = self._shown(self.texts) or "a cell", self.texts.where
        message = f"{self.column} holds {shown} in {where}, not dates in {dates.stated}"
        if self.texts.count == 1:
            message = f"{self.column} holds {shown} in {where}, which is not a date in {dates.stated}"
        help = "add it to `missing_markers` if it stands for a missing value"
        others = date_formats(self.texts.texts)
        if others:
            formats = " or ".join(f'`format = "{each}"`' if each else "no `format`" for each in others)
            help = f"{formats} reads {'it' if self.texts.count == 1 else 'them'}"
        faults.add("SN544", message, *self.place.key, help=help)

    def _report_unknown(self, faults: Collector) -> None:
        text, where, form = self.unknown.texts[0], self.unknown.where, self.form
        known = form.categories or ()
        what = self._shown(self.unknown)
        held = (f"class {what}" if what else "a class") if self.is_target else what or "a cell"
        whose = "the target, " if self.is_target else ""
        message = f"{whose}{self.column}{',' if self.is_target else ''} holds {held} in {where}, {form.unknown_clause}"
        near = closest(text, known) if self.place.quotable else None
        if form.boolean:
            help = "true, yes, t, y, on and 1 are true, and false, no, f, n, off and 0 are false, in any case"
        elif near is not None:
            mean = clipped(near)
            help = f'if it means `{mean}`, write `replace = {{ "{clipped(text)}" = "{mean}" }}`'
        else:
            there = self.place.known("the training file has", known)
            help = "list it in `values`" if form.origin == "values" else there
            if not self.is_target:
                help += '; `unknown = "zeros"` lets features pass'
        faults.add("SN514", message, *self.place.key, help=help)

    def _shown(self, seen: Seen, lead: str = "") -> str:
        """Return a lead and the first cells; nothing where they may not be quoted."""
        texts = list(dict.fromkeys(f"`{clipped(text)}`" for text in seen.texts))
        return lead + ", ".join(texts[:3]) if self.place.quotable else ""


def check_cells(table: DataTable, layout: Layout, forms: Mapping[int, CellFormat]) -> None:
    """Read a table again; raise SpecError naming each cell and each row that is at fault."""
    seen = {i: _ColumnCells(table, i, forms[i], is_target=i in layout.targets) for i in layout.used}
    short = Seen()
    for chunk in table.chunks():
        for line, width in chunk.odd:
            short.add(line, str(width))
        _note(chunk, seen)
    with table.place.context.collector.together() as faults:
        _check_widths(table, short, faults)
        if not table.header and any(cells.form.kind is None for cells in seen.values()):
            _check_first_line(table, seen)
        for cells in seen.values():
            cells.report(faults)


def _note(chunk: Chunk, seen: Mapping[int, _ColumnCells]) -> None:
    """Note the cells of some rows."""
    found = {i: cells.sorted(chunk.columns[i]) for i, cells in seen.items()}
    # A gap, or a category that the training file does not have, is not a fault in a row that is left out.
    kept = np.ones(len(chunk.lines), bool)
    for i, cells in seen.items():
        if cells.form.drop:
            for sort, places in found[i]:
                if sort is cells.missing:
                    kept[places] = False
    for i, cells in seen.items():
        for sort, places in found[i]:
            own = places[kept[places]] if sort is cells.unknown or sort is cells.missing else places
            cells.take(sort, own, chunk.columns[i], chunk.lines)


def _check_widths(table: DataTable, short: Seen, faults: Collector) -> None:
    if not short.count:
        return
    whose = "the header" if table.header else "the first line"
    verb = "has" if short.count == 1 else "have"
    number = short.texts[0] if len(set(short.texts)) == 1 else " or ".join(sorted(set(short.texts)))
    place = table.place
    message = f"{short.where} of `{place.name}` {verb} {number} cells, where {whose} has {table.width}"
    help = table.dialect_help() or "text that contains the delimiter must be quoted"
    faults.add("SN505", message, *place.key, help=help)


def _check_first_line(table: DataTable, seen: Mapping[int, _ColumnCells]) -> None:
    """Raise one finding for a first line that holds the only strings of columns of numbers."""
    place = table.place
    odd = [cells.texts for cells in seen.values() if cells.texts.count and cells.numbers.count]
    if not odd or any(texts.lines != [table.line] or texts.count > 1 for texts in odd):
        return
    message = f"the first line of `{place.name}` looks like names of columns"
    if place.quotable:
        message += f": it holds `{clipped(odd[0].texts[0])}`"
    raise place.error("SN507", message, help="leave out `header = false`")
