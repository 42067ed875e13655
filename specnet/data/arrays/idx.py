from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.arrays.idx_file import IdxFile, open_file
from specnet.data.arrays.source import ArraySource
from specnet.data.faults import counted
from specnet.data.files import Site
from specnet.data.reader import joined
from specnet.data.signature import Description

if TYPE_CHECKING:
    from specnet.data.readers.idx import Idx, IdxRows
    from specnet.diagnostics import KeyPath


def open_idx(reader: Idx, site: Site) -> ArraySource | None:
    """Return the files that a reader names, their headers read; None where `site` noted why not."""
    tables: dict[str, tuple[KeyPath, Idx | IdxRows]] = {"train": ((), reader)}
    tables |= {name: ((name,), table) for name, table in reader.tables.items()}
    files: dict[str, tuple[IdxFile, IdxFile | None]] = {}
    for name, (key, table) in tables.items():
        inputs = _find(table.inputs, (*key, "inputs"), site)
        targets = None
        if not reader.reproduces and table.targets is not None:
            targets = _find(table.targets, (*key, "targets"), site)
        if inputs is not None and (targets is not None or reader.reproduces):
            files[name] = (inputs, targets)
    parts = {name: describe(*pair, tables[name][0], site) for name, pair in files.items()}
    found = {name: part for name, part in parts.items() if part is not None}
    if len(found) < len(tables):
        return None
    return ArraySource(files, joined(found, site), site)


def _find(text: str, key: KeyPath, site: Site) -> IdxFile | None:
    path = site.find(text, *key)
    return None if path is None else open_file(path, text, key, site)


def describe(inputs: IdxFile, targets: IdxFile | None, key: KeyPath, site: Site) -> Description | None:
    """Return the description of two files, or note that they don't belong together."""
    rows = inputs.shape[0]
    if targets is None:
        return Description(inputs.shape[1:] or (1,), (), {"train": rows})
    if rows != targets.shape[0]:
        there = counted(targets.shape[0], "row")
        message = f"`{inputs.name}` has {counted(rows, 'row')}, `{targets.name}` has {there}"
        site.faults.add("SN542", message, *key, "targets")
        return None
    raw = Description(inputs.shape[1:] or (1,), targets.shape[1:], {"train": rows})
    if len(targets.shape) == 1 and targets.type[0] != "f":
        counter = targets.labels(site)
        if counter is None:
            return None
        if min(counter) >= 0:
            raw.class_count = max(counter) + 1
            if raw.class_count <= 10 * rows:
                raw.per_class = [counter[i] for i in range(raw.class_count)]
    return raw
