from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.data.access import Access
from specnet.data.augmentations import AUGMENTATIONS, Augmentation
from specnet.data.collector import Collector
from specnet.data.files import DataContext
from specnet.data.format import DataFormat, DataSource
from specnet.data.formats import FORMATS
from specnet.data.sample import Cells, Sample
from specnet.data.signature import Signature, infer_signature
from specnet.data.splits import SplitSpec
from specnet.data.transforms import TRANSFORMS, Transform
from specnet.diagnostics import KeyPath

if TYPE_CHECKING:
    from specnet.data.confine import Confine
    from specnet.data.dataset import Dataset, Split, load_data
    from specnet.data.encoding import Encoding

__all__ = [
    "AUGMENTATIONS",
    "FORMATS",
    "TRANSFORMS",
    "Augmentation",
    "Cells",
    "DataFormat",
    "DataSource",
    "Dataset",
    "Encoding",
    "Sample",
    "Signature",
    "Split",
    "SplitSpec",
    "Transform",
    "inspect_data",
    "load_data",
    "open_data",
]


def inspect_data(
    data_format: DataFormat, base: Path, root_path: KeyPath = ("data",), *, confine: Confine | None = None
) -> Signature:
    """Return what a model must know of the data that a format names, without NumPy.

    `base` is the folder that relative paths start from, and `root_path` where in the document the format
    stands. With `confine`, no path may lead out of a folder. Of binary files only the headers and whole-number
    targets are read; of CSV files everything, since any cell can be a new category. Raises SpecError with every
    fault that was found.
    """
    return open_data(data_format, base, root_path, confine=confine)[0]


def open_data(
    data_format: DataFormat, base: Path, root_path: KeyPath = ("data",), *, confine: Confine | None = None
) -> tuple[Signature, DataSource]:
    """Return what `inspect_data` returns, and the opened data, of which samples can be taken without NumPy."""
    collector = Collector(root_path)
    source = data_format.open(DataContext(base, collector, access=Access(base, confine)))
    collector.check()
    assert source is not None
    signature = infer_signature(
        source.description,
        data_format.split,
        data_format.transforms,
        collector,
        reproduces=data_format.reproduces,
    )
    collector.check()
    return signature, source


def __getattr__(name: str) -> Any:
    """Return what needs NumPy, imported when it is first asked for."""
    if name in ("Dataset", "Split", "load_data"):
        from specnet.data import dataset

        return getattr(dataset, name)
    if name == "Encoding":
        from specnet.data.encoding import Encoding

        return Encoding
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
