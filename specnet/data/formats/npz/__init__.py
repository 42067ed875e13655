from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from specnet.data.files import DataContext, FilePlace
from specnet.data.format import DataFormat, FilePath, Load
from specnet.data.joining import joined
from specnet.data.new_rows import LabelledRows
from specnet.data.rows import ArrayRows
from specnet.vocabulary.kind import Table, fault, table_check

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.arrays.source import ArraySource, Pair, StoredInputs
    from specnet.data.arrays.stored import StoredArray
    from specnet.data.new_rows import KnownRows, RowBlock, RowFile
    from specnet.data.signature import DataDescription
    from specnet.data.split_keys import SplitKeys
    from specnet.diagnostics import KeyPath

ArrayName = Annotated[str, Field(min_length=1)]
ArrayNames = Annotated[tuple[ArrayName, ...], Field(min_length=1)]

Names = str | tuple[str, ...]
"""The array of inputs, or several that are laid side by side."""


class NpzRows(Table):
    """Separate arrays; keys that are left out are as for the training rows."""

    path: FilePath | None = Field(default=None, examples=["test.npz"])
    """The file; by default that of the training rows."""
    inputs: ArrayName | ArrayNames | None = Field(default=None, examples=["test_inputs"])
    """The name of the array of inputs; as many names, of arrays of the same shapes, as the training rows have."""
    targets: ArrayName | None = Field(default=None, examples=["test_targets"])
    """The name of the array of targets."""
    weight: ArrayName | None = Field(default=None, examples=["test_weights"])
    """The name of the array of sample weights, if the training rows have one."""

    @table_check()
    def _apart(self) -> Iterator[PydanticCustomError]:
        if self.path is None and self.inputs is None and self.targets is None:
            message = "name a `path`, or the arrays `inputs` and `targets` of the training rows' file"
            yield fault(message)


class Npz(DataFormat):
    """Arrays in a NumPy .npz file: numbers only, one row per example.

    Whole-number targets from 0, one per row, can serve as class indices, whatever their type: 0.0 and 1.0, or booleans,
    too. So can the values of a mask, one for each place where the last layer gives a value for each class. Pickled
    objects are never read.
    """

    type: Literal["npz"] = "npz"
    path: FilePath = Field(examples=["arrays.npz"])
    """The file; relative to the document, then to $SPECNET_DATA."""
    inputs: ArrayName | ArrayNames = "inputs"
    """The name of the array of inputs (rows, ...); or a list of names, whose rows are flattened and concatenated.
    `[inputs.NAME]` with `array` selects one of them in its own shape."""
    targets: ArrayName = "targets"
    """The name of the array of targets (rows, ...); `inputs` means the transformed inputs, even if the file has an
    array of that name."""
    weight: ArrayName | None = Field(default=None, examples=["weights"])
    """The name of the array of sample weights (rows,), numbers of at least 0: how much each row counts in the loss, in
    all metrics and in the verdict; by default all rows count alike."""
    load: Load = "auto"
    """Whether all rows are read before the training (`whole`), or batch by batch (`batches`), for data of any size;
    the result is the same, bit for bit. `batches` requires arrays that are not compressed, as `numpy.savez` writes
    them. `auto` is `whole` if the arrays and the numbers made of them take up to half of the machine's memory, or
    are compressed."""
    validation: NpzRows | None = None
    """The rows to validate on during training."""
    test: NpzRows | None = None
    """The rows to test the finished model on."""

    weights_apart: ClassVar[bool] = False
    has_keys: ClassVar[bool] = True
    suffixes: ClassVar[tuple[str, ...] | None] = (".npz",)

    @table_check(each="inputs")
    def _named_once(self, index: int, name: str) -> Iterator[PydanticCustomError]:
        if name in self.inputs[:index]:
            yield fault(f"`{name}` is named twice", key=("inputs", index))

    @table_check()
    def _validation_has_as_many(self) -> Iterator[PydanticCustomError]:
        return self._as_many("validation", self.validation)

    @table_check()
    def _test_has_as_many(self) -> Iterator[PydanticCustomError]:
        return self._as_many("test", self.test)

    def _as_many(self, split: str, table: NpzRows | None) -> Iterator[PydanticCustomError]:
        if table is None or table.inputs is None:
            return
        own = None if isinstance(self.inputs, str) else self.inputs
        theirs = None if isinstance(table.inputs, str) else table.inputs
        if (own is None) != (theirs is None) or (own and theirs and len(own) != len(theirs)):
            message = "the training rows have " + (
                f"{len(own)} arrays of inputs" if own else "one array of inputs"
            )
            yield fault(message, key=(split, "inputs"), help="name as many, in the same order")

    def same_rows(self, split: str) -> tuple[str, ...] | None:
        """Return the key of the table of a split that names the training's own file and inputs."""
        table = self.tables.get(split)
        same = table and table.path in (None, self.path) and table.inputs in (None, self.inputs)
        return (split,) if same else None

    @property
    def continues(self) -> bool:
        """Whether rows in order are one long stream."""
        return self.split is None

    def open(self, context: DataContext) -> ArraySource:
        """Return the arrays, their headers read."""
        from specnet.data.arrays.pairs import describe_all
        from specnet.data.arrays.source import ArraySource, Pair
        from specnet.data.formats.npz.archive import open_arrays

        pairs: dict[str, Pair] = {}
        with context.collector.together() as faults:
            for name in ("train", *self.tables):
                table = self.tables.get(name)
                key: KeyPath = (name,) if table else ()
                file = table.path if table and table.path else self.path
                with faults.catch():
                    place = FilePlace(context.find(file, *key, "path"), file, (*key, "path"), context)
                    inputs, where = self._named("inputs", table, key)
                    names = _each(inputs, where)
                    if not self.reproduces:
                        names.append(self._named("targets", table, key))
                    if self.weight is not None:
                        names.append(self._named("weight", table, key))
                    arrays = open_arrays(place, names)
                    weights = None if self.weight is None else arrays.pop()
                    targets = None if self.reproduces else arrays.pop()
                    pairs[name] = Pair(_together(inputs, arrays), targets, weights)
            parts = describe_all(pairs, faults)
        if "train" in pairs:
            parts["train"].keys = self._keys(pairs["train"], parts["train"], context)
        _compare(parts, context)
        return ArraySource.of(self.load, pairs, joined(parts, context), context)

    def _keys(self, pair: Pair, part: DataDescription, context: DataContext) -> SplitKeys | None:
        """Return what the arrays say that the rows are split by."""
        if self.split is None or not self.split.keys:
            return None
        from specnet.data.arrays.key_arrays import keys_of_arrays
        from specnet.data.formats.npz.archive import read_keys

        place = FilePlace(context.files[self.path], self.path, ("path",), context)
        arrays = read_keys(place, self.split.keys)
        return keys_of_arrays(arrays, self.split, pair, part, context.collector)

    def _named(self, what: str, table: NpzRows | None, key: KeyPath) -> tuple[Any, KeyPath]:
        """Return the name of an array, or of several, and where the document gives it."""
        own = getattr(table, what) if table else None
        return (own, (*key, what)) if own else (getattr(self, what), (what,))

    def read_array(self, place: FilePlace) -> NDArray[Any]:
        """Return the array of inputs in a file."""
        return _inputs(self.inputs, place)

    def labelled_rows(self, known: KnownRows, place: FilePlace) -> LabelledRows:
        """Return the arrays of inputs and targets in a file."""
        return _labelled(self.inputs, None if self.reproduces else self.targets, place, self.weight)


