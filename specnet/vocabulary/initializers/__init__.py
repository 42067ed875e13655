"""Where parameters start."""

from specnet.vocabulary.initializers.drawn import Normal, TruncatedNormal, Uniform
from specnet.vocabulary.initializers.given import Constant, Ones, Zeros
from specnet.vocabulary.initializers.initializer import INITIALIZERS, Initializer, fans
from specnet.vocabulary.initializers.matrices import Identity, Orthogonal
from specnet.vocabulary.initializers.scaled import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
)

INITIALIZERS.add(
    Zeros,
    Ones,
    Constant,
    Uniform,
    Normal,
    TruncatedNormal,
    GlorotUniform,
    GlorotNormal,
    HeUniform,
    HeNormal,
    LecunUniform,
    LecunNormal,
    Orthogonal,
    Identity,
)

__all__ = [
    "INITIALIZERS",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Normal",
    "Ones",
    "Orthogonal",
    "TruncatedNormal",
    "Uniform",
    "Zeros",
    "fans",
]
