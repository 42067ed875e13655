"""Arrays of steps as tables: their columns are named by their indices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from specnet.data.tables.cells import TypedCellParser
from specnet.data.tables.settings import MARKERS
from specnet.data.tables.table import Chunk, DataTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.files import FilePlace


class ArrayTable(DataTable):
    """The columns of an array (steps,) or (steps, columns); raises SpecError for any other."""

    header = False

    def __init__(self, place: FilePlace, array: NDArray[Any]) -> None:
        if array.dtype.kind not in "buif" or array.ndim not in (1, 2):
            message = f"`{place.name}` holds {array.dtype} of shape {list(array.shape)}"
            help = "a series is an array of numbers (steps,), and several are (steps, columns)"
            raise place.error("SN522", message, help=help)
        self._array = array.reshape(len(array), -1)
        names = list(map(str, range(self._array.shape[1])))
        super().__init__(place, TypedCellParser(frozenset(MARKERS), {}), names)

    def read(self, records: int) -> Iterator[Chunk]:
        """Yield all steps at once: they are in memory already."""
        if len(self._array):
            yield Chunk(self._array.T.tolist(), range(1, len(self._array) + 1))
