"""New rows for a trained model: what they must be, and how messages speak of the file that they come from."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from specnet.data.collector import Collector
from specnet.data.files import DataContext, FilePlace
from specnet.data.kept_columns import KeptColumns
from specnet.data.tables.cell_rows import CellRows, Places
from specnet.data.tables.numbers import number
from specnet.diagnostics import Diagnostic, SpecError
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, counted, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.rows import Rows, StoredRows
    from specnet.data.series.scaling import SeriesScales
    from specnet.data.tables.plan import TablePlan
    from specnet.data.tables.table import Chunk
    from specnet.data.text.vocabulary import Vocabulary

ROWS = 2048
"""Rows that are held as text at once."""

ELEMENTS = 1 << 20
"""Numbers of an array that are held at once."""

Note = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Some rows as `Encoding.encode` takes them, and where each comes from."""

    rows: Any
    places: Sequence[str]
    """What each row is called in a message: `line 7`, `row 7`."""
    files: Sequence[str] | None = None
    """The file of each row, where each has one of its own."""
    kept: Sequence[Sequence[Any]] | None = None
    """For each row the cells of the columns that are kept (`KeptColumns.names`); None where rows have no columns."""

    def first(self, count: int) -> RowBlock:
        """Return the first rows alone."""
        return self._cut(slice(count))

    def parts(self, most: int) -> Iterator[RowBlock]:
        """Yield the rows, so many at a time at most."""
        if len(self.places) <= most:
            yield self
            return
        for start in range(0, len(self.places), most):
            yield self._cut(slice(start, start + most))

    def _cut(self, part: slice) -> RowBlock:
        files = None if self.files is None else self.files[part]
        kept = None if self.kept is None else self.kept[part]
        return RowBlock(self.rows[part], self.places[part], files, kept)


class LabelledRows(NamedTuple):
    """Rows with their targets, as a file has them."""

    inputs: Rows
    targets: NDArray[Any] | StoredRows | None
    """None where they are the inputs."""
    weights: NDArray[Any] | None = None
    """None where all rows count alike."""
    scales: NDArray[Any] | None = None
    """How the targets of each row are scaled, for windows of series."""


@dataclass(frozen=True, slots=True)
class KnownRows:
    """What a trained model knows of its rows, before any transform."""

    shape: tuple[int, ...]
    """The shape of one input."""
    columns: TablePlan | None
    """How the columns of a table become numbers, for tables."""
    features: tuple[str, ...] | None
    """The names of the elements of one input, where they have names."""
    classes: tuple[str, ...] | None
    """The names of the classes, where the targets are such."""
    vocabulary: Vocabulary | None = None
    """The tokens that the inputs are indices of, where they are text."""
    series: SeriesScales | None = None
    """What is known of each series, for windows of such."""
    target: tuple[int, ...] = ()
    """The shape of one target."""

    @property
    def width(self) -> int:
        """How many cells a row has that has no names."""
        return prod(self.shape) if self.columns is None else len(self.columns.features)

    @property
    def names(self) -> Sequence[str] | None:
        """The names of the cells of a row, where they have names."""
        if self.columns is not None:
            return self.columns.names
        return self.features if self.features is not None and len(self.features) == self.width else None


