from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.arrays.file_rows import ByteRange
from specnet.data.arrays.stored import Obstacle, StoredArray
from specnet.data.files import DataContext, FilePlace

if TYPE_CHECKING:
    from numpy.typing import NDArray


class PassedArray(StoredArray):
    """An array in memory, described as arrays in files are."""

    array: NDArray[Any]

    @classmethod
    def of(cls, name: str, given: Any, context: DataContext, help: str | None = None) -> PassedArray:
        """Return what a program passed as an array of numbers; raise SpecError where it is not one.

        `name` is what a diagnostic calls it, and `help` what helps where it holds something else than numbers.
        """
        place = FilePlace(Path(), name, (), context)
        try:
            array = np.asarray(given)
        except ValueError:
            raise place.error("SN541", f"`{name}` is not an array: its rows have different shapes") from None
        if array.dtype.kind not in "buif":
            message = f"`{name}` is not an array of numbers: it holds {array.dtype.name}"
            raise place.error("SN540", message, help=help)
        if not array.ndim:
            raise place.error("SN540", f"`{name}` is a single number, not rows")
        if not array.size:
            shape = " x ".join(map(str, array.shape))
            raise place.error("SN543", f"`{name}` holds no elements: its shape is {shape}")
        held = cls(place, array.dtype, array.shape)
        object.__setattr__(held, "array", array)
        return held

    def check(self) -> None:
        """Do nothing: nothing can have changed."""

    def read(self) -> NDArray[Any]:
        """Return the array itself."""
        return self.array

    def head(self) -> NDArray[Any]:
        """Return the first rows."""
        return self.array[: self.head_rows]

    def obstacle(self) -> Obstacle:
        """Return why rows are not read one by one."""
        return Obstacle("it is in memory already", "leave `load` out")

    def byte_range(self) -> ByteRange:
        """Raise TypeError: it is in no file."""
        raise TypeError(f"{self.what} is not in a file")
