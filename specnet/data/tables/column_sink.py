"""The values of one column of a table, as they come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.small_pages import empty, in_small_pages
from specnet.data.tables.cells import ABSENT
from specnet.data.tables.columns import lacking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from specnet.data.tables.columns import Column, ColumnReader

ROOM = 1 << 18
"""Values of an array that those of several chunks are copied to."""

SHORT = 256
"""Values below which those of a chunk are copied, too: an array object takes as much as some dozens of them."""

SPARE = 32
"""The part of the expected values that there is memory for beside them, if fewer were expected than come."""


class ColumnSink:
    """Takes in the cells of one column, and keeps its values, or with a maximum the first of them.

    If other columns are not kept, it is `alone`, and copies its values: they may lie in an array of all columns.
    """

    def __init__(self, reader: ColumnReader, maximum: int | None, *, alone: bool) -> None:
        self.reader = reader
        self._alone = alone
        self.used: set[int] = set()
        self.missing = 0
        self.new: NDArray[Any] = np.empty(0)
        """What was read last."""
        self._maximum = maximum
        self._kept: list[NDArray[Any]] = []
        self._count = 0
        """How many values are kept."""
        self._free = 0
        """How many more values the last array has room for, if values are copied."""
        self._fits = False
        """Whether the last array was made for all values that are expected."""
        self.taken: NDArray[Any] = self.new
        """What was taken in last."""

    def read(self, cells: Sequence[Any]) -> None:
        """Read the cells of the next rows."""
        self.new = self.reader.read(cells)

    def keep(self, kept: NDArray[np.bool_] | None, expected: int | None = None) -> None:
        """Take in what was read last, of the rows that are kept; None for all.

        `expected` is about how many values there will be in all, where that is known.
        """
        new = self.taken = self.new if kept is None else self.new[kept]
        if not self.reader.is_full:
            self.missing += int(np.count_nonzero(lacking(new)))
        if new.dtype.kind == "i":
            latest = self.reader.latest
            self.used.update(new.tolist() if latest is None or kept is not None else latest)
        if self._maximum is not None:
            new = new[: self._maximum]
            self._maximum -= len(new)
        elif expected is not None and not (self._alone or self._fits):
            self._make_room(max(expected, self._count + len(new)), new.dtype)
        if self._maximum is None and (self._alone or self._fits or len(new) < SHORT):
            self._copy(new)
        elif len(new):
            self._end()
            self._kept.append(new.copy() if self._alone else new)
        self._count += len(new)

    def _make_room(self, expected: int, dtype: np.dtype[Any]) -> None:
        """Make one array for all values, so that each is written once, and none is copied at the end."""
        self._end()
        if any(piece.dtype != dtype for piece in self._kept):
            return
        count = expected + expected // SPARE
        whole = empty((count,), dtype)
        np.concatenate([np.empty(0, dtype), *self._kept], out=whole[: self._count])
        self._kept, self._free, self._fits = [whole], len(whole) - self._count, True

    def _copy(self, new: NDArray[Any]) -> None:
        """Keep values in arrays of their own, until they are joined."""
        while len(new):
            if not self._kept or self._free == 0 or self._kept[-1].dtype != new.dtype:
                self._end()
                more = (
                    in_small_pages((ROOM,), new.dtype)
                    if self._alone
                    else np.empty(max(64, self._count // 4), new.dtype)
                )
                self._kept.append(more)
                self._free = len(more)
            last = self._kept[-1]
            count, start = min(len(new), self._free), len(last) - self._free
            last[start : start + count] = new[:count]
            self._free -= count
            new = new[count:]

    def _end(self) -> None:
        """Leave what is free of the last array."""
        if self._free:
            self._kept[-1] = self._kept[-1][: len(self._kept[-1]) - self._free]
            self._free = 0

    def finish(self) -> Column:
        """Return the column; its categories in order."""
        self._end()
        text = self.reader.kind == "text"
        pieces, self._kept = self._kept, []
        if text:
            # Until the first text, the column had no values at all.
            pieces = [p if p.dtype.kind == "i" else np.full(len(p), ABSENT, np.int32) for p in pieces]
        if len(pieces) == 1 and self._fits:
            return self.reader.column(pieces[0], self.used)
        pieces = [np.empty(0, np.int32 if text else np.float64), *pieces]
        return self.reader.column(np.concatenate(pieces), self.used)
