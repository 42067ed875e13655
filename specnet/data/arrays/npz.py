from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from specnet.data.arrays.npz_file import open_arrays
from specnet.data.arrays.pairs import describe
from specnet.data.arrays.side_by_side import SideBySide
from specnet.data.arrays.source import ArraySource, Pair
from specnet.data.files import DataContext, FilePlace
from specnet.data.format import joined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.formats.npz import Npz, NpzRows
    from specnet.data.signature import DataDescription
    from specnet.diagnostics import KeyPath


def open_npz(data_format: Npz, context: DataContext) -> ArraySource | None:
    """Return the arrays that a format names, their headers read; None where `site` noted why not."""
    pairs: dict[str, Pair] = {}
    for name in ("train", *data_format.tables):
        table = data_format.tables.get(name)
        key: KeyPath = (name,) if table else ()
        file = table.path if table and table.path else data_format.path
        path = context.find(file, *key, "path")
        if path is None:
            continue
        place = FilePlace(path, file, (*key, "path"), context)
        inputs, where = _named(data_format, "inputs", table, key)
        names = inputs_of(inputs, where)
        if not data_format.reproduces:
            target, where = _named(data_format, "targets", table, key)
            names.append((target, where))
        arrays = open_arrays(place, names)
        if arrays is not None:
            targets = None if data_format.reproduces else arrays.pop()
            together = arrays[0] if isinstance(inputs, str) else SideBySide.of(arrays, context)
            if together is not None:
                pairs[name] = (together, targets)
    parts = {name: describe(*pair, context) for name, pair in pairs.items()}
    found = {name: part for name, part in parts.items() if part is not None}
    if len(found) <= len(data_format.tables):
        return None
    _compare(found, context)
    return ArraySource.of(data_format.load, pairs, joined(found, context), context)


def inputs_of(names: str | Sequence[str], key: KeyPath) -> list[tuple[str, KeyPath]]:
    """Return each array of inputs by its name, and where it is given; without a key, they are given nowhere."""
    if isinstance(names, str):
        return [(names, key)]
    return [(name, (*key, i) if key else ()) for i, name in enumerate(names)]


def read_inputs(names: str | Sequence[str], place: FilePlace) -> NDArray[Any] | None:
    """Return the inputs of these names in a file, or note what is wrong with them."""
    arrays = open_arrays(place, inputs_of(names, ()))
    if arrays is None:
        return None
    together = arrays[0] if isinstance(names, str) else SideBySide.of(arrays, place.context)
    return None if together is None else together.read(place.context)


def _named(data_format: Npz, what: str, table: NpzRows | None, key: KeyPath) -> tuple[Any, KeyPath]:
    """Return the name of an array, or of several, and where the document gives it."""
    own = getattr(table, what) if table else None
    return (own, (*key, what)) if own else (getattr(data_format, what), (what,))


def _compare(parts: Mapping[str, DataDescription], context: DataContext) -> None:
    """Note splits whose inputs are other arrays, side by side, than those of `train`."""
    wanted = [column_slice.shape for column_slice in parts["train"].column_slices or ()]
    for name, part in parts.items():
        shapes = [column_slice.shape for column_slice in part.column_slices or ()]
        if shapes != wanted and part.inputs == parts["train"].inputs:
            message = (
                f"the arrays of the {name} data have rows of {_shown(shapes)}, of the training data "
                f"{_shown(wanted)}"
            )
            context.collector.add("SN554", message, name, "inputs")


def _shown(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(str(list(shape)) for shape in shapes)
