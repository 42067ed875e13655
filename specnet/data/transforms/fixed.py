from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.data.transform import Finite, Transform, TransformError
from specnet.graph import ops
from specnet.graph.sizes import at, joined
from specnet.vocabulary.kind import fault, table_check

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import Fitted, State
    from specnet.graph.graph import Value

    Array = NDArray[Any]


class Scale(Transform):
    """Multiply and shift by fixed numbers: y = x · factor + offset; for the bytes of an image, 1/255."""

    type: Literal["scale"] = "scale"
    order_kept: ClassVar[bool] = True
    factor: Finite = Field(default=1.0, examples=[0.0625])
    """The factor of every element; not 0."""
    offset: Finite = Field(default=0.0, examples=[-1.0])
    """The number added after multiplying."""

    @table_check()
    def _keep(self) -> Iterator[PydanticCustomError]:
        if self.factor == 0:
            message = "a `factor` of 0 would make every element the same"
            yield fault(message, key="factor")

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append x · factor + offset."""
        scaled = x * self.factor
        return scaled + self.offset if self.offset else scaled

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append (y - offset) / factor."""
        return (y - self.offset) / self.factor


class _Arrange(Transform):
    def fit_blocks(self, blocks: Iterable[Array]) -> State:
        """Return `shape`, the shape that examples had, for the way back."""
        import numpy as np

        for block in blocks:
            return {"shape": np.array(block.shape[1:], dtype=np.int64)}
        return {}

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append the rows in the shape that the data had."""
        return ops.reshape(y, shape=(y.shape[0], *fitted.sizes("shape")))


class FlattenTransform(_Arrange):
    """Flatten each example into one row, the last axis fastest: (a, b, c) becomes (a·b·c,)."""

    type: Literal["flatten"] = "flatten"

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append the rows as (rows, elements)."""
        return ops.reshape(x, shape=(x.shape[0], joined(x.shape[1:])))


class ReshapeTransform(_Arrange):
    """Give each example another shape, the last axis fastest."""

    type: Literal["reshape"] = "reshape"
    shape: tuple[int, ...]
    """The new shape of one example, without the batch axis; one size may be -1 and is then inferred."""

    @table_check(each="shape")
    def _size(self, index: int, size: int) -> Iterator[PydanticCustomError]:
        if size < -1 or size == 0:
            message = f"an axis needs a size of at least 1 (or -1, for whatever is left), not {size}"
            yield fault(message, key=("shape", index))

    @table_check()
    def _one_left(self) -> Iterator[PydanticCustomError]:
        if self.shape.count(-1) > 1:
            message = "only one axis may be -1, for whatever is left"
            yield fault(message, key="shape")

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append the rows in the new shape, its -1 worked out; raise TransformError if the elements don't fill it."""
        shape = at(x.shape[1:], 1)
        size, known = prod(shape), prod(n for n in self.shape if n != -1)
        if size != known and (-1 not in self.shape or size % known or size == 0):
            message = f"{size} elements, of shape {list(shape)}, do not fill the shape {list(self.shape)}"
            raise TransformError(message, "shape")
        sizes = (size // known if n == -1 else n for n in self.shape)
        return ops.reshape(x, shape=(x.shape[0], *sizes))


class OneHot(Transform):
    """Turn each index into a row of zeros with a one at the index: shape (...) becomes (..., classes)."""

    type: Literal["one_hot"] = "one_hot"
    classes: PositiveInt
    """The number of indices; every value must be a whole number from 0 to classes - 1."""

    @property
    def becomes(self) -> tuple[Literal["number", "onehot", "index"], int, int]:
        """What a column becomes: an element for each index."""
        return "onehot", self.classes, self.classes

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append zeros and ones, in an axis of `classes` elements after the last."""
        return ops.one_hot(ops.cast(x, to="int64"), classes=self.classes)

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append the index of the largest element along the last axis."""
        return ops.cast(ops.argmax(y, axis=-1), to="float64")

    def check(self, array: Array) -> None:
        """Raise TransformError if a value is no index."""
        import numpy as np

        index = array.astype(np.intp)
        wrong = (index != array) | (index < 0) | (index >= self.classes)
        if wrong.any():
            first = np.argwhere(wrong)[0]
            message = f"{array[tuple(first)]:g} is not a whole number from 0 to {self.classes - 1}"
            raise TransformError(message, "classes", row=int(first[0]))
