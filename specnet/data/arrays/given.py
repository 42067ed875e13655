from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.inputs import put_back
from specnet.data.tables.frames import frame_columns
from specnet.diagnostics.text import counted, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.signature import ColumnSlice, InputArray


def side_by_side(
    given: Mapping[str, Any], column_slices: Sequence[ColumnSlice], collector: Collector
) -> NDArray[Any]:
    """Return arrays that are given by name as the rows (rows, elements) that a model of several arrays learnt from.

    Raises SpecError where there are no such arrays, or they do not fit.
    """
    if not column_slices:
        raise collector.error("SN571", "these data have no arrays by name: give the rows as one array")
    shapes = {part.name: part.shape for part in column_slices}
    lacking = [name for name in shapes if name not in given]
    if lacking:
        message = f"there is no {listed(lacking)} among the arrays"
        raise collector.error("SN521", message, help=f"the model takes {listed(list(shapes))}")
    arrays = _sound(shapes, given, collector)
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1, dtype=np.float64)


def of_inputs(
    given: Mapping[str, Any], inputs: Sequence[InputArray], width: int, collector: Collector
) -> NDArray[Any]:
    """Return inputs that are given by the names in the document as rows (rows, width); 0 where no input has elements.

    Raises SpecError where they do not fit.
    """
    arrays = _sound({array.short: array.shape for array in inputs}, given, collector)
    rows = np.zeros((len(arrays[0]), width))
    for array, own in zip(inputs, arrays, strict=True):
        put_back(rows, array, own)
    return rows


def of_frame(frame: Any, names: Sequence[str], collector: Collector) -> NDArray[Any]:
    """Return columns of a frame as rows (rows, columns); raise SpecError where they are not there, or no numbers."""
    table = frame_columns(frame)
    cells = dict(zip(table.names, table.columns, strict=True)) if len(frame) else {}
    lacking = [name for name in names if name not in cells]
    with collector.together() as faults:
        if lacking:
            faults.add("SN509", f"the frame has no {listed(lacking)}", help=f"it has {listed(table.names)}")
        for name in names:
            if name in cells and table.kinds.get(name) not in ("number", "boolean"):
                faults.add("SN540", f"column `{name}` of the frame is not all numbers")
    return np.array([cells[name] for name in names], dtype=np.float64).T


def as_numbers(given: Any, whose: str, collector: Collector, *, scalar: bool = True) -> NDArray[Any]:
    """Return an array of numbers; raise SpecError for what is none, and for one number unless `scalar`."""
    try:
        array = np.asarray(given)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind in "buif" and (scalar or array.ndim):
        return array
    raise collector.error("SN540", f"{whose} not an array of numbers: a row is ragged, or holds no number")


def _sound(
    shapes: Mapping[str, tuple[int, ...]], given: Mapping[str, Any], collector: Collector
) -> list[NDArray[Any]]:
    """Return arrays of numbers by name, whose rows have these shapes; raise SpecError naming all that have others."""
    arrays: list[NDArray[Any]] = []
    with collector.together() as faults:
        for name, shape in shapes.items():
            with faults.catch():
                array = as_numbers(given[name], f"`{name}` is", faults, scalar=False)
                if (array.shape[1:] or (1,)) != shape:
                    message = (
                        f"one row of `{name}` has shape {list(array.shape[1:])}; the model was trained on "
                    )
                    raise faults.error("SN572", f"{message}{list(shape)}")
                if arrays and len(array) != len(arrays[0]):
                    mine, theirs = counted(len(array), "row"), counted(len(arrays[0]), "row")
                    raise faults.error("SN542", f"`{name}` has {mine}, `{next(iter(shapes))}` has {theirs}")
                arrays.append(array)
    return arrays
