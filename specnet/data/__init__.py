from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specnet.data.augmentations import AUGMENTATIONS, Augmentation
from specnet.data.format import DataFormat
from specnet.data.formats import FORMATS
from specnet.data.opened import OpenedData, inspect_data, open_data
from specnet.data.sample import Cells, Sample
from specnet.data.signature import Signature
from specnet.data.source import DataSource
from specnet.data.splits import SplitSpec
from specnet.data.transforms import TRANSFORMS, Transform

if TYPE_CHECKING:
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
    "OpenedData",
    "Sample",
    "Signature",
    "Split",
    "SplitSpec",
    "Transform",
    "inspect_data",
    "load_data",
    "open_data",
]


def __getattr__(name: str) -> Any:
    """Return what needs NumPy, imported when it is first asked for."""
    if name in ("Dataset", "Split", "load_data"):
        from specnet.data import dataset

        return getattr(dataset, name)
    if name == "Encoding":
        from specnet.data.encoding import Encoding

        return Encoding
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
