"""Where parameters start."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind

if TYPE_CHECKING:
    import numpy as np

TRUNCATED_STDDEV = 0.87962566103423978
"""The standard deviation of a standard normal variable cut at ±2: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1))."""


PIECE = 1 << 20
"""Numbers that are drawn at once."""


@dataclass(frozen=True, slots=True)
class DrawnValues:
    """How a program makes an array with a generator `rng`, in lines of NumPy."""

    value: str
    """The expression of the array."""
    before: tuple[str, ...] = ()
    """The lines before it."""
    uses: tuple[Callable[..., Any], ...] = ()
    """The functions that these call, by their own names."""


class Initializer(Kind):
    """The initial value of a parameter."""

    of_rows: ClassVar[bool] = False
    """Whether it is computed from rows of the training split: see `RowInitializer`."""

    def fault(self, shape: tuple[int, ...]) -> str | None:
        """Say why it cannot fill an array of this shape, or return None."""
        return None

    @abstractmethod
    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return the values, shaped `shape`, as float64; the parameter rounds them to its own dtype."""

    def fill(self, array: np.ndarray[Any, Any], generator: np.random.Generator) -> None:
        """Put the values into the contiguous memory of a parameter, rounded to its dtype."""
        array[...] = self.draw(array.shape, generator)

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues | None:
        """Return how a program draws the same, within rounding; None where the values themselves say more."""
        return None


class RowInitializer(Initializer):
    """Base of initializers that look at what reaches the parameter's layer, for rows of the training split.

    Layers are initialised in order, so that a layer sees what the initial parameters of those before it make of the
    rows. `draw` gives the values of a model that is made without data.
    """

    of_rows: ClassVar[bool] = True
    field: ClassVar[str]
    """The field of layers that it is for."""
    most_rows: ClassVar[int] = 2048
    """The maximum number of rows that it looks at, chosen at random."""

    @abstractmethod
    def fit(
        self,
        shape: tuple[int, ...],
        generator: np.random.Generator,
        seen: np.ndarray[Any, Any],
        targets: np.ndarray[Any, Any],
    ) -> np.ndarray[Any, Any]:
        """Return the values, shaped `shape`, as float64, given what the layer observes (rows, ...) in float64."""


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs each output of a kernel sums, and how many outputs each input feeds.

    A kernel is (..., in, out) with its receptive field in front, as everywhere in specnet. A vector (n,) has
    n of both, as in Keras.
    """
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = 1
    for dim in shape[:-2]:
        field *= dim
    return field * shape[-2], field * shape[-1]


def fill_in_pieces(
    array: np.ndarray[Any, Any], draw: Callable[[tuple[int, ...]], np.ndarray[Any, Any]]
) -> None:
    """Fill an array with numbers that are drawn one by one: the same as at once, without as many in float64."""
    flat = array.reshape(-1)
    for start in range(0, len(flat), PIECE):
        part = flat[start : start + PIECE]
        part[...] = draw(part.shape)


def written(shape: tuple[int, ...]) -> str:
    """Return a shape as NumPy's functions take it."""
    return str(shape[0]) if len(shape) == 1 else str(shape)


def truncated(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return standard normal numbers between -2 and 2, each drawn again until it is there."""
    import numpy as np

    drawn = generator.standard_normal(shape)
    outside = np.abs(drawn) > 2.0
    while outside.any():
        drawn[outside] = generator.standard_normal(int(outside.sum()))
        outside = np.abs(drawn) > 2.0
    return drawn


INITIALIZERS: Family[Initializer] = Family(
    "initializer",
    Initializer,
    __name__,
    {
        "zeros": "given.Zeros",
        "ones": "given.Ones",
        "constant": "given.ConstantInitializer",
        "uniform": "drawn.Uniform",
        "normal": "drawn.Normal",
        "truncated_normal": "drawn.TruncatedNormal",
        "random_signs": "drawn.RandomSigns",
        "glorot_uniform": "scaled.GlorotUniform",
        "glorot_normal": "scaled.GlorotNormal",
        "he_uniform": "scaled.HeUniform",
        "he_normal": "scaled.HeNormal",
        "lecun_uniform": "scaled.LecunUniform",
        "lecun_normal": "scaled.LecunNormal",
        "orthogonal": "matrices.Orthogonal",
        "identity": "matrices.Identity",
        "unit_variance": "observed.UnitVariance",
        "within_data": "observed.WithinData",
    },
)

__getattr__ = INITIALIZERS.exported
