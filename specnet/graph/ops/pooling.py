"""Pooling along one axis. Windows are attributes, (from, to) each, and may reach over either end of the axis.

Pooling over two axes is one after the other. The last axis comes first, so that of equal largest elements that
one counts which comes first in memory, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from specnet.graph.attributes import Attributes, Prepared
from specnet.graph.graph import Op, ShapeFault, Value
from specnet.graph.ops import pooling_numpy as source
from specnet.graph.ops.elementwise import greater, relu
from specnet.graph.ops.fixed import fixed
from specnet.graph.ops.shaping import reshape
from specnet.graph.record import GRADIENT_ONLY
from specnet.graph.rules import Flops, Scratch
from specnet.graph.sizes import Count, DType, Kind, Shape, count, show, static
from specnet.graph.windows import Shares, Spans, Strided, Windows


class WindowsAttributes(Attributes):
    """The axis, and where its windows lie."""

    axis: int
    windows: Spans


class MaxPoolAttributes(WindowsAttributes):
    """Whether the result is at least 0."""

    floor: bool = False


class UnpoolAttributes(WindowsAttributes):
    """The size of the axis that the windows go over."""

    size: int


def _windows(shape: Shape, attributes: WindowsAttributes) -> Windows:
    """Return how windows go along the axis of an array of this shape."""
    axis = attributes.axis
    return Windows(attributes.windows, static(shape[axis]), count(shape[axis + 1 :]).each)


def _infer_pooled(inputs: tuple[Value, ...], attributes: WindowsAttributes) -> Kind:
    x, axis = inputs[0], attributes.axis
    windows = attributes.windows
    shape = (*x.shape[:axis], windows.number, *x.shape[axis + 1 :])
    if windows.number < 1 or windows.has_empty(static(x.shape[axis])):
        raise ShapeFault(f"a window sees nothing of axis {axis} of {show(x.shape)}", x)
    for value in inputs[1:]:
        if value.shape not in (x.shape, shape):
            raise ShapeFault(f"{show(value.shape)} does not fit windows over {show(x.shape)}", value)
    return shape, x.dtype


def _infer_spread(inputs: tuple[Value, ...], attributes: UnpoolAttributes) -> Kind:
    g, axis = inputs[0], attributes.axis
    if g.shape[axis] != attributes.windows.number:
        raise ShapeFault(f"{show(g.shape)} has not one element a window along axis {axis}", g)
    shape = (*g.shape[:axis], attributes.size, *g.shape[axis + 1 :])
    for value in inputs[1:]:
        if value.shape not in (g.shape, shape):
            raise ShapeFault(f"{show(value.shape)} does not fit windows over {show(shape)}", value)
    return shape, g.dtype


def _whole(value: Value) -> Shape:
    """Return the shape of the array that the windows go over."""
    axis = _settings(value).axis
    settings = value.attributes
    size = settings.size if isinstance(settings, UnpoolAttributes) else value.inputs[0].shape[axis]
    return (*value.shape[:axis], size, *value.shape[axis + 1 :])


def _settings(value: Value) -> WindowsAttributes:
    settings = value.attributes
    assert isinstance(settings, WindowsAttributes)
    return settings


def _prepare(value: Value) -> dict[str, Prepared]:
    return {"how": Prepared("itself", (_windows(_whole(value), _settings(value)),))}


def _each(times: int) -> Flops:
    """Return the rule of an op that does so many operations for each element that a window sees."""

    def flops(value: Value) -> Count:
        whole, axis = _whole(value), _settings(value).axis
        seen = _settings(value).windows.total(static(whole[axis]))
        return count((*whole[:axis], *whole[axis + 1 :])) * Count(seen * times)

    return flops


def _scratch(*dtypes: DType | None) -> Scratch:
    """Return the rule of an op that needs scratch for the windows of a tile, an array for each dtype."""

    def scratch(value: Value) -> Sequence[Kind]:
        how = _windows(_whole(value), _settings(value))
        shape = (how.rows * how.inner * how.spans.number,)
        return [(shape, dtype or value.dtype) for dtype in dtypes]

    return scratch


def _call(value: Value, operands: str, more: str = "") -> str:
    """Return the call that a person would write, with the windows by a rule where they follow one."""
    spans = _settings(value).windows
    if isinstance(spans, Strided) and spans.number > 2:
        places = f"range({spans.first}, {spans.first + spans.number * spans.step}, {spans.step})"
        windows = f"[(i, i + {spans.length}) for i in {places}]"
    else:
        windows = repr(list(spans))
    return f"{value.op}({operands}, axis={{axis}}, windows={windows}{more})"


def _windows_onnx(value: Value, operator: str) -> str:
    """Return a reduction of each window's slice, side by side."""
    settings, size = _settings(value), static(value.inputs[0].shape[_settings(value).axis])
    axes = [settings.axis]
    parts = (
        f"{operator}(Slice(a, {[max(start, 0)]}, {[min(stop, size)]}, {axes}), {axes}, keepdims=1)"
        for start, stop in settings.windows
    )
    return f"Concat({', '.join(parts)}, axis={{axis}})"


def _max_pool_onnx(value: Value) -> str:
    settings, size = max_pool.of(value), static(value.inputs[0].shape[max_pool.of(value).axis])
    spans = settings.windows
    pooled = _windows_onnx(value, "ReduceMax")
    if (
        isinstance(spans, Strided)
        and spans.first == 0
        and spans[-1][1] <= size < spans[-1][1] + spans.step
        and value.rank == 4
        and settings.axis < 3
    ):
        # All within the height or the width of images.
        lengths = (spans.length, spans.step)
        kernel, strides = ([n if axis == settings.axis else 1 for axis in (1, 2)] for n in lengths)
        x = "Transpose(a, perm=[0, 3, 1, 2])"
        pooled = f"Transpose(MaxPool({x}, kernel_shape={kernel}, strides={strides}), perm=[0, 2, 3, 1])"
    return f"Relu({pooled})" if settings.floor else pooled


