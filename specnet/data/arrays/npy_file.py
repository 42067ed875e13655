from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.arrays.npy_array import NpyArray
from specnet.data.opening import open_regular

if TYPE_CHECKING:
    from specnet.data.files import FilePlace


def open_npy(place: FilePlace) -> NpyArray | None:
    """Return the array of a .npy file, its header read, or note what is wrong with it."""
    with open_regular(place.path) as file:
        start = file.read(6)
    if start != b"\x93NUMPY":
        help = 'it is an npz file: `type = "npz"` reads it' if start[:4] == b"PK\3\4" else None
        message = f"`{place.name}` is not an npy file: it does not start like one"
        place.context.collector.add("SN520", message, *place.key, help=help)
        return None
    array = NpyArray(place.path, place.name, place.key)
    return array if array.examine(place.context) else None
