"""Transforms of single columns of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Literal

from specnet.data.transform import Transform, TransformError
from specnet.data.transforms import TRANSFORMS
from specnet.graph import ops
from specnet.graph.sizes import joined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import Fitted, State
    from specnet.graph.graph import Value

    Array = NDArray[Any]

Run = tuple[bool, int, int]
"""Elements next to each other: whether they are transformed, the first of them, and one past the last."""


class ColumnTransform(Transform):
    """A transform of some elements of each row, which leaves the others as they are.

    It is made from a transform of a document that is `on` a list of columns, once it is known which elements these are.
    """

    type: Literal["column_transform"]
    """Always given, unlike that of kinds that a document can choose."""
    names: tuple[str, ...]
    """The names of the transformed columns, in the order of their elements."""
    elements: tuple[int, ...]
    """Their elements, by index from 0, ascending."""
    width: int
    """How many elements a row has before the transform."""
    transform: Annotated[Transform, TRANSFORMS]
    """What is done to them."""

    @property
    def each(self) -> int:
        """How many elements one transformed element becomes."""
        made = self.transform.output_shape((len(self.elements),))
        return made[1] if len(made) > 1 else 1

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of elements; raise TransformError where a row is no row of columns any more."""
        if shape != (self.width,):
            message = f"a transform before it has left no columns, but rows of shape {list(shape)}"
            raise TransformError(message, "on", "list it before those that change the shape")
        return (self.width + len(self.elements) * (self.each - 1),)

    def fit_blocks(self, blocks: Iterable[Array]) -> State:
        """Return what the transform learns from its columns."""
        chosen = list(self.elements)
        return self.transform.fit_blocks(block[:, chosen] for block in blocks)

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append the transform of the columns, and put them between the others."""
        return self._replaced(x, self.transform.lower, fitted, 1, self.each)

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append the inverse of the columns, and put them between the others."""
        return self._replaced(y, self.transform.lower_inverse, fitted, self.each, 1)

    def _replaced(self, x: Value, append: Any, fitted: Fitted, before: int, after: int) -> Value:
        """Append a step on the columns alone, with how many elements each has before and after it."""
        parts, place = [], 0
        for chosen, first, end in self._runs():
            size = (end - first) * (before if chosen else 1)
            parts.append((chosen, _part(x, place, place + size)))
            place += size
        taken = ops.concat(*(part for chosen, part in parts if chosen), axis=1)
        if before > 1:
            taken = ops.reshape(taken, shape=(x.shape[0], len(self.elements), before))
        made = append(taken, fitted)
        if made.rank > 2:
            made = ops.reshape(made, shape=(x.shape[0], joined(made.shape[1:])))
        place = 0
        for i, (chosen, first, end) in enumerate(self._runs()):
            if chosen:
                size = (end - first) * after
                parts[i] = chosen, _part(made, place, place + size)
                place += size
        return ops.concat(*(part for _, part in parts), axis=1)

    def _runs(self) -> Iterator[Run]:
        for chosen, places in groupby(range(self.width), set(self.elements).__contains__):
            run = list(places)
            yield chosen, run[0], run[-1] + 1

    @property
    def keeps_order(self) -> bool:
        """Whether the transform of its columns keeps their order."""
        return self.transform.keeps_order

    def check(self, array: Array) -> None:
        """Raise TransformError, with the column's name, for a value that the transform cannot take."""
        for name, element in zip(self.names, self.elements, strict=True):
            try:
                self.transform.check(array[:, [element]])
            except TransformError as error:
                error.args = (f"column `{name}`: {error}",)
                raise

    @property
    def checks(self) -> bool:
        """Whether there are numbers that the transform cannot take."""
        return self.transform.checks


def column_transform(
    transform: Transform, on: Literal["inputs", "targets"], places: dict[str, int], width: int
) -> ColumnTransform:
    """Return a transform of the elements at the places of columns."""
    ordered = sorted(places, key=places.__getitem__)
    return ColumnTransform(
        type="column_transform",
        on=on,
        names=tuple(ordered),
        elements=tuple(places[name] for name in ordered),
        width=width,
        transform=transform,
    )


def _part(x: Value, first: int, end: int) -> Value:
    size = x.shape[1]
    assert isinstance(size, int)
    if (first, end) == (0, size):
        return x
    return ops.crop(x, margins=((0, 0), (first, size - end)))
