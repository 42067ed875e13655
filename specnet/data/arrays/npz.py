from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from specnet.data.arrays.npz_file import NpzArray, open_arrays
from specnet.data.faults import counted
from specnet.data.files import Place, Site
from specnet.data.reader import Part, joined
from specnet.data.sample import Sample
from specnet.data.signature import Description

if TYPE_CHECKING:
    from specnet.data.readers.npz import Npz, NpzRows
    from specnet.diagnostics import KeyPath


@dataclass
class NpzSource:
    """Arrays whose headers are sound."""

    arrays: dict[str, tuple[NpzArray, NpzArray]]
    description: Description
    site: Site

    def read(self, seed: int) -> dict[str, Part]:
        """Return the arrays; inputs as stored, whole-number targets as int64."""
        import numpy as np

        from specnet.data.rows import ArrayRows

        del seed
        kind = np.float64 if self.description.class_count is None else np.int64
        parts = {}
        for name, (inputs, targets) in self.arrays.items():
            x, y = inputs.read(self.site), targets.read(self.site)
            if x is not None and y is not None:
                parts[name] = Part(ArrayRows(x), y.astype(kind))
        return parts

    def columns(self) -> dict[str, Any] | None:
        """Return None: the inputs are arrays."""
        return None

    def samples(self) -> dict[str, Sample]:
        """Return the first rows of each split."""
        samples = {}
        for name, (inputs, targets) in self.arrays.items():
            cells = inputs.cells("input", self.site), targets.cells("target", self.site)
            if cells[0] and cells[1]:
                samples[name] = Sample(*cells, table=False)
        self.site.faults.check()
        return samples


def open_npz(reader: Npz, site: Site) -> NpzSource | None:
    """Return the arrays that a reader names, their headers read; None where `site` noted why not."""
    pairs: dict[str, tuple[NpzArray, NpzArray]] = {}
    for name in ("train", *reader.tables):
        table = reader.tables.get(name)
        key: KeyPath = (name,) if table else ()
        file = table.path if table and table.path else reader.path
        path = site.find(file, *key, "path")
        if path is None:
            continue
        names = [_array(reader, "inputs", table, key), _array(reader, "targets", table, key)]
        arrays = open_arrays(Place(path, file, (*key, "path"), site), names)
        if arrays is not None:
            pairs[name] = (arrays[0], arrays[1])
    parts = {name: describe(*pair, site) for name, pair in pairs.items()}
    found = {name: part for name, part in parts.items() if part is not None}
    if len(found) <= len(reader.tables):
        return None
    return NpzSource(pairs, joined(found, site), site)


def _array(reader: Npz, what: str, table: NpzRows | None, key: KeyPath) -> tuple[str, KeyPath]:
    """Return the name of an array, and where the document gives it."""
    own = getattr(table, what) if table else None
    return (own, (*key, what)) if own else (getattr(reader, what), (what,))


def describe(inputs: NpzArray, targets: NpzArray, site: Site) -> Description | None:
    """Return the description of two arrays, or note that they don't belong together."""
    rows = inputs.header.shape[0]
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
