"""The transforms of a pipeline as one graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from specnet.graph import ops
from specnet.graph.graph import Graph, ShapeFault, Value
from specnet.graph.leaves import CONSTANT, given, leaf, name_of, number
from specnet.graph.sizes import BATCH, Shape, at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    State = dict[str, NDArray[Any]]


Append = Callable[[Value, "Fitted"], Value]
"""What appends a step's ops to the rows that reach it."""

Affine = tuple[Any, Any]
"""The scale and the offset of a value; what does not depend on the rows has the scale 0.0."""

ROWS = "rows"
"""The name of the leaf that holds the rows before the first step."""


class Fitted(dict[str, Value]):
    """What a transform knows of the training split, as leaves of the graph that it is lowered to.

    `state` is None before it is fitted: each value is then a scalar, and shapes follow all the same.
    """

    def __init__(self, graph: Graph, state: State | None, name: str = "") -> None:
        self._graph, self._state, self._name = graph, state, name
        self.leaves: dict[str, Array] = {}
        """The arrays of the leaves that were asked for, by the leaves' names."""

    def __missing__(self, name: str) -> Value:
        """Append the leaf that holds a fitted array."""
        full, shape = f"{self._name}{name}", tuple[int, ...]()
        if self._state is not None:
            import numpy as np

            self.leaves[full] = np.asarray(self._state[name], np.float64, order="C")
            shape = self.leaves[full].shape
        self[name] = leaf(self._graph, full, "constant", shape) if shape else number(self._graph, full)
        return self[name]

    def sizes(self, name: str) -> tuple[int, ...]:
        """Return a fitted shape."""
        assert self._state is not None, "only what is fitted can be inverted"
        return tuple(self._state[name].tolist())


@dataclass(frozen=True, slots=True)
class LoweredPipeline:
    """The steps of a pipeline as a graph in float64."""

    graph: Graph
    values: tuple[Value, ...]
    """The rows before the first step, and after each."""
    fitted: dict[str, Array]
    """What the other leaves hold, by their names: `inputs_0_mean`, say."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example after all steps."""
        return at(self.values[-1].shape[1:], 1)


def lower(steps: Iterable[tuple[str, Append, State | None]], shape: Shape) -> LoweredPipeline:
    """Return the graph of steps over examples of a shape: each with what its leaves' names begin with, and its state.

    The names are valid in Python, since a plan takes fitted numbers as arguments.
    Raises ValueError where what was fitted does not fit the shape.
    """
    graph = Graph("float64")
    values = [leaf(graph, ROWS, "input", (BATCH, *shape))]
    arrays: dict[str, Array] = {}
    for name, append, state in steps:
        fitted = Fitted(graph, state, name)
        try:
            values.append(append(values[-1], fitted))
        except ShapeFault as fault:
            raise ValueError(f"what was fitted does not fit: {fault}") from fault
        arrays |= fitted.leaves
    return LoweredPipeline(graph, tuple(values), arrays)


def arithmetic(lowered: LoweredPipeline) -> list[tuple[str, Array]] | None:
    """Return the operations that the steps are, each with the numbers on its right: one, or as many as a row has.

    They are sums, differences, products and quotients, one after the other. None if there are others.
    """
    import numpy as np

    before = lowered.values[0]
    shape = before.shape
    found: list[tuple[str, Array]] = []
    for value in lowered.graph.values[1:]:
        if given(value) is not None or value.op is CONSTANT:
            continue
        known = value.op in (ops.add, ops.subtract, ops.multiply, ops.divide) and value.shape == shape
        if not known or value.inputs[0] is not before:
            return None
        right = value.inputs[1]
        if given(right) is not None:
            numbers = np.asarray(lowered.fitted[name_of(right)], np.float64)
        elif right.op is CONSTANT and not CONSTANT.of(right).powers:
            numbers = np.array(CONSTANT.of(right).factor)
        else:
            return None
        found.append(
            (value.op.name, numbers if numbers.size == 1 else np.broadcast_to(numbers, at(shape[1:], 1)))
        )
        before = value
    return found if before is lowered.values[-1] else None


def affine(lowered: LoweredPipeline) -> tuple[Array, Array] | None:
    """Return (scale, offset) with result = rows · scale + offset for each element, both shaped like one result.

    The rows are arranged as the result is. None if it isn't so.
    """
    import numpy as np

    shape = at(lowered.values[0].shape, 1)
    known: dict[Value, Affine] = {lowered.values[0]: (np.ones(shape), np.zeros(shape))}
    for value in lowered.graph.values[1:]:
        if given(value) is not None:
            found: Affine | None = 0.0, lowered.fitted[name_of(value)]
        elif value.op is CONSTANT:
            found = 0.0, CONSTANT.of(value).factor
        else:
            found = _affine_of(value, [known[i] for i in value.inputs])
        if found is None:
            return None
        known[value] = found
    scale, offset = known[lowered.values[-1]]
    return scale[0], offset[0]


def _affine_of(value: Value, inputs: Sequence[Affine]) -> Affine | None:
    """Return what an op makes of its inputs' scales and offsets; None where the result has none."""
    import numpy as np

    if value.op is ops.reshape:
        ((scale, offset),) = inputs
        shape = at(value.shape, 1)
        return scale.reshape(shape) if _varies(scale) else scale, np.reshape(offset, shape)
    if value.op is ops.crop:
        ((scale, offset),) = inputs
        margins = cast(
            "tuple[tuple[int, int], ...]", ops.crop.of(value).margins
        )  # of examples, whose sizes are known
        kept = tuple(slice(before, -after or None) for before, after in margins)
        return scale[kept] if _varies(scale) else scale, offset[kept]
    if value.op is ops.CONCAT:
        axis = ops.CONCAT.of(value).axis
        scales, offsets = zip(*inputs, strict=True)
        return np.concatenate(scales, axis), np.concatenate(offsets, axis)
    if value.op not in (ops.add, ops.subtract, ops.multiply, ops.divide):
        return None
    (s, a), (t, b) = inputs
    if value.op is ops.add:
        return s + t, a + b
    if value.op is ops.subtract:
        return s - t, a - b
    if value.op is ops.divide:
        return None if _varies(t) else (s / b, a / b)
    return None if _varies(s) and _varies(t) else (s * b + t * a, a * b)


def _varies(scale: Any) -> bool:
    return not isinstance(scale, float)
