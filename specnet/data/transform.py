from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from specnet.vocabulary.kind import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    State = dict[str, NDArray[Any]]

Shape = tuple[int, ...]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Unfit(ValueError):  # noqa: N818 - a finding about a document, always turned into a diagnostic
    """A transform cannot be applied to the shape or the values that reach it.

    `row` is where the value stands among the rows, and `place` where the transform stands in the document's
    list, once the pipeline that applies it has filled it in.
    """

    def __init__(self, message: str, key: str | None = None, help: str | None = None, row: int = 0) -> None:  # noqa: A002
        super().__init__(message)
        self.key = key
        self.help = help
        self.place = 0
        self.row = row


class Transform(Kind):
    """A step from the numbers of a file to the numbers that a model sees.

    What it must know of the data (`fit`) comes from the training split alone and is stored with the model.
    Arrays are (rows, ...); arithmetic is in float64, whatever the document's `dtype`.
    """

    on: Literal["inputs", "targets"] = "inputs"
    """Whether the inputs or the targets go through it."""

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of one example after the transform; raise Unfit if it cannot take this one."""
        return shape

    def fit(self, array: Array) -> State:
        """Return what the transform must know of the training split (rows, ...)."""
        return self.fit_blocks([array])

    def fit_blocks(self, blocks: Iterable[Array]) -> State:
        """Return the same as `fit` for an array that comes in blocks of rows, so that it need not be held."""
        del blocks
        return {}

    @property
    def fitted(self) -> bool:
        """Whether the transform learns anything from the data."""
        return type(self).fit_blocks is not Transform.fit_blocks

    def apply(self, array: Array, state: State) -> Array:
        """Return the transformed rows; raise Unfit if a value cannot be taken."""
        raise NotImplementedError

    def overwrite(self, array: Array, state: State) -> Array:
        """Return what `apply` returns for float64 numbers, which may be written over for it."""
        return self.apply(array, state)

    def invert(self, array: Array, state: State) -> Array:
        """Return the rows that `apply` would turn into these, as far as the transform keeps them apart."""
        raise NotImplementedError

    def affine(self, state: State) -> tuple[Array, Array] | None:
        """Return (scale, offset) with apply(x) = x · scale + offset for each element; None if it isn't so."""
        raise NotImplementedError