_BY_WINDOWS: dict[str, Any] = {"prepare": _prepare, "calls": True, "shared": True}

max_pool: Op[MaxPoolAttributes] = Op(
    "max_pool",
    _infer_pooled,
    attributes=MaxPoolAttributes,
    kernel="pool_max({a}, {how}, {o}, {floor})",
    noun="pooled",
    printed=lambda _, value: (
        f"np.maximum({_call(value, '{a}')}, 0)" if max_pool.of(value).floor else _call(value, "{a}")
    ),
    helper=(source.MAX_POOL,),
    onnx=_max_pool_onnx,
    pullback=lambda g, y, x, axis, windows, floor: (
        max_unpool(
            g * greater(y, 0.0) if floor else g,
            x,
            y,
            axis=axis,
            windows=windows,
            size=static(x.shape[axis]),
        ),
    ),
    flops=_each(1),
    **_BY_WINDOWS,
)
"""The largest element of each window along an axis; the gradient goes to the first of equals.

With a `floor` it is 0 where nothing in the window is larger, and nothing flows back: a relu behind the pooling, which
then costs no pass over memory of its own.
"""

max_unpool: Op[UnpoolAttributes] = Op(
    "max_unpool",
    _infer_spread,
    attributes=UnpoolAttributes,
    kernel="unpool_max({a}, {b}, {c}, {s}, {s2}, {s3}, {how}, {o})",
    noun="unpooled",
    printed=lambda _, value: _call(value, "{a}, {b}"),
    helper=(source.MAX_UNPOOL,),
    onnx=GRADIENT_ONLY,
    pullback=lambda g, y, flowing, x, largest, axis, windows, size: (
        max_pick(g, x, largest, axis=axis, windows=windows),
        None,
        None,
    ),
    flops=_each(3),
    scratch=_scratch(None, None, "bool"),
    **_BY_WINDOWS,
)
"""What flows back through `max_pool`: each window's gradient at the first place of x that holds its largest."""

max_pick: Op[WindowsAttributes] = Op(
    "max_pick",
    _infer_pooled,
    attributes=WindowsAttributes,
    kernel="pick_max({a}, {b}, {c}, {s}, {s2}, {how}, {o})",
    noun="picked",
    printed=lambda _, value: _call(value, "{a}, {b}"),
    helper=(source.MAX_PICK,),
    onnx=GRADIENT_ONLY,
    pullback=lambda g, y, values, x, largest, axis, windows: (
        max_unpool(g, x, largest, axis=axis, windows=windows, size=static(x.shape[axis])),
        None,
        None,
    ),
    flops=_each(1),
    scratch=_scratch("bool", "bool"),
    **_BY_WINDOWS,
)
"""The element of its first input where `max_pool` found the largest of its second, whose result is the third."""

window_sum: Op[WindowsAttributes] = Op(
    "window_sum",
    _infer_pooled,
    attributes=WindowsAttributes,
    kernel="pool_sum({a}, {how}, {o})",
    noun="sums",
    printed=lambda _, value: _call(value, "{a}"),
    helper=(source.WINDOW_SUM,),
    onnx=lambda value: _windows_onnx(value, "ReduceSum"),
    pullback=lambda g, y, x, axis, windows: (
        window_sum_grad(g, axis=axis, windows=windows, size=static(x.shape[axis])),
    ),
    flops=_each(1),
    **_BY_WINDOWS,
)
"""The sum of each window along an axis."""

window_sum_grad: Op[UnpoolAttributes] = Op(
    "window_sum_grad",
    _infer_spread,
    attributes=UnpoolAttributes,
    kernel="spread_sum({a}, {how}, {o})",
    noun="spread",
    printed=lambda _, value: _call(value, "{a}", ", size={size}"),
    helper=(source.WINDOW_SUM_GRAD,),
    onnx=GRADIENT_ONLY,
    pullback=lambda g, y, flowing, axis, windows, size: (window_sum(g, axis=axis, windows=windows),),
    flops=_each(1),
    **_BY_WINDOWS,
)
"""For each place of an axis of `size`, the sum over the windows that see it: the transpose of `window_sum`."""


def largest_of_windows(x: Value, windows: Sequence[Spans]) -> Value:
    """Return the largest element of each window over the axes from 1 on, of which each has its own windows.

    A relu is monotone, so that it may as well come behind the pooling, where there are fewer elements; what
    flows back is the same, since it is 0 wherever relu is.
    """
    axes = [
        axis for axis in range(len(windows), 0, -1) if not windows[axis - 1].singles(static(x.shape[axis]))
    ]
    floor = x.op is relu and bool(axes)
    x = x.inputs[0] if floor else x
    for axis in axes:
        last = floor and axis == axes[-1]
        x = max_pool(x, axis=axis, windows=windows[axis - 1], floor=last)
    return x


def mean_of_windows(x: Value, windows: Sequence[Spans]) -> Value:
    """Return the mean of what each window sees over the axes from 1 on; what lies outside does not count."""
    for axis in range(len(windows), 0, -1):
        spans, size = windows[axis - 1], static(x.shape[axis])
        if spans.singles(size):
            continue
        x = window_sum(x, axis=axis, windows=spans)
        places = spans.common(size)
        if places is not None:
            x = x * (1.0 / places)
        else:
            shares = fixed(x.graph, Shares(spans, size))
            x = x * reshape(shares, shape=(spans.number, *(1,) * (x.rank - axis - 1)))
    return x
