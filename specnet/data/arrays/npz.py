from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.arrays.npz_file import NpzArray, open_arrays
from specnet.data.arrays.pairs import describe
from specnet.data.arrays.source import ArraySource
from specnet.data.files import Place, Site
from specnet.data.reader import joined

if TYPE_CHECKING:
    from specnet.data.readers.npz import Npz, NpzRows
    from specnet.diagnostics import KeyPath


def open_npz(reader: Npz, site: Site) -> ArraySource | None:
    """Return the arrays that a reader names, their headers read; None where `site` noted why not."""
    pairs: dict[str, tuple[NpzArray, NpzArray | None]] = {}
    for name in ("train", *reader.tables):
        table = reader.tables.get(name)
        key: KeyPath = (name,) if table else ()
        file = table.path if table and table.path else reader.path
        path = site.find(file, *key, "path")
        if path is None:
            continue
        names = [_array(reader, "inputs", table, key)]
        if not reader.reproduces:
            names.append(_array(reader, "targets", table, key))
        arrays = open_arrays(Place(path, file, (*key, "path"), site), names)
        if arrays is not None:
            pairs[name] = (arrays[0], None if reader.reproduces else arrays[1])
    parts = {name: describe(*pair, site) for name, pair in pairs.items()}
    found = {name: part for name, part in parts.items() if part is not None}
    if len(found) <= len(reader.tables):
        return None
    return ArraySource.of(reader.load, pairs, joined(found, site), site)


def _array(reader: Npz, what: str, table: NpzRows | None, key: KeyPath) -> tuple[str, KeyPath]:
    """Return the name of an array, and where the document gives it."""
    own = getattr(table, what) if table else None
    return (own, (*key, what)) if own else (getattr(reader, what), (what,))
