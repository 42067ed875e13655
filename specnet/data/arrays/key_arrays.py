"""Arrays by which rows are split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.split_keys import KeyColumn, SplitKeys, coded_array, split_keys
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from specnet.data.arrays.source import Pair
    from specnet.data.collector import Collector
    from specnet.data.signature import DataDescription
    from specnet.data.splits import SplitSpec


def keys_of_arrays(
    arrays: Mapping[str, tuple[str, NDArray[Any]]],
    split: SplitSpec,
    pair: Pair,
    part: DataDescription,
    collector: Collector,
) -> SplitKeys:
    """Return what arrays say, each given with what a message calls it; raise SpecError where they do not fit.

    `pair` and `part` are the inputs and targets that they split, and their description.
    """
    rows, columns = part.rows["train"], {}
    with collector.together() as faults:
        for key, (what, array) in arrays.items():
            if array.ndim != 1 or len(array) != rows:
                shape = " x ".join(map(str, array.shape)) or "one value"
                message = f"{what} is {shape}: it needs one value for each of the {counted(rows, 'row')}"
                faults.add("SN542", message, "split", key)
                continue
            columns[key] = _column(array, what, quotable=part.quotable)

    def classes() -> NDArray[np.int64] | None:
        if part.class_count is None or pair.targets is None:
            return None
        return pair.targets.read().astype(np.int64)

    return split_keys(columns, split, classes, collector)


def _column(array: NDArray[Any], what: str, *, quotable: bool) -> KeyColumn:
    return coded_array(array, what)._replace(quotable=quotable)
