from __future__ import annotations

from typing import Any

from specnet.vocabulary.kind import Family
from specnet.vocabulary.layers.layer import Layer

LAYERS: Family[Layer] = Family(
    "layer",
    __name__,
    {
        "dense": "dense.Dense",
        "activation": "basic.Activation",
        "dropout": "basic.Dropout",
        "flatten": "shaping.Flatten",
        "reshape": "shaping.Reshape",
        "add": "merging.Add",
        "subtract": "merging.Subtract",
        "multiply": "merging.Multiply",
        "average": "merging.Average",
        "maximum": "merging.Maximum",
        "minimum": "merging.Minimum",
        "concat": "merging.Concat",
        "dot": "merging.Dot",
        "sequential": "containers.Sequential",
        "residual": "containers.Residual",
        "parallel": "containers.Parallel",
    },
)

__all__ = [
    "LAYERS",
    "Layer",
]


def __getattr__(name: str) -> Any:
    """Return a kind's class, imported when it is first asked for."""
    return LAYERS.exported(name)
