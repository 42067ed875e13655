from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from specnet.data.lowered import lower
from specnet.graph.graph import Value
from specnet.vocabulary.kind import Kind, fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import Fitted, State

    Array = NDArray[Any]

Shape = tuple[int, ...]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class TransformError(ValueError):
    """A transform cannot be applied to the shape or the values that reach it.

    `row` is where the value stands among the rows, and `place` where the transform stands in the document's
    list, once the pipeline that applies it has filled it in.
    """

    def __init__(self, message: str, key: str | None = None, help: str | None = None, row: int = 0) -> None:
        super().__init__(message)
        self.key = key
        self.help = help
        self.place = 0
        self.row = row


class Transform(Kind):
    """A step from the numbers of a file to the numbers that a model sees.

    Its statistics (`fit`) are computed from the training split only and stored with the model.
    `lower` defines its computation, in ops; all ways to run and to export it are derived from that. Values are
    (batch, ...); arithmetic is in float64, whatever the document's `dtype`.
    """

    on: Literal["inputs", "targets"] | tuple[str, ...] = Field(default="inputs", examples=[["price", "area"]])
    """Whether it is applied to the inputs or the targets; or, for a table, to which columns: features or targets, by
    name (by index from 0, as a string, in a file without a header)."""

    order_kept: ClassVar[bool] = False
    """Whether each result follows from one number, ascending or descending with it, and `lower_inverse` leads back."""

    @field_validator("on")
    @classmethod
    def _columns(cls, on: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if isinstance(on, tuple):
            if not on:
                raise fault("`on` lists no column")
            for i, name in enumerate(on):
                if name in on[:i]:
                    raise fault(f"`{name}` is listed twice", key=i)
        return on

    @abstractmethod
    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append the transformed rows; raise TransformError if a shape cannot be taken."""

    @abstractmethod
    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append the rows that `lower` would turn into these, as far as the transform keeps them apart."""

    def check(self, array: Array) -> None:
        """Raise TransformError if a value among the rows (rows, ...) that reach the transform cannot be taken."""

    @property
    def checks(self) -> bool:
        """Whether there are numbers that the transform cannot take."""
        return type(self).check is not Transform.check

    @property
    def columns(self) -> tuple[int, ...] | None:
        """The elements that `fit_blocks` looks at, each by itself, where it takes blocks of these alone as well."""
        return None

    @property
    def keeps_order(self) -> bool:
        """Whether it is `order_kept`; a property, for transforms that are made of others."""
        return self.order_kept

    @property
    def becomes(self) -> tuple[Literal["number", "onehot", "index"], int, int]:
        """What a column of numbers becomes: numbers or a category, how many elements, and of how many categories."""
        return "number", 1, 0

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of one example after the transform; raise TransformError if it cannot take this one."""
        return lower([("", self.lower, None)], shape).shape

    def fit(self, array: Array) -> State:
        """Return what the transform must know of the training split (rows, ...)."""
        return self.fit_blocks([array])

    def fit_blocks(self, blocks: Iterable[Array]) -> State:
        """Return the same as `fit` for an array that comes in blocks of rows, so that it need not be held."""
        return {}
