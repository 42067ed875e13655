"""A column of cells that can tell its numbers, or its different cells, all at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = tuple[NDArray[np.float64], NDArray[np.bool_]]
    """The numbers of a column, and which of its cells must be read in another way."""


class CellColumn(Sequence[Any]):
    """The cells of one column."""

    @abstractmethod
    def numbers(self, decimal: str) -> Numbers | None:
        """Return the cells' numbers, and which cells must be read in another way; None where all must.

        Those of text are written with that decimal sign.
        """

    @property
    @abstractmethod
    def has_odd(self) -> bool:
        """Whether some of its numbers must be read in another way."""

    @abstractmethod
    def different(self) -> tuple[NDArray[np.intp], list[Any]]:
        """Return the different cells in the order in which they occur first, after each cell's place among them."""