@dataclass(slots=True)
class RowFile:
    """A file, or a stream, of new rows.

    Columns that have names are found by them, in any order. Those that the model does not know are left out,
    and are passed to `note`; those that it lacks are an error. Rows without names are taken by position.
    """

    known: KnownRows
    name: str
    """What it is called in messages."""
    note: Note
    kept: KeptColumns = field(default_factory=KeptColumns)
    """Columns that are handed on with the rows."""
    _reported: set[str] = field(default_factory=set)

    def read(self, read: Callable[[FilePlace], T], path: Path) -> T:
        """Return what is read of a path; what is wrong with it becomes findings about this file."""
        collector = Collector(())
        try:
            with collector.limited():
                return read(FilePlace(path, self.name, (), DataContext(Path(), collector)))
        except SpecError as error:
            raise self.of_file(error) from None

    def positions(self, first: Sequence[str], *, header: bool) -> list[int]:
        """Return where in a record the model's cells are, in its order; `first` is the first record."""
        names, plan = self.known.names, self.known.columns
        self.keep(
            first if header else [str(i) for i in range(len(first))],
            like_training=plan is not None and len(first) == plan.width,
        )
        if header and names is not None:
            self.check_names(names, first)
            for name in names:
                if first.count(name) > 1:
                    message = f"`{self.name}` has {first.count(name)} columns called `{clipped(name)}`"
                    raise self.error("SN508", message)
            return [first.index(name) for name in names]
        if plan is not None and len(first) == plan.width:
            return [column.place for column in plan.features]
        if len(first) == self.known.width:
            return list(range(len(first)))
        also = f", or the {plan.width} of its training file" if plan is not None else ""
        message = (
            f"`{self.name}` has {counted(len(first), 'column')}; the model takes {self.known.width}{also}"
        )
        raise self.error("SN554", message)

    def keep(self, names: Sequence[str], *, like_training: bool = False) -> None:
        """Settle which columns are kept; raise SpecError for one that was asked for and is not there."""
        lacking = self.kept.choose(names, like_training=like_training)
        if lacking:
            near = closest(lacking[0], names)
            message = f"`{self.name}` has no {'column' if len(lacking) == 1 else 'columns'} {listed(lacking)}"
            help = f"did you mean `{clipped(near)}`?" if near else f"it has {listed(names)}"
            raise self.error("SN509", message, help)

    def check_names(self, names: Sequence[str], there: Sequence[str]) -> None:
        """Raise SpecError where names are lacking, and note those that are not needed, each once."""
        known = set(there)
        lacking = [name for name in names if name not in known]
        if lacking:
            near = closest(lacking[0], there)
            message = f"`{self.name}` has no {'column' if len(lacking) == 1 else 'columns'} {listed(lacking)}"
            help = f"did you mean `{clipped(near)}`?" if near else f"it has {listed(there)}"
            raise self.error("SN509", message, help)
        used = {*names, *self.kept.names}
        more = [name for name in there if name not in used and name not in self._reported]
        if more:
            self._reported.update(more)
            self.note(f"{self.name}: the model does not take {listed(more)}")

    def blocks(
        self, chunk: Chunk, positions: Sequence[int], word: str, *, text: bool = False
    ) -> Iterator[RowBlock]:
        """Yield the model's cells of some records, as a block; raise SpecError naming what is wrong with them.

        Where something is, those before the first faulty record come first. `word` is what a record is called in
        messages, before its number; `text` says that cells are the strings of a file of text.
        """
        collector = Collector(())
        for line, count in chunk.odd:
            message = (
                f"{word} {line} of `{self.name}` has {count} cells, where the first has {len(chunk.columns)}"
            )
            collector.add("SN505", message, help="text that contains the delimiter must be quoted")
        sound = bisect_left(chunk.lines, chunk.odd[0][0]) if chunk.odd else len(chunk.lines)
        rows = CellRows([chunk.columns[i] for i in positions], text=text)
        places = Places(word, chunk.lines)
        kept = CellRows([chunk.columns[i] for i in self.kept.positions], len(chunk.lines), text=text)
        made: Any = rows
        if self.known.columns is None:
            made, numeric = self._numbers(rows, places, collector)
            sound = min(sound, numeric)
        block = RowBlock(made, places, kept=kept)
        if collector.found and sound:
            yield block.first(sound)
        self.check(collector)
        if len(chunk.lines):
            yield block

    def _numbers(self, rows: CellRows, places: Sequence[str], collector: Collector) -> tuple[Any, int]:
        """Return cells as an array of the shape that the model takes, and how many rows come before a faulty one."""
        import numpy as np

        at_once = rows.numbers()
        if at_once is not None:
            return at_once.reshape(len(rows), *self.known.shape), len(rows)
        values, sound = [], len(rows)
        for n, (cells, place) in enumerate(zip(rows, places, strict=True)):
            row = ["" if cell is None else str(cell) for cell in cells]
            found = [number(cell.strip()) for cell in row]
            if None in found:
                wrong = row[found.index(None)]
                collector.add("SN512", f"{place} of `{self.name}`: `{clipped(wrong)}` is not a number")
                sound = min(sound, n)
            values.append([0.0 if value is None else value for value in found])
        return np.array(values).reshape(len(rows), *self.known.shape), sound

    def array_blocks(self, array: Any) -> Iterator[RowBlock]:
        """Yield the rows of an array, some at once; raise SpecError where they are none that the model takes."""
        import numpy as np

        if not isinstance(array, np.ndarray) or array.ndim == 0:
            raise self.error("SN540", f"`{self.name}` holds no rows of numbers")
        if array.ndim == 1 and self.known.shape == (1,):
            array = array.reshape(-1, 1)
        if array.shape[1:] != self.known.shape:
            was = list(self.known.shape)
            message = f"one input of `{self.name}` has shape {list(array.shape[1:])}; the model was trained on {was}"
            raise self.error("SN572", message)
        step = max(1, ELEMENTS // max(1, prod(array.shape[1:])))
        for start in range(0, len(array), step):
            part = array[start : start + step]
            yield RowBlock(part, [f"row {start + n + 1}" for n in range(len(part))])

    def error(self, code: str, message: str, help: str | None = None) -> SpecError:
        """Return what to raise for a fault of this file."""
        return SpecError([Diagnostic(code, message, file=self.name, help=help)])

    def check(self, collector: Collector) -> None:
        """Raise what was found, as findings about this file."""
        try:
            collector.check()
        except SpecError as error:
            raise self.of_file(error) from None

    def of_file(self, error: SpecError) -> SpecError:
        """Return the same faults as findings about this file."""
        return SpecError(
            [Diagnostic(d.code, d.message, file=self.name, help=d.help) for d in error.diagnostics]
        )
