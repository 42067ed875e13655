"""Row groups of a Parquet file, some of which other processes decode while this one decodes the one before them."""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from specnet.data.readers import FileIdentity
from specnet.data.tables.arrow_column import ArrowColumn

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

    from specnet.data.readers import Readers

FROM = 4 << 20
"""Bytes of a file from which others decode some of it."""

MOST = 1 << 25
"""Cells of a row group from which it isn't decoded by another process, which would hold all of them at once."""

Batch = tuple[int, Sequence[ArrowColumn]]
"""Some rows: how many they are, and their columns."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """Has another process import pyarrow, while this one does."""

    def read(self) -> None:
        """Import it, where it is installed."""
        _pyarrow()


def prepare(readers: Readers, path: Path) -> None:
    """Have others import pyarrow at the same time as this process, if they are likely to decode some of a file."""
    try:
        size = path.stat().st_size
    except OSError:
        return  # who opens it says so
    if readers.on_other_cores and size >= FROM:
        readers.turn([Preparation()] * readers.count)
        _pyarrow()


@dataclass(frozen=True, slots=True)
class RowGroupTask:
    """A row group of a file, for another process to decode."""

    file: FileIdentity
    group: int
    rows: int
    """How many rows are decoded at once."""
    categories: frozenset[int]
    """The columns of which the different cells are wanted."""

    def read(self) -> list[list[Any]] | None:
        """Return the arrays of some rows after the other; None where it is damaged: who decodes it then says so."""
        found = _pyarrow()
        if found is None:
            return None
        arrow, parquet = found
        try:
            with self.file.open() as raw, parquet.ParquetFile(raw) as file:
                return [
                    [
                        ArrowColumn(arrow.types, array).encoded() if i in self.categories else array
                        for i, array in enumerate(batch.columns)
                    ]
                    for batch in file.iter_batches(batch_size=self.rows, row_groups=[self.group])
                ]
        except arrow.ArrowException:
            return None

    def given(self, types: Any, arrays: list[list[Any]]) -> Iterator[Batch]:
        """Yield the rows that another process has decoded."""
        for batch in arrays:
            columns = [
                ArrowColumn(types, array, encoded=i in self.categories) for i, array in enumerate(batch)
            ]
            yield len(columns[0]), columns


class RowGroups:
    """The rows of a Parquet file, some at once."""

    def __init__(self, path: Path, raw: BufferedReader, file: Any, rows: int) -> None:
        self._path, self._raw, self._file, self._rows = path, raw, file, rows
        self._types = importlib.import_module("pyarrow").types
        metadata = file.metadata
        self._width = len(file.schema_arrow)
        self._sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]

    def batches(self, groups: list[int] | None = None) -> Iterator[Batch]:
        """Yield the rows of some row groups, or of all of them."""
        for batch in self._file.iter_batches(batch_size=self._rows, row_groups=groups):
            yield len(batch), [ArrowColumn(self._types, column) for column in batch.columns]

    def can_be_shared(self, readers: Readers) -> bool:
        """Return whether others are to decode row groups.

        Where this process may use all cores, pyarrow decodes columns on all of them without handing anything over.
        """
        return (
            readers.on_other_cores
            and FileIdentity.of(self._path, self._raw.fileno()).size >= FROM
            and sum(size > 0 for size in self._sizes) > 1
            and 0 < max(self._sizes) * self._width <= MOST
        )

    def shared(self, readers: Readers) -> Iterator[Batch]:
        """Yield the rows, of which others decode some; which row groups are whose follows from how many there are.

        All come in the order of the file. What takes the time in this process is to take in what the others have
        decoded: with several of them, it decodes only the first row group, which tells what columns are asked for.
        """
        readers.begin()
        left = deque(group for group, size in enumerate(self._sizes) if size)
        batches = self.batches([left.popleft()])
        first = next(batches)
        yield first
        categories = frozenset(i for i, column in enumerate(first[1]) if column.is_category)
        identity = FileIdentity.of(self._path, self._raw.fileno())
        asked: list[RowGroupTask] = []
        while asked or left:
            others = [left.popleft() for _ in range(min(readers.count, len(left)))]
            tasks = [RowGroupTask(identity, group, self._rows, categories) for group in others]
            for task, found in zip(asked, readers.turn(tasks), strict=True):
                yield from self.batches([task.group]) if found is None else task.given(self._types, found)
            asked = tasks
            yield from batches
            batches = self.batches([left.popleft()]) if readers.count == 1 and left else iter(())


def _pyarrow() -> tuple[Any, Any] | None:
    """Return the modules of pyarrow, where it is installed."""
    try:
        # Arrays would import it when they are first cast.
        importlib.import_module("pyarrow.compute")
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        return None
