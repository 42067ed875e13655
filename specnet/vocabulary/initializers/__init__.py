"""Where parameters start."""

from __future__ import annotations

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
        "glorot_uniform": "scaled.GlorotUniform",
        "glorot_normal": "scaled.GlorotNormal",
        "he_uniform": "scaled.HeUniform",
        "he_normal": "scaled.HeNormal",
        "lecun_uniform": "scaled.LecunUniform",
        "lecun_normal": "scaled.LecunNormal",
        "orthogonal": "matrices.Orthogonal",
        "identity": "matrices.Identity",
    },
)

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "fans",
]

__getattr__ = INITIALIZERS.exported
