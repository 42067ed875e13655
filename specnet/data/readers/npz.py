from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from specnet.data.files import Place, Site
from specnet.data.reader import FilePath, Load, Reader
from specnet.vocabulary.kind import Table, fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.arrays.source import ArraySource

ArrayName = Annotated[str, Field(min_length=1)]


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
    """The name of the array of targets (rows, ...); `inputs` for the inputs themselves, as their transforms
    leave them, whatever the file holds."""
    load: Load = "auto"
    """Whether all rows are read before the training (`whole`), or those of a batch when it is its turn
    (`batches`), for data of any size; it comes to the same, bit for bit. Arrays must not be compressed for it:
    `numpy.savez` does not. `auto` is `whole` where the arrays and the numbers made of them take up to half of
    the machine's memory, or are compressed."""
    validation: NpzRows | None = None
    """The rows that the training is judged by while it runs."""
    test: NpzRows | None = None
    """The rows that the finished model is tested on."""

    def open(self, site: Site) -> ArraySource | None:
        """Return the arrays, their headers read."""
        from specnet.data.arrays.npz import open_npz

        return open_npz(self, site)

    def raw_inputs(self, path: Path, site: Site) -> NDArray[Any] | None:
        """Return the array of inputs in a file."""
        from specnet.data.arrays.npz_file import open_arrays

        arrays = open_arrays(Place(path, path.name, (), site), [(self.inputs, ())])
        return None if arrays is None else arrays[0].read(site)