def new_rows(file: RowFile, path: Path) -> Iterator[RowBlock]:
    """Yield the rows of the array `inputs` in a file, in blocks, for a model that learnt from another format."""
    return file.array_blocks(file.read(lambda place: _inputs("inputs", place), path))


def labelled_rows(data_format: DataFormat, place: FilePlace) -> LabelledRows:
    """Return the arrays `inputs` and `targets` in a file, for a model that learnt from another format.

    Where that had sample weights, the file has some, too, in the array `weights`.
    """
    weight = None if getattr(data_format, "weight", None) is None else "weights"
    return _labelled("inputs", None if data_format.reproduces else "targets", place, weight)


def _labelled(
    inputs: Names, targets: str | None, place: FilePlace, weight: str | None = None
) -> LabelledRows:
    from specnet.data.arrays.pairs import check_one_per_row
    from specnet.data.formats.npz.archive import open_arrays

    y, w = None, None
    if targets is not None:
        (stored,) = open_arrays(place, [(targets, ())])
        y = stored.read()
    if weight is not None:
        (stored,) = open_arrays(place, [(weight, ())])
        check_one_per_row(stored, _together(inputs, open_arrays(place, _each(inputs, ()))))
        w = stored.read().reshape(-1)
    return LabelledRows(ArrayRows(_inputs(inputs, place)), y, w)


def _inputs(names: Names, place: FilePlace) -> NDArray[Any]:
    """Return the inputs of these names in a file; raise SpecError for what is wrong with them."""
    from specnet.data.formats.npz.archive import open_arrays

    return _together(names, open_arrays(place, _each(names, ()))).read()


def _each(names: Names, key: KeyPath) -> list[tuple[str, KeyPath]]:
    """Return each array of inputs by its name, and where it is given; without a key, they are given nowhere."""
    if isinstance(names, str):
        return [(names, key)]
    return [(name, (*key, i) if key else ()) for i, name in enumerate(names)]


def _together(names: Names, arrays: Sequence[StoredArray]) -> StoredInputs:
    """Return the array of inputs, or several side by side."""
    from specnet.data.arrays.side_by_side import SideBySide

    return arrays[0] if isinstance(names, str) else SideBySide.of(names, arrays)


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
