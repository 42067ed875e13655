from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from specnet.data.files import DataContext, FilePlace
from specnet.data.format import DataFormat, FilePath, Load
from specnet.vocabulary.kind import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.arrays.source import ArraySource


class IdxRows(Table):
    """Two separate idx files."""

    inputs: FilePath = Field(examples=["t10k-images-idx3-ubyte.gz"])
    """The file of inputs, plain or .gz."""
    targets: FilePath | None = Field(default=None, examples=["t10k-labels-idx1-ubyte.gz"])
    """The file of targets, plain or .gz; left out if the targets are the inputs."""
    weight: FilePath | None = Field(default=None, examples=["t10k-weights-idx1-float.gz"])
    """The file of sample weights, plain or .gz, if the training rows have one."""


class Idx(DataFormat):
    """Arrays in idx files, plain or gzip-compressed, the format of MNIST and Fashion-MNIST.

    The format is Y. LeCun's: two zero bytes, a byte for the element type, a byte for the number of axes, the
    size of each axis as a big-endian 32-bit number, then the elements, the last axis fastest. Images of
    28 x 28 bytes become inputs of shape (28, 28) with numbers from 0 to 255.
    """

    type: Literal["idx"] = "idx"
    inputs: FilePath = Field(examples=["images-idx3-ubyte.gz"])
    """The file of inputs, plain or .gz; relative to the document, then to $SPECNET_DATA."""
    targets: FilePath = Field(examples=["labels-idx1-ubyte.gz"])
    """The file of targets, plain or .gz, with the same number of rows; or `inputs` for the transformed inputs."""
    weight: FilePath | None = Field(default=None, examples=["weights-idx1-float.gz"])
    """The file of sample weights (rows,), plain or .gz, numbers of at least 0: how much each row counts in the loss, in
    all metrics and in the verdict; by default all rows count alike."""
    load: Load = "auto"
    """Whether all rows are read before the training (`whole`), or batch by batch (`batches`), for data of any size;
    the result is the same, bit for bit. `batches` requires files that are not .gz. `auto` is `whole` if the files
    and the numbers made of them take up to half of the machine's memory, or are .gz."""
    validation: IdxRows | None = None
    """Files of the rows to validate on during training."""
    test: IdxRows | None = None
    """Files of the rows to test the finished model on."""

    suffixes: ClassVar[tuple[str, ...] | None] = None

    def same_rows(self, split: str) -> tuple[str, ...] | None:
        """Return the key at which the table of a split names the training's own inputs."""
        return self.same_value(split, "inputs")

    def open(self, context: DataContext) -> ArraySource:
        """Return the files, their headers read."""
        from specnet.data.arrays.pairs import open_pairs
        from specnet.data.formats.idx.file import open_file

        tables = {"train": self, **self.tables}
        return open_pairs(self.load, tables, context, open_file, reproduces=self.reproduces)

    def read_array(self, place: FilePlace) -> NDArray[Any]:
        """Return the array in one file."""
        from specnet.data.formats.idx.file import open_file

        return open_file(place).read()
