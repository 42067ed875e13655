"""Results as frames of pandas, for programs that have it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any


def data_frame(columns: Mapping[str, Sequence[Any]], index: str) -> Any:
    """Return columns as a pandas DataFrame, one of them as its index.

    Raises ModuleNotFoundError where pandas is not installed: nothing else needs it.
    """
    pandas: Any = importlib.import_module("pandas")
    return pandas.DataFrame(dict(columns)).set_index(index)
