from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from pydantic import PositiveInt, model_validator

from specnet.data.transform import Finite, Shape, Transform, Unfit
from specnet.vocabulary.kind import fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.transform import State

    Array = NDArray[Any]


class Scale(Transform):
    """Multiply and shift by fixed numbers: y = x · factor + offset; 1/255 suits the bytes of an image."""

    type: Literal["scale"] = "scale"
    factor: Finite = 1.0
    """What every element is multiplied by; not 0."""
    offset: Finite = 0.0
    """What is then added to it."""

    @model_validator(mode="after")
    def _keep(self) -> Scale:
        if self.factor == 0:
            message = "a `factor` of 0 would make every element the same"
            raise fault(message, key="factor")
        return self

    def apply(self, array: Array, state: State) -> Array:
        """Return x · factor + offset."""
        del state
        return array * self.factor + self.offset

    def overwrite(self, array: Array, state: State) -> Array:
        """Return the same where x was."""
        del state
        array *= self.factor
        array += self.offset
        return array

    def invert(self, array: Array, state: State) -> Array:
        """Return (y - offset) / factor."""
        del state
        return (array - self.offset) / self.factor

    def affine(self, state: State) -> tuple[Array, Array] | None:
        """Return (factor, offset)."""
        import numpy as np

        del state
        return np.asarray(self.factor), np.asarray(self.offset)


class _Arrange(Transform):
    def affine(self, state: State) -> tuple[Array, Array] | None:
        """Return (1, 0): the values stay as they are."""
        import numpy as np

        del state
        return np.ones(()), np.zeros(())


class Flatten(_Arrange):
    """Lay the elements of an example in one row, the last axis fastest: (a, b, c) becomes (a·b·c,)."""

    type: Literal["flatten"] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        """Return (product of the shape,)."""
        return (prod(shape),)

    def fit_blocks(self, blocks: Iterable[Array]) -> State:
        """Return `shape`, the shape of one example, for `invert`."""
        return _example_shape(blocks)

    def apply(self, array: Array, state: State) -> Array:
        """Return the rows as (rows, elements)."""
        del state
        return array.reshape(len(array), prod(array.shape[1:]))

    def invert(self, array: Array, state: State) -> Array:
        """Return the rows in the shape that the data had."""
        return array.reshape(len(array), *state["shape"].tolist())


class Reshape(_Arrange):
    """Arrange the elements of an example in another shape, the last axis fastest."""

    type: Literal["reshape"] = "reshape"
    shape: tuple[int, ...]
    """The new shape of one example, without the batch axis; one entry may be -1, for whatever is left."""

    @model_validator(mode="after")
    def _sizes(self) -> Reshape:
        for i, size in enumerate(self.shape):
            if size < -1 or size == 0:
                message = f"an axis needs a size of at least 1 (or -1, for whatever is left), not {size}"
                raise fault(message, key=("shape", i))
        if self.shape.count(-1) > 1:
            message = "only one axis may be -1, for whatever is left"
            raise fault(message, key="shape")
        return self

    def output_shape(self, shape: Shape) -> Shape:
        """Return the new shape, its -1 worked out; raise Unfit if the elements don't fill it."""
        size, known = prod(shape), prod(n for n in self.shape if n != -1)
        if size != known and (-1 not in self.shape or size % known or size == 0):
            message = f"{size} elements, of shape {list(shape)}, do not fill the shape {list(self.shape)}"
            raise Unfit(message, "shape")
        return tuple(size // known if n == -1 else n for n in self.shape)

    def fit_blocks(self, blocks: Iterable[Array]) -> State:
        """Return `shape`, the shape that examples had, for `invert`."""
        return _example_shape(blocks)

    def apply(self, array: Array, state: State) -> Array:
        """Return the rows in the new shape."""
        del state
        return array.reshape(len(array), *self.output_shape(array.shape[1:]))

    def invert(self, array: Array, state: State) -> Array:
        """Return the rows in the shape that the data had."""
        return array.reshape(len(array), *state["shape"].tolist())


class OneHot(Transform):
    """Turn each index into a row of zeros with a one at the index: shape (...) becomes (..., classes)."""

    type: Literal["one_hot"] = "one_hot"
    classes: PositiveInt
    """How many indices there are; every value must be a whole number from 0 to one less."""

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape with an axis of `classes` elements after its last."""
        return (*shape, self.classes)

    def apply(self, array: Array, state: State) -> Array:
        """Return float64 zeros and ones; raise Unfit if a value is no index."""
        import numpy as np

        del state
        index = array.astype(np.intp)
        wrong = (index != array) | (index < 0) | (index >= self.classes)
        if wrong.any():
            first = np.argwhere(wrong)[0]
            message = f"{array[tuple(first)]:g} is not a whole number from 0 to {self.classes - 1}"
            raise Unfit(message, "classes", row=int(first[0]))
        return np.asarray(np.arange(self.classes) == index[..., np.newaxis], dtype=np.float64)

    def invert(self, array: Array, state: State) -> Array:
        """Return the index of the largest element along the last axis."""
        del state
        index: Array = array.argmax(axis=-1)
        return index

    def affine(self, state: State) -> tuple[Array, Array] | None:
        """Return None: an index is not a quantity."""
        del state
        return None


def _example_shape(blocks: Iterable[Array]) -> State:
    import numpy as np

    for block in blocks:
        return {"shape": np.array(block.shape[1:], dtype=np.int64)}
    return {}
