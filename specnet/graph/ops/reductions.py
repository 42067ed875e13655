"""Ops that sum or compare along axes."""

from __future__ import annotations

from specnet.graph.attributes import Attributes, Prepared
from specnet.graph.graph import Op, ShapeFault, Value
from specnet.graph.leaves import constant
from specnet.graph.ops.elementwise import equal, exp, log, sigmoid, softplus
from specnet.graph.ops.indexing import cast
from specnet.graph.ops.shaping import reshape
from specnet.graph.ops.stretching import expand, ones, reduce_sum
from specnet.graph.rules import like_first, per_input
from specnet.graph.sizes import Kind, Shape, count, inverse, show


class AxisAttributes(Attributes):
    """An axis, counted from the last one: -1, -2, ..."""

    axis: int = -1


def _infer_inner(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    a, b = inputs
    if a.shape != b.shape:
        raise ShapeFault(f"{show(a.shape)} and {show(b.shape)} have no inner product", b)
    return (), a.dtype


inner: Op[Attributes] = Op(
    "inner",
    _infer_inner,
    "{o} = float(dot({a:flat}, {b:flat}))",
    lambda g, y, a, b: (g * b, g * a),
    flops=per_input(2),
    noun="total",
    printed=lambda _, value: "np.sum({a}**2)" if value.inputs[0] is value.inputs[1] else "np.sum({a} * {b})",
    onnx="ReduceSum(Mul(a, b), keepdims=0)",
)
"""The sum of all products of two arrays' elements."""


def _single(shape: Shape, axis: int) -> Shape:
    """Return a shape in which an axis has size 1."""
    place = axis % len(shape)
    return (*shape[:place], 1, *shape[place + 1 :])


def _infer_max(inputs: tuple[Value, ...], attributes: AxisAttributes) -> Kind:
    (x,) = inputs
    return _single(x.shape, attributes.axis), x.dtype


reduce_max: Op[AxisAttributes] = Op(
    "reduce_max",
    _infer_max,
    "maximum_reduce({a}, {axis}, None, {o}, True)",
    lambda g, y, x, axis: (_share(g, y, x, axis),),
    attributes=AxisAttributes,
    flops=per_input(1),
    noun="largest",
    printed="np.max({a}, axis={axis}, keepdims=True)",
    onnx="ReduceMax(a, [{axis}], keepdims=1)",
)
"""The largest element along an axis, which stays with size 1; ties share the gradient equally."""


def _share(g: Value, y: Value, x: Value, axis: int) -> Value:
    among = equal(x, y)
    # Truth values are summed along an axis through a buffer that NumPy allocates.
    ties = sum_along(cast(among, to=x.dtype), axis)
    return expand(g / ties, shape=x.shape) * among


def _infer_argmax(inputs: tuple[Value, ...], attributes: AxisAttributes) -> Kind:
    (x,) = inputs
    place = attributes.axis % x.rank
    return (*x.shape[:place], *x.shape[place + 1 :]), "int64"


argmax: Op[AxisAttributes] = Op(
    "argmax",
    _infer_argmax,
    "argmax({a}, {axis}, {o})",
    lambda *_, **__: (None,),
    attributes=AxisAttributes,
    flops=per_input(1),
    noun="largest_index",
    printed="np.argmax({a}, axis={axis})",
    onnx="ArgMax(a, axis={axis}, keepdims=0)",
)
"""The index of the largest element along an axis; the first of equals."""


def _total(value: Value, x: str) -> str:
    """Return the statement that sums `x`, an array of a value's shape, along its op's axis into `{s}`."""
    if _axis_of(value) % value.rank == value.rank - 1:
        return f"dot({{{x}:rows}}, {{ones}}, {{s:flat}})"
    return f"add_reduce({{{x}}}, {{axis}}, None, {{s}}, True)"


def _total_ones(value: Value) -> dict[str, Prepared]:
    last = _axis_of(value) % value.rank == value.rank - 1
    return {"ones": ones(count(value.shape[-1:]), value.dtype)} if last else {}


def _axis_of(value: Value) -> int:
    return softmax.of(value).axis if value.op is softmax else log_softmax.of(value).axis


def _softmax_scratch(value: Value) -> list[Kind]:
    return [(_single(value.shape, _axis_of(value)), value.dtype), (value.shape, value.dtype)]


softmax: Op[AxisAttributes] = Op(
    "softmax",
    like_first,
    lambda value: (
        "maximum_reduce({a}, {axis}, None, {s}, True)\ncopyto({o}, {s})\nsubtract({a}, {o}, {o})\nexp({o}, {o})\n"
        f"{_total(value, 'o')}\ncopyto({{s2}}, {{s}})\ndivide({{o}}, {{s2}}, {{o}})"
    ),
    lambda g, y, x, axis: (y * (g - sum_along(g * y, axis)),),
    attributes=AxisAttributes,
    flops=5,
    prepare=_total_ones,
    scratch=_softmax_scratch,
    noun="probabilities",
    helper=(
        """\
def softmax(x, axis=-1):
    exponential = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponential / exponential.sum(axis=axis, keepdims=True)""",
    ),
    onnx="Softmax(a, axis={axis})",
)
"""exp(x) / sum(exp(x)) along an axis, shifted by the largest so that nothing overflows."""

log_softmax: Op[AxisAttributes] = Op(
    "log_softmax",
    like_first,
    lambda value: (
        "maximum_reduce({a}, {axis}, None, {s}, True)\ncopyto({o}, {s})\nsubtract({a}, {o}, {o})\nexp({o}, {s2})\n"
        f"{_total(value, 's2')}\nlog({{s}}, {{s}})\ncopyto({{s2}}, {{s}})\nsubtract({{o}}, {{s2}}, {{o}})"
    ),
    lambda g, y, x, axis: (g - exp(y) * sum_along(g, axis),),
    attributes=AxisAttributes,
    flops=5,
    prepare=_total_ones,
    scratch=_softmax_scratch,
    noun="log_probabilities",
    helper=(
        """\
def log_softmax(x, axis=-1):
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))""",
    ),
    onnx="LogSoftmax(a, axis={axis})",
)
"""x - log(sum(exp(x))) along an axis, shifted by the largest so that nothing overflows."""


def sum_along(x: Value, axis: int) -> Value:
    """Sum along an axis, counted from the last one (-1), which stays with size 1."""
    summed, shape = reduce_sum(x, axes=(axis % x.rank,)), _single(x.shape, axis)
    return reshape(summed, shape=shape) if summed.rank else expand(summed, shape=shape)


def sum_last(x: Value) -> Value:
    """Sum along the last axis, which stays with size 1."""
    return sum_along(x, -1)


def sum_all(x: Value) -> Value:
    """Sum all elements into a scalar."""
    return reduce_sum(x, axes=tuple(range(x.rank))) if x.rank else x


def mean_all(x: Value) -> Value:
    """Return the mean of all elements as a scalar."""
    size = x.count
    return sum_all(x) * constant(x.graph, 1.0 / size.each, inverse(size.powers))


def mean(x: Value, axes: tuple[int, ...]) -> Value:
    """Return the mean over some axes, which it drops."""
    summed = reduce_sum(x, axes=axes)
    size = x.count // summed.count
    return summed * constant(x.graph, 1.0 / size.each, inverse(size.powers))


def log_of(p: Value) -> Value:
    """Return log(p), taken from the values below where p is a softmax or a sigmoid: exact where p is near 0.

    log(softmax(x)) is log_softmax(x), and log(sigmoid(x)) is -softplus(-x).
    """
    if p.op is softmax:
        return log_softmax(p.inputs[0], axis=softmax.of(p).axis)
    if p.op is sigmoid:
        return -softplus(-p.inputs[0])
    return log(p)
