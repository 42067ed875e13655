from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specnet.data.augmentations import AUGMENTATIONS, Augmentation
    from specnet.data.dataset import Dataset, Split, load_data
    from specnet.data.encoding import Encoding
    from specnet.data.format import DataFormat
    from specnet.data.formats import FORMATS
    from specnet.data.opened import OpenedData, inspect_data, open_data
    from specnet.data.sample import Cells, Sample
    from specnet.data.signature import Signature
    from specnet.data.source import DataSource
    from specnet.data.splits import SplitSpec
    from specnet.data.transforms import TRANSFORMS, Transform

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


_HOMES = {
    "AUGMENTATIONS": "augmentations",
    "FORMATS": "formats",
    "TRANSFORMS": "transforms",
    "Augmentation": "augmentations",
    "Cells": "sample",
    "DataFormat": "format",
    "DataSource": "source",
    "Dataset": "dataset",
    "Encoding": "encoding",
    "OpenedData": "opened",
    "Sample": "sample",
    "Signature": "signature",
    "Split": "dataset",
    "SplitSpec": "splits",
    "Transform": "transforms",
    "inspect_data": "opened",
    "load_data": "dataset",
    "open_data": "opened",
}
"""The module of each name."""


def __getattr__(name: str) -> Any:
    """Return a part of the package, imported when it is first asked for: what only reads files needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
