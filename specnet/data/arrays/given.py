from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.diagnostics.text import counted, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.faults import Faults
    from specnet.data.signature import ColumnSlice


def side_by_side(
    given: Mapping[str, Any], stretches: Sequence[ColumnSlice], faults: Faults
) -> NDArray[Any] | None:
    """Return arrays that are given by name as the rows (rows, elements) that a model of several arrays learnt from.

    None where there are no such arrays, or a fault was noted.
    """
    if not stretches:
        faults.add("SN571", "these data have no arrays by name: give the rows as one array")
        return None
    before = len(faults.found)
    lacking = [stretch.name for stretch in stretches if stretch.name not in given]
    if lacking:
        message = f"there is no {listed(lacking)} among the arrays"
        faults.add(
            "SN521", message, help=f"the model takes {listed([stretch.name for stretch in stretches])}"
        )
        return None
    arrays: list[NDArray[Any]] = []
    for stretch in stretches:
        try:
            array = np.asarray(given[stretch.name])
        except ValueError:
            array = np.array(None)
        if array.dtype.kind not in "buif" or not array.ndim:
            faults.add(
                "SN540", f"`{stretch.name}` is not an array of numbers: a row is ragged, or holds no number"
            )
        elif (array.shape[1:] or (1,)) != stretch.shape:
            message = (
                f"one row of `{stretch.name}` has shape {list(array.shape[1:])}; the model was trained on "
            )
            faults.add("SN572", f"{message}{list(stretch.shape)}")
        elif arrays and len(array) != len(arrays[0]):
            mine, theirs = counted(len(array), "row"), counted(len(arrays[0]), "row")
            faults.add("SN542", f"`{stretch.name}` has {mine}, `{stretches[0].name}` has {theirs}")
        else:
            arrays.append(array)
    if len(faults.found) > before:
        return None
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1, dtype=np.float64)
