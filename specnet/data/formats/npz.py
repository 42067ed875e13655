from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from specnet.data.files import DataContext, FilePlace
from specnet.data.format import DataFormat, FilePath, Load
from specnet.data.new_rows import LabelledRows
from specnet.vocabulary.kind import Table, fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.arrays.source import ArraySource
    from specnet.data.new_rows import KnownRows, RowBlock, RowFile

ArrayName = Annotated[str, Field(min_length=1)]
ArrayNames = Annotated[tuple[ArrayName, ...], Field(min_length=1)]


class NpzRows(Table):
    """Separate arrays; keys that are left out are as for the training rows."""

    path: FilePath | None = None
    """The file; by default that of the training rows."""
    inputs: ArrayName | ArrayNames | None = None
    """The name of the array of inputs; as many names, of arrays of the same shapes, as the training rows have."""
    targets: ArrayName | None = None
    """The name of the array of targets."""

    @model_validator(mode="after")
    def _apart(self) -> NpzRows:
        if self.path is None and self.inputs is None and self.targets is None:
            message = "name a `path`, or the arrays `inputs` and `targets` of the training rows' file"
            raise fault(message)
        return self


class Npz(DataFormat):
    """Arrays in a NumPy .npz file: numbers only, one row per example.

    Whole-number targets, one per row, can serve as class indices. Pickled objects are never read.
    """

    type: Literal["npz"] = "npz"
    path: FilePath
    """The file; relative to the document, then to $SPECNET_DATA."""
    inputs: ArrayName | ArrayNames = "inputs"
    """The name of the array of inputs (rows, ...); or a list of names, whose rows are flattened and concatenated.
    `[inputs.NAME]` with `array` selects one of them in its own shape."""
    targets: ArrayName = "targets"
    """The name of the array of targets (rows, ...); `inputs` means the transformed inputs, even if the file has an
    array of that name."""
    load: Load = "auto"
    """Whether all rows are read before the training (`whole`), or batch by batch (`batches`), for data of any size;
    the result is the same, bit for bit. `batches` requires arrays that are not compressed, as `numpy.savez` writes
    them. `auto` is `whole` if the arrays and the numbers made of them take up to half of the machine's memory, or
    are compressed."""
    validation: NpzRows | None = None
    """The rows to validate on during training."""
    test: NpzRows | None = None
    """The rows to test the finished model on."""

    suffixes: ClassVar[tuple[str, ...] | None] = (".npz",)

    def open(self, context: DataContext) -> ArraySource | None:
        """Return the arrays, their headers read."""
        from specnet.data.arrays.npz import open_npz

        return open_npz(self, context)

    def read_array(self, place: FilePlace) -> NDArray[Any]:
        """Return the array of inputs in a file."""
        return _inputs(self.inputs, place)

    def labelled_rows(self, known: KnownRows, place: FilePlace) -> LabelledRows:
        """Return the arrays of inputs and targets in a file."""
        return _labelled(self.inputs, None if self.reproduces else self.targets, place)

    @model_validator(mode="after")
    def _as_many(self) -> Npz:
        own = None if isinstance(self.inputs, str) else self.inputs
        for i, name in enumerate(own or ()):
            if name in self.inputs[:i]:
                message = f"`{name}` is named twice"
                raise fault(message, key=("inputs", i))
        for split, table in self.tables.items():
            if table.inputs is None:
                continue
            theirs = None if isinstance(table.inputs, str) else table.inputs
            if (own is None) != (theirs is None) or (own and theirs and len(own) != len(theirs)):
                message = "the training rows have " + (
                    f"{len(own)} arrays of inputs" if own else "one array of inputs"
                )
                raise fault(message, key=(split, "inputs"), help="name as many, in the same order")
        return self


def new_rows(file: RowFile, path: Path) -> Iterator[RowBlock]:
    """Yield the rows of the array `inputs` in a file, in blocks, for a model that learnt from another format."""
    return file.array_blocks(file.read(lambda place: _inputs("inputs", place), path))


def labelled_rows(data_format: DataFormat, place: FilePlace) -> LabelledRows:
    """Return the arrays `inputs` and `targets` in a file, for a model that learnt from another format."""
    return _labelled("inputs", None if data_format.reproduces else "targets", place)


def _labelled(inputs: str | tuple[str, ...], targets: str | None, place: FilePlace) -> LabelledRows:
    from specnet.data.arrays.npz_file import open_arrays
    from specnet.data.rows import ArrayRows

    context = place.context
    found = open_arrays(place, [] if targets is None else [(targets, ())])
    context.collector.check()
    assert found is not None
    y = None if targets is None else found[0].read(context)
    x = _inputs(inputs, place)
    return LabelledRows(ArrayRows(x), y)


def _inputs(names: str | tuple[str, ...], place: FilePlace) -> NDArray[Any]:
    from specnet.data.arrays.npz import read_inputs

    array = read_inputs(names, place)
    place.context.collector.check()
    assert array is not None
    return array
