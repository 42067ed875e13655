"""Columns of numbers, codes and tokens that were read of a file, kept in a temporary file instead of in memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import prod
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from weakref import finalize

import numpy as np

from specnet.data.tables.cells import ABSENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESERVE = 256 << 20
"""Bytes of the disk that are left to others."""


class _Piece(NamedTuple):
    """Some rows in the file."""

    offset: int
    rows: int
    columns: tuple[tuple[np.dtype[Any], tuple[int, ...]], ...]
    """The type of each column, and the shape of its elements."""


class RowPieces:
    """Cuts rows of columns into pieces of which all but the last have as many rows, however many come at once.

    What is summed over the pieces has the same bits then, whoever has read the rows.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._waiting: list[NDArray[Any]] = []
        """The rows of a piece that is not complete yet."""

    def add(self, columns: Sequence[NDArray[Any]]) -> Iterator[list[NDArray[Any]]]:
        """Yield the pieces that some more rows complete, in memory of their own."""
        count, start = len(columns[0]) if columns else 0, 0
        while start < count:
            waiting = len(self._waiting[0]) if self._waiting else 0
            end = min(count, start + self._rows - waiting)
            own = [column[start:end] for column in columns]
            self._waiting = list(map(_joined, self._waiting, own)) if waiting else list(map(np.array, own))
            start = end
            if len(self._waiting[0]) == self._rows:
                yield from self.rest()

    def rest(self) -> Iterator[list[NDArray[Any]]]:
        """Yield the last piece, if there are rows that wait for others."""
        if self._waiting:
            piece, self._waiting = self._waiting, []
            yield piece


class ColumnStore:
    """Rows of columns in a temporary file, in pieces of a few rows.

    The file has no name where the system allows that, belongs to this user alone, and is gone when the process ends,
    however it ends. Where the disk is full or cannot be written to, the store stays empty: its user reads the original
    again.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        """How many rows a piece has at most."""
        self.complete = False
        """Whether all rows are in it."""
        self._file: IO[bytes] | None = None
        self._pieces: list[_Piece] = []
        self._cut = RowPieces(rows)
        self._size = 0
        self.failed = False
        """Whether something could not be written."""
        self._filling = False
        # Not a lock of `specnet.locking`: a signal handler that reads in the middle of a read would move its position.
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Let another process of the machine read the file, while this one has it open; else its store is empty."""
        there = self.complete and self._file is not None and Path("/proc/self/fd").is_dir()
        path = f"/proc/{os.getpid()}/fd/{self._file.fileno()}" if there and self._file is not None else None
        return {"rows": self.rows, "path": path, "pieces": self._pieces, "size": self._size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["rows"])  # type: ignore[misc]
        if state["path"] is None:
            return
        with suppress(OSError):
            self._file = Path(state["path"]).open("rb")  # noqa: SIM115 - as in `_write`
            finalize(self, self._file.close)
            self._pieces, self._size, self.complete = state["pieces"], state["size"], True

    def begin(self) -> bool:
        """Return whether the caller is to append all rows: nobody else does, and it has not failed before."""
        with self._lock:
            if self._filling or self.failed or self.complete:
                return False
            self._filling = True
            return True

    def append(self, columns: Sequence[NDArray[Any]]) -> None:
        """Append some rows."""
        if not self.failed:
            self._write_all(self._cut.add(columns))

    def finish(self) -> None:
        """Take what was appended for all rows."""
        if not self.failed:
            self._write_all(self._cut.rest(), last=True)
        self.complete = not self.failed
        self._filling = False

    def _write_all(self, pieces: Iterator[list[NDArray[Any]]], *, last: bool = False) -> None:
        """Write pieces, and end empty where that fails; the `last` ones are flushed, which may fail as well."""
        try:
            for piece in pieces:
                self._write(piece)
            if last and self._file is not None:
                self._file.flush()
        except OSError:
            self.failed = True
            self.clear()

    def clear(self) -> None:
        """Take everything out of it again."""
        self._pieces, self._size, self._filling = [], 0, False
        self._cut = RowPieces(self.rows)
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None

    def pieces(self) -> Iterator[list[NDArray[Any]]]:
        """Yield the columns of a few rows after the other."""
        for piece in self._pieces:
            data = self._read(piece)
            columns, start = [], 0
            for dtype, shape in piece.columns:
                count = piece.rows * prod(shape)
                columns.append(np.frombuffer(data, dtype, count, start).reshape(piece.rows, *shape))
                start += count * dtype.itemsize
            yield columns

    def _write(self, columns: Sequence[NDArray[Any]]) -> None:
        size = sum(column.nbytes for column in columns)
        folder = large_folder()
        if shutil.disk_usage(folder).free - size < RESERVE:
            raise OSError("the disk is nearly full")
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it is used until the store is cleared
            finalize(self, self._file.close)
        for column in columns:
            self._file.write(column.data)
        kinds = tuple((column.dtype, column.shape[1:]) for column in columns)
        if self._pieces and self._pieces[-1].columns == kinds:
            kinds = self._pieces[-1].columns  # which there need not be as often as there are pieces
        self._pieces.append(_Piece(self._size, len(columns[0]), kinds))
        self._size += size

    def _read(self, piece: _Piece) -> bytes:
        assert self._file is not None
        size = sum(piece.rows * prod(shape) * dtype.itemsize for dtype, shape in piece.columns)
        # Several threads may read at their own places.
        with self._lock:
            self._file.seek(piece.offset)
            return self._file.read(size)


def _joined(first: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Return values of a column of which the other ones follow the first."""
    if first.dtype.kind == "f" and other.dtype.kind == "i":
        # Until the first text, a column has no values at all.
        first = np.full(len(first), ABSENT, other.dtype)
    return np.concatenate([first, other])


def large_folder() -> str:
    """Return where large temporary files belong: often `/tmp` is kept in memory, and `/var/tmp` never is."""
    large = Path("/var/tmp")  # noqa: S108 - the file in it has no name
    if "TMPDIR" not in os.environ and large.is_dir() and os.access(large, os.W_OK):
        return str(large)
    return tempfile.gettempdir()
