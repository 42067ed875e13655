"""Columns of new rows that are no inputs, but are wanted next to the predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class KeptColumns:
    """Which columns of a file of new rows are handed on with the predictions.

    Their names are known once the first rows have been read.
    """

    ids: tuple[str | int, ...] = ()
    """The columns of the document's `id`: kept where the file has them."""
    asked: tuple[str, ...] = ()
    """Columns that were asked for, which the file must have."""
    every: bool = False
    """Whether all columns are kept, in the order of the file."""
    names: tuple[str, ...] = field(default=(), init=False)
    """What is kept, by name."""
    positions: tuple[int, ...] = field(default=(), init=False)
    """Where in a record it is."""

    @property
    def required(self) -> bool:
        """Whether rows without columns cannot be taken."""
        return bool(self.asked) or self.every

    def choose(self, names: Sequence[str], *, like_training: bool) -> list[str]:
        """Settle what is kept of a file's columns; return the names that were asked for and that it lacks.

        `like_training` says that it has the columns of the training file, so that positions mean the same.
        """
        if self.every:
            self.positions = tuple(range(len(names)))
        else:
            known = [names[i] for i in self.ids if isinstance(i, int) and like_training and i < len(names)]
            wanted = [*known, *(i for i in self.ids if isinstance(i, str)), *self.asked]
            there = [name for name in dict.fromkeys(wanted) if name in names]
            self.positions = tuple(names.index(name) for name in there)
        self.names = tuple(names[i] for i in self.positions)
        return [name for name in self.asked if name not in names]

    def of_record(self, row: Mapping[str, Any]) -> list[Any]:
        """Return what is kept of a row that is given by column; None for what it lacks."""
        return [row.get(name) for name in self.names]
