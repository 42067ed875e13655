"""Columns of pyarrow's, whose numbers and different cells are read all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import nan
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from specnet.data.tables.cell_column import CellColumn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.tables.cell_column import Numbers


class ArrowColumn(CellColumn):
    """The cells of a column of pyarrow's, of which Python's values are made only where they are asked for.

    An array that is `encoded` is what `encoded` returns.
    """

    def __init__(self, types: Any, array: Any, *, encoded: bool = False) -> None:
        self._types, self._given, self._is_encoded = types, array, encoded
        self._numbers: Numbers | None = None
        self.is_category = False
        """Whether the column was asked for its different cells, which can be found by pyarrow."""

    def __len__(self) -> int:
        return len(self._given)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cells)

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        return self._cells[place]

    @cached_property
    def _array(self) -> Any:
        return self._given.dictionary_decode() if self._types.is_dictionary(self._given.type) else self._given

    @cached_property
    def _cells(self) -> list[Any]:
        found: list[Any] = self._array.to_pylist()
        return found

    def numbers(self, decimal: str) -> Numbers | None:
        """Return the cells' numbers as float64, as `float` rounds them, and which are missing or not finite."""
        type_ = self._array.type
        if self._numbers is None and (
            self._types.is_integer(type_) or self._types.is_float32(type_) or self._types.is_float64(type_)
        ):
            # Large whole numbers are rounded.
            found = self._array.cast("float64", safe=False)
            values = values_of(found.fill_null(nan) if found.null_count else found, np.float64)
            self._numbers = values, ~np.isfinite(values)
        return self._numbers

    @property
    def has_odd(self) -> bool:
        """Whether some numbers are missing or not finite."""
        return self._numbers is not None and bool(self._numbers[1].any())

    def different(self) -> tuple[NDArray[np.intp], list[Any]]:
        """Return the different cells, and the place of each cell among them."""
        if not self._is_encoded and self._types.is_floating(self._array.type):
            # Python's values tell 0.0 and -0.0, and NaNs, apart as a dictionary does.
            index: dict[Any, int] = {}
            places = np.array([index.setdefault(cell, len(index)) for cell in self._cells], np.intp)
            return places, list(index)
        self.is_category = True
        found = self.encoded()
        return values_of(found.indices, np.int32).astype(np.intp), found.dictionary.to_pylist()

    def encoded(self) -> Any:
        """Return an array of codes with the different cells, also missing ones, in the order in which they occur."""
        return self._given if self._is_encoded else self._array.dictionary_encode("encode")


def values_of(array: Any, dtype: type[np.generic]) -> NDArray[Any]:
    """Return the values of an array, to be read only; those of missing ones are not defined.

    `to_numpy` would import pandas, where it is installed.
    """
    if not len(array):
        return np.empty(0, dtype)
    item = np.dtype(dtype).itemsize
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * item)
