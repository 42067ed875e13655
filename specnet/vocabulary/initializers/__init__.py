"""Where parameters start."""

from __future__ import annotations

from typing import Any

from specnet.vocabulary.initializers.initializer import Initializer, fans
from specnet.vocabulary.kind import Family

INITIALIZERS: Family[Initializer] = Family(
    "initializer",
    __name__,
    {
        "zeros": "given.Zeros",
        "ones": "given.Ones",
        "constant": "given.ConstantInitializer",
        "uniform": "drawn.Uniform",
        "normal": "drawn.Normal",
        "truncated_normal": "drawn.TruncatedNormal",
        "glorot_uniform": "glorot.GlorotUniform",
        "glorot_normal": "glorot.GlorotNormal",
        "he_uniform": "he.HeUniform",
        "he_normal": "he.HeNormal",
        "lecun_uniform": "lecun.LecunUniform",
        "lecun_normal": "lecun.LecunNormal",
        "orthogonal": "matrices.Orthogonal",
        "identity": "matrices.Identity",
    },
)

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "fans",
]


def __getattr__(name: str) -> Any:
    """Return a kind's class, imported when it is first asked for."""
    return INITIALIZERS.exported(name)
