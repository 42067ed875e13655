from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from specnet.data.files import FilePlace, Site
from specnet.data.reader import FilePath, Load, Reader
from specnet.vocabulary.kind import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.arrays.source import ArraySource


class NpyRows(Table):
    """Two .npy files with rows of their own."""

    inputs: FilePath
    """The file of inputs."""
    targets: FilePath | None = None
    """The file of targets; left out where the targets are the inputs."""


class Npy(Reader):
    """Arrays in two NumPy .npy files, as `numpy.save` writes them: numbers only, one row an example.

    Whole-number targets, one a row, can serve as class indices. Pickled objects are never read.
    """

    type: Literal["npy"] = "npy"
    inputs: FilePath
    """The file of inputs (rows, ...); relative to the document, then to $SPECNET_DATA."""
    targets: FilePath
    """The file of targets (rows, ...), with as many rows; or `inputs` for the inputs themselves, as their
    transforms leave them."""
    load: Load = "auto"
    """Whether all rows are read before the training (`whole`), or those of a batch when it is its turn
    (`batches`), for data of any size; it comes to the same, bit for bit. `auto` is `whole` where the files and
    the numbers made of them take up to half of the machine's memory."""
    validation: NpyRows | None = None
    """Files of the rows that the training is judged by while it runs."""
    test: NpyRows | None = None
    """Files of the rows that the finished model is tested on."""

    def open(self, site: Site) -> ArraySource | None:
        """Return the files, their headers read."""
        from specnet.data.arrays.npy_file import open_npy
        from specnet.data.arrays.pairs import open_pairs

        return open_pairs(self, site, open_npy)

    def raw_inputs(self, path: Path, site: Site) -> NDArray[Any] | None:
        """Return the array in one file."""
        from specnet.data.arrays.npy_file import open_npy

        array = open_npy(FilePlace(path, path.name, (), site))
        return None if array is None else array.read(site)
