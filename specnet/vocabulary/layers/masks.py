"""Which steps of what a layer makes of a sequence exist, and statistics over those that do.

A mask (batch, steps) is 1 where a step exists and 0 where it is padding, which comes behind the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import Dim, Shape, moved
from specnet.vocabulary.layers.sequences import places


def beside(mask: Value, x: Value) -> Value:
    """Return a mask (batch, steps) as (batch, steps, 1, ...), to be multiplied with x (batch, steps, ...)."""
    return ops.reshape(mask, shape=(*mask.shape, *(1 for _ in x.shape[2:])))


def picked(mask: Value, places: Sequence[int]) -> Value:
    """Return the mask of a sequence whose step i exists where step `places`[i] of the other does."""
    if list(places) == list(range(_length(mask))):
        return mask
    index = ops.fixed(mask.graph, list(places), "int64")
    return ops.transpose(ops.gather(ops.transpose(mask, axes=(1, 0)), index), axes=(1, 0))


def windowed(mask: Value, count: Dim, stride: int, reach: int, *, whole: bool) -> Value:
    """Return which of `count` windows exist that move by a stride over the steps of a mask.

    A `whole` window exists where its last step does, the step `reach` - 1 behind its first, and another where its first
    step does. The first window always does: a sequence that is shorter than it is filled up with zeros.
    """
    if not isinstance(count, int):
        assert stride == 1, "windows over sequences of other lengths move by one step"
        return _whole_windows(mask, reach) if whole else mask
    last = _length(mask) - 1
    ahead = reach - 1 if whole else 0
    return picked(mask, [0, *(min(i * stride + ahead, last) for i in range(1, count))])


def _whole_windows(mask: Value, reach: int) -> Value:
    """Return what `windowed` does for whole windows at each step of a mask whose length is a named size."""
    last = ops.crop(mask, margins=((0, 0), (reach - 1, 0)))
    numbers = ops.reshape(places(mask.graph, last.shape[1]), shape=(1, last.shape[1]))
    first = ops.crop(mask, margins=((0, 0), (0, moved(mask.shape[1], -1) or 0)))
    return ops.where(ops.equal(numbers, 0.0), first, last)


def enlarged(mask: Value, steps: int, stride: int) -> Value:
    """Return which of more steps exist, where each step of the mask becomes `stride` of them.

    What is there beyond these belongs to the steps that exist, however many these are.
    """
    last, more = _length(mask) - 1, steps - _length(mask) * stride
    return picked(mask, [min(max(t - more, 0) // stride, last) for t in range(steps)])


def moments(x: Value, weights: Value, axes: tuple[int, ...]) -> tuple[Value, Value, Value]:
    """Return mean and variance over some axes of x where the weights are 1 and not 0, and how many these are.

    All have size 1 along these axes. Where there are none, mean and variance are 0.
    """
    shape: Shape = tuple(1 if axis in axes else dim for axis, dim in enumerate(x.shape))

    def total(value: Value) -> Value:
        summed = ops.reduce_sum(value, axes=axes)
        return ops.expand(summed, shape=shape) if not summed.rank else ops.reshape(summed, shape=shape)

    weights = ops.expand(weights, shape=x.shape) if weights.shape != x.shape else weights
    number = total(weights)
    among = ops.maximum(number, 1.0)
    mean = total(x * weights) / among
    return mean, total(ops.square(x - mean) * weights) / among, number


def normalised(
    x: Value, weights: Value, axes: tuple[int, ...], epsilon: float, *, center: bool = True
) -> Value:
    """Return x normalised over some axes, by the elements whose weights are 1."""
    if center:
        mean, variance, _ = moments(x, weights, axes)
        return (x - mean) / ops.sqrt(variance + epsilon)
    squares, _, _ = moments(ops.square(x), weights, axes)
    return x / ops.sqrt(squares + epsilon)


def _length(mask: Value) -> int:
    steps = mask.shape[1]
    assert isinstance(steps, int)
    return steps
