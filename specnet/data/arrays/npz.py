from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.arrays.npz_file import NpzArray, open_arrays
from specnet.data.arrays.source import ArraySource
from specnet.data.faults import counted
from specnet.data.files import Place, Site
from specnet.data.reader import joined
from specnet.data.signature import Description

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
    return ArraySource(pairs, joined(found, site), site)


def _array(reader: Npz, what: str, table: NpzRows | None, key: KeyPath) -> tuple[str, KeyPath]:
    """Return the name of an array, and where the document gives it."""
    own = getattr(table, what) if table else None
    return (own, (*key, what)) if own else (getattr(reader, what), (what,))


def describe(inputs: NpzArray, targets: NpzArray | None, site: Site) -> Description | None:
    """Return the description of two arrays, or note that they don't belong together."""
    rows = inputs.header.shape[0]
    if targets is None:
        return Description(inputs.header.shape[1:] or (1,), (), {"train": rows})
    if rows != targets.header.shape[0]:
        there = counted(targets.header.shape[0], "row")
        message = f"`{inputs.name}` has {counted(rows, 'row')}, `{targets.name}` has {there}"
        site.faults.add("SN542", message, *targets.key)
        return None
    raw = Description(inputs.header.shape[1:] or (1,), targets.header.shape[1:], {"train": rows})
    if not raw.target and targets.header.type[0] in "iu":
        counter = targets.labels(site)
        if counter is None:
            return None
        if min(counter) >= 0 and max(counter) < 2**31:
            raw.class_count = max(counter) + 1
            if raw.class_count <= 10 * rows:
                raw.per_class = [counter[i] for i in range(raw.class_count)]
    return raw
