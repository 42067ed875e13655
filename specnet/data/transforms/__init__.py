from __future__ import annotations

from typing import Any

from specnet.data.transform import Transform, TransformError
from specnet.vocabulary.kind import Family

TRANSFORMS: Family[Transform] = Family(
    "transform",
    __name__,
    {
        "standardize": "statistics.Standardize",
        "minmax": "statistics.MinMax",
        "scale": "fixed.Scale",
        "flatten": "fixed.FlattenTransform",
        "reshape": "fixed.ReshapeTransform",
        "one_hot": "fixed.OneHot",
    },
)

__all__ = [
    "TRANSFORMS",
    "Transform",
    "TransformError",
]


def __getattr__(name: str) -> Any:
    """Return a kind's class, imported when it is first asked for."""
    return TRANSFORMS.exported(name)
