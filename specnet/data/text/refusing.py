from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specnet.data.collector import Collector
    from specnet.data.format import DataFormat


def refuse_numbers(data_format: DataFormat, faults: Collector) -> None:
    """Note what a document would calculate with indices of tokens."""
    for key, code in (("transforms", "SN560"), ("augmentations", "SN580")):
        if getattr(data_format, key):
            message = "the inputs are indices of tokens, which are not numbers to calculate with"
            faults.add(code, message, key, part="key", help="an `embedding` takes them as they are")
