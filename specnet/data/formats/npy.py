from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from specnet.data.files import DataContext, FilePlace
from specnet.data.format import DataFormat, FilePath, Load
from specnet.data.opening import open_regular
from specnet.vocabulary.kind import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.arrays.npy_array import NpyArray
    from specnet.data.arrays.source import ArraySource
    from specnet.data.new_rows import RowBlock, RowFile


class NpyRows(Table):
    """Two separate .npy files."""

    inputs: FilePath = Field(examples=["test-inputs.npy"])
    """The file of inputs."""
    targets: FilePath | None = Field(default=None, examples=["test-targets.npy"])
    """The file of targets; left out if the targets are the inputs."""
    weight: FilePath | None = Field(default=None, examples=["test-weights.npy"])
    """The file of sample weights, if the training rows have one."""


class Npy(DataFormat):
    """Arrays in two NumPy .npy files, as `numpy.save` writes them: numbers only, one row per example.

    Whole-number targets from 0, one per row, can serve as class indices, whatever their type: 0.0 and 1.0, or booleans,
    too. So can the values of a mask, one for each place where the last layer gives a value for each class. Pickled
    objects are never read.
    """

    type: Literal["npy"] = "npy"
    inputs: FilePath = Field(examples=["inputs.npy"])
    """The file of inputs (rows, ...); relative to the document, then to $SPECNET_DATA."""
    targets: FilePath = Field(examples=["targets.npy"])
    """The file of targets (rows, ...), with the same number of rows; or `inputs` for the transformed inputs."""
    weight: FilePath | None = Field(default=None, examples=["weights.npy"])
    """The file of sample weights (rows,), numbers of at least 0: how much each row counts in the loss, in all
    metrics and in the verdict; by default all rows count alike."""
    load: Load = "auto"
    """Whether all rows are read before the training (`whole`), or batch by batch (`batches`), for data of any size;
    the result is the same, bit for bit. `auto` is `whole` if the files and the numbers made of them take up to half
    of the machine's memory."""
    validation: NpyRows | None = None
    """Files of the rows to validate on during training."""
    test: NpyRows | None = None
    """Files of the rows to test the finished model on."""

    def same_rows(self, split: str) -> tuple[str, ...] | None:
        """Return the key at which the table of a split names the training's own inputs."""
        return self.same_value(split, "inputs")

    @property
    def continues(self) -> bool:
        """Whether rows in order are one long stream."""
        return self.split is None

    def open(self, context: DataContext) -> ArraySource:
        """Return the files, their headers read."""
        from specnet.data.arrays.pairs import open_pairs

        tables = {"train": self, **self.tables}
        return open_pairs(self.load, tables, context, _open_file, reproduces=self.reproduces)

    def read_array(self, place: FilePlace) -> NDArray[Any]:
        """Return the array in one file."""
        return _open_file(place).read()


def new_rows(file: RowFile, path: Path) -> Iterator[RowBlock]:
    """Yield the rows of the array in a file, which may be larger than the memory, in blocks."""
    import numpy as np

    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise file.error("SN520", f"`{file.name}` is not a valid .npy file: {error}") from None
    return file.array_blocks(array)


def _open_file(place: FilePlace) -> NpyArray:
    """Return the array of a file, its header read; raise SpecError for what is wrong with it."""
    from specnet.data.arrays.npy_array import NpyArray

    with open_regular(place.path) as file:
        start = file.read(6)
    if start != b"\x93NUMPY":
        help = 'it is an npz file: `type = "npz"` reads it' if start[:4] == b"PK\3\4" else None
        message = f"`{place.name}` is not an npy file: it does not start like one"
        raise place.error("SN520", message, help=help)
    return NpyArray.of(place)
