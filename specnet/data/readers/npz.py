from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from specnet.data.faults import closest, counted, listed
from specnet.data.files import Place, Site, memory
from specnet.data.npy import Header, HeaderError, read_header
from specnet.data.reader import FilePath, Part, Reader, joined
from specnet.data.signature import Description
from specnet.vocabulary.kind import Table, fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.diagnostics import KeyPath

ArrayName = Annotated[str, Field(min_length=1)]
Damaged = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)

RATIO = 1100
"""How many bytes one compressed byte can stand for at most: 1032 in a deflate stream, and some spare."""


NO_HEADER = Header("V", False, (), 0)


class NpzRows(Table):
    """Arrays with rows of their own; what is left out is as for the training rows."""

    path: FilePath | None = None
    """The file; that of the training rows if left out."""
    inputs: ArrayName | None = None
    """The name of the array of inputs."""
    targets: ArrayName | None = None
    """The name of the array of targets."""

    @model_validator(mode="after")
    def _apart(self) -> NpzRows:
        if self.path is None and self.inputs is None and self.targets is None:
            message = "name a `path`, or the arrays `inputs` and `targets` of the training rows' file"
            raise fault(message)
        return self


class Npz(Reader):
    """Arrays in a NumPy .npz file: numbers only, one row an example.

    Whole-number targets, one a row, can serve as class indices. Pickled objects are never read.
    """

    type: Literal["npz"] = "npz"
    path: FilePath
    """The file; relative to the document, then to $SPECNET_DATA."""
    inputs: ArrayName = "inputs"
    """The name of the array of inputs (rows, ...)."""
    targets: ArrayName = "targets"
    """The name of the array of targets (rows, ...)."""
    validation: NpzRows | None = None
    """The rows that the training is judged by while it runs."""
    test: NpzRows | None = None
    """The rows that the finished model is tested on."""

    def open(self, site: Site) -> NpzSource | None:
        """Return the arrays, their headers read."""
        pairs: dict[str, tuple[NpzArray, NpzArray]] = {}
        for name in ("train", *self.tables):
            table = self.tables.get(name)
            key: KeyPath = (name,) if table else ()
            file = table.path if table and table.path else self.path
            path = site.find(file, *key, "path")
            if path is None:
                continue
            names = [self._array("inputs", table, key), self._array("targets", table, key)]
            arrays = open_arrays(Place(path, file, (*key, "path"), site), names)
            if arrays is not None:
                pairs[name] = (arrays[0], arrays[1])
        parts = {name: describe(*pair, site) for name, pair in pairs.items()}
        found = {name: part for name, part in parts.items() if part is not None}
        if len(found) <= len(self.tables):
            return None
        return NpzSource(pairs, joined(found, site), site)

    def _array(self, what: str, table: NpzRows | None, key: KeyPath) -> tuple[str, KeyPath]:
        """Return the name of an array, and where the document gives it."""
        own = getattr(table, what) if table else None
        return (own, (*key, what)) if own else (getattr(self, what), (what,))

    def raw_inputs(self, path: Path, site: Site) -> NDArray[Any] | None:
        """Return the array of inputs in a file."""
        arrays = open_arrays(Place(path, path.name, (), site), [(self.inputs, ())])
        return None if arrays is None else arrays[0].read(site)


@dataclass
class NpzArray:
    """One array of a file, its header read."""

    path: Path
    file: str
    name: str
    key: KeyPath
    header: Header = NO_HEADER

    def read(self, site: Site) -> NDArray[Any] | None:
        """Return the array as stored, or note how the file is damaged."""
        import numpy as np

        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.name}.npy") as member:
                array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        except (*Damaged, ValueError) as error:
            site.faults.add("SN520", f"array `{self.name}` of `{self.file}` is damaged: {error}", *self.key)
            return None
        return array

    def labels(self, site: Site) -> Counter[int] | None:
        """Return how often each value occurs, for whole numbers, one a row, without NumPy."""
        from array import array

        code = {"i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q"}
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.name}.npy") as member:
                read_header(member)
                values = array(code[self.header.type], member.read())
        except (*Damaged, ValueError) as error:
            site.faults.add("SN520", f"array `{self.name}` of `{self.file}` is damaged: {error}", *self.key)
            return None
        if self.header.swapped:
            values.byteswap()
        return Counter(values)


def open_arrays(place: Place, names: Sequence[tuple[str, KeyPath]]) -> list[NpzArray] | None:
    """Return the named arrays of a file, their headers read, or note what is wrong with them."""
    path, file, file_key, site = place.path, place.name, place.key, place.site
    before = len(site.faults.found)
    arrays: list[NpzArray] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            for name, key in names:
                if name in members:
                    arrays += _open_array(NpzArray(path, file, name, key), archive, members[name], site)
                    continue
                near = closest(name, members)
                cure = f"did you mean `{near}`?" if near else f"it has {listed(sorted(members))}"
                site.faults.add("SN521", f"`{file}` has no array `{name}`", *key, help=cure)
    except Damaged as error:
        message = f"`{file}` is no sound npz file: {error}"
        site.faults.add("SN520", message, *file_key, help=_instead(path))
    return arrays if len(site.faults.found) == before else None


def _open_array(
    array: NpzArray, archive: zipfile.ZipFile, info: zipfile.ZipInfo, site: Site
) -> list[NpzArray]:
    what = f"array `{array.name}` of `{array.file}`"
    try:
        with archive.open(info) as member:
            array.header = read_header(member)
    except HeaderError as error:
        site.faults.add("SN522", f"{what} cannot be read: {error}", *array.key)
        return []
    except Damaged as error:
        site.faults.add("SN520", f"{what} is damaged: {error}", *array.key)
        return []
    _check(array, info, site)
    return [array]


def _instead(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(6)
    if start == b"\x93NUMPY":
        return "it is a single array (.npy); join inputs and targets with numpy.savez"
    return None


def _check(array: NpzArray, info: zipfile.ZipInfo, site: Site) -> None:
    """Refuse an array that is no numbers, or claims more than its file can hold."""
    header, faults = array.header, site.faults
    shape = " x ".join(map(str, header.shape)) or "no axes"
    what = f"array `{array.name}` of `{array.file}`"
    if header.type[0] not in "buif":
        kind = {"O": "pickled objects", "c": "complex numbers", "U": "text", "S": "text"}.get(header.type[0])
        message = f"{what} holds {kind or 'elements of type ' + header.type}, not numbers"
        cure = "specnet never reads pickles" if header.type[0] == "O" else None
        faults.add("SN522", message, *array.key, help=cure)
    elif not header.shape:
        faults.add("SN522", f"{what} is a single number, not rows", *array.key)
    elif not prod(header.shape):
        faults.add("SN543", f"{what} holds no elements: its shape is {shape}", *array.key)
    elif header.bytes + header.size != info.file_size or info.file_size > info.compress_size * RATIO + RATIO:
        message = f"{what} is cut off: its header tells of {shape} elements"
        faults.add("SN520", message, *array.key)
    else:
        there = memory()
        if there is not None and header.bytes > there:
            message = f"{what} holds {header.bytes / 2**30:.1f} GiB, of the machine's {there / 2**30:.1f} GiB"
            faults.add("SN570", message, *array.key)


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
