"""A row for every op and every way to apply it, by which the op is tried in plans, programs and files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.graph import OPS, Graph
from specnet.graph.leaves import leaf, number
from specnet.graph.sizes import BATCH, Size, at
from specnet.graph.windows import AdaptiveCells, Strided

B = BATCH


@dataclass(frozen=True)
class Given:
    """A leaf: its shape, and what it holds."""

    shape: tuple = (B, 3)
    low: float = -2.0
    high: float = 2.0
    dtype: str = ""
    avoid: tuple[float, ...] = ()
    """Where the op has a corner, from which numbers keep away."""

    def draw(self, rng, batch):
        shape = at(self.shape, batch)
        if self.dtype in ("int32", "int64"):
            return rng.integers(int(self.low), int(self.high), shape)
        if self.dtype == "bool":
            return rng.random(shape) < 0.5
        x = rng.uniform(self.low, self.high, shape)
        for corner in self.avoid:
            x = np.where(np.abs(x - corner) < 0.05, corner + 0.2, x)
        return x


@dataclass(frozen=True)
class Row:
    """One way to apply an op."""

    op: str
    apply: Callable
    given: tuple[Given, ...] = (Given(),)


def index(*shape, classes=4, dtype="int64"):
    return Given(shape or (B,), 0, classes, dtype)


real, positive, bools = Given(), Given(low=0.3), Given(dtype="bool")


kinked = Given(avoid=(0.0,))


def by_columns(x, gamma, beta):
    return ops.batch_norm(x, ops.batch_moments(x), gamma, beta, epsilon=0.1)


def slopes_of_columns(g, x, moments, sums, gamma):
    return ops.batch_norm_grad(g, x, moments, sums, gamma, epsilon=0.1)


def by_groups(x, groups):
    return ops.group_norm(x, ops.group_moments(x, groups=groups, epsilon=0.1), groups=groups)


def slopes_of_groups(g, y, moments):
    return ops.group_norm_grad(g, y, moments, groups=2)


positive_3 = Given((3, 3), 0.3)


def convolution(strides=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1, size=None):
    attributes = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    return attributes | ({"size": size} if size is not None else {})


def conv2d(shape, kernel, *, bias=False, **options):
    given = (Given((B, *shape)), Given(kernel), *((Given(kernel[-1:]),) if bias else ()))
    return Row("conv2d", lambda *v: ops.conv2d(*v, **convolution(**options)), given)


def conv2d_input(shape, kernel, **options):
    given = (Given((B, *shape)), Given(kernel))
    return Row("conv2d_input", lambda *v: ops.conv2d_input(*v, **convolution(**options)), given)


def conv2d_kernel(shape, flowing, **options):
    given = (Given((B, *shape)), Given((B, *flowing)))
    return Row("conv2d_kernel", lambda *v: ops.conv2d_kernel(*v, **convolution(**options)), given)


def whole(x):
    """Make numbers of whole ones, among which there are equals, and through which nothing flows back."""
    return ops.cast(x, to=x.graph.dtype)


def unpool(axis, windows, size):
    def apply(g, i):
        x = whole(i)
        y = ops.max_pool(x, axis=axis, windows=windows, floor=False)
        return ops.max_unpool(g, x, y, axis=axis, windows=windows, size=size)

    return apply


def pick_max(axis, windows):
    def apply(v, i):
        x = whole(i)
        y = ops.max_pool(x, axis=axis, windows=windows, floor=False)
        return ops.max_pick(v, x, y, axis=axis, windows=windows)

    return apply


APART = Strided(0, 2, 2, 3)


GAPS = Strided(1, 2, 3, 2)


LAPPING = Strided(-1, 3, 2, 4)


UNEVEN = AdaptiveCells(7, 4)


OVER = Strided(-1, 3, 3, 3)


REPEATED = AdaptiveCells(3, 5)


SPANS = [
    (APART, 6),
    (GAPS, 7),
    (LAPPING, 7),
    (UNEVEN, 7),
    (REPEATED, 3),
    (OVER, 7),
    (Strided(0, 5, 1, 1), 5),
]


TABLE = [
    Row("absolute", ops.absolute, (kinked,)),
    Row("add", ops.add, (real, real)),
    Row("add", ops.add, (real, Given((3,)))),
    Row("add", ops.add, (Given((B, 1)), real)),
    Row("add", lambda x: x + 2.0),
    Row("add", lambda x: 2.0 + x),
    Row("argmax", ops.argmax),
    Row("argmax", ops.argmax, (Given((B, 2, 5)),)),
    *(Row("argmax", lambda x, a=axis: ops.argmax(x, axis=a), (Given((B, 2, 5)),)) for axis in (-2, -3)),
    Row("cast", lambda x: ops.cast(x, to="float64"), (index(B, 2),)),
    Row("cast", lambda x: ops.cast(x, to="int64"), (bools,)),
    Row("clip", lambda x: ops.clip(x, low=-1.0, high=0.5), (Given(avoid=(-1.0, 0.5)),)),
    Row("batch_moments", ops.batch_moments, (Given((B, 3)),)),
    Row("batch_moments", ops.batch_moments, (Given((B, 20_000)),)),
    Row("batch_moments", ops.batch_moments, (Given((Size(2_000), 12)),)),
    Row("batch_norm", by_columns, (Given((B, 3)), Given((3,)), Given((3,)))),
    Row("batch_norm", by_columns, (Given((Size(700), 12)), Given((12,)), Given((12,)))),
    Row("batch_norm_grad", slopes_of_columns, (real, real, positive_3, Given((2, 3)), Given((3,)))),
    Row(
        "batch_norm_grad",
        slopes_of_columns,
        (Given((Size(700), 12)), Given((Size(700), 12)), Given((3, 12), 0.3), Given((2, 12)), Given((12,))),
    ),
    Row(
        "batch_norm_sums", lambda g, x, m: ops.batch_norm_sums(g, x, m, epsilon=0.1), (real, real, positive_3)
    ),
    Row(
        "batch_norm_sums",
        lambda g, x, m: ops.batch_norm_sums(g, x, m, epsilon=0.1),
        (Given((Size(700), 12)), Given((Size(700), 12)), Given((3, 12), 0.3)),
    ),
    Row("indices", lambda x: ops.indices(ops.cast(x, to="float64"), size=4, who="rows"), (index(B, 2),)),
    Row("gather", ops.gather, (Given((4, 3)), index(B))),
    Row("uniform_noise", lambda x: x * ops.uniform_noise(x, stream="noise")),
    Row("normal_noise", lambda x: x * ops.normal_noise(x, stream="noise", stddev=0.3)),
    Row("upsample", lambda x: ops.upsample(x, factor=3), (Given((B, 4, 5)),)),
    Row("upsample", lambda x: ops.upsample(x, factor=2), (Given((Size(2), 1, 2)),)),
    Row("upsample_grad", lambda x: ops.upsample_grad(x, factor=3), (Given((B, 12, 5)),)),
    Row("layer_norm", lambda x: ops.layer_norm(x, center=True, epsilon=0.1), (Given((B, 7)),)),
    Row("layer_norm", lambda x: ops.layer_norm(x, center=False, epsilon=0.1), (Given((B, 7)),)),
    Row("layer_norm", lambda x: ops.layer_norm(x, center=True, epsilon=0.1), (Given((Size(700), 12)),)),
    Row("layer_norm", lambda x: ops.layer_norm(x, center=False, epsilon=0.1), (Given((B, 20_000)),)),
    Row("layer_norm_grad", lambda *x: ops.layer_norm_grad(*x, center=True, epsilon=0.1), (real, real, real)),
    Row("layer_norm_grad", lambda *x: ops.layer_norm_grad(*x, center=False, epsilon=0.1), (real, real, real)),
    Row(
        "layer_norm_grad",
        lambda *x: ops.layer_norm_grad(*x, center=True, epsilon=0.1),
        (Given((Size(700), 12)),) * 3,
    ),
    Row("group_moments", lambda x: ops.group_moments(x, groups=2, epsilon=0.1), (Given((B, 3, 4)),)),
    Row("group_moments", lambda x: ops.group_moments(x, groups=5, epsilon=0.1), (Given((B, 7_001, 10)),)),
    Row("group_norm", lambda x: by_groups(x, 3), (Given((B, 4, 6)),)),
    Row("group_norm", lambda x: by_groups(x, 1), (Given((B, 3, 4)),)),
    Row("group_norm", lambda x: by_groups(x, 10), (Given((B, 600, 10)),)),
    Row("group_norm_grad", slopes_of_groups, (Given((B, 3, 4)), Given((B, 3, 4)), Given((B, 2, 4)))),
    Row(
        "group_norm_grad",
        slopes_of_groups,
        (Given((B, 900, 10)), Given((B, 900, 10)), Given((B, 2, 10))),
    ),
    Row("scatter_add", lambda x, i: ops.scatter_add(x, i, size=4), (Given((B, 3)), index(B))),
    Row("scatter_add", lambda x, i: ops.scatter_add(x, i, size=4), (Given((B, 2, 3)), index(B, 2))),
    Row("scatter_add", lambda x, i: ops.scatter_add(x, i, size=4), (Given((B, 3)), index(B, dtype="int32"))),
    Row("concat", lambda a, b: ops.concat(a, b, axis=1), (real, Given((B, 2)))),
    Row(
        "concat",
        lambda a, b, c: ops.concat(a, b, c, axis=2),
        (Given((B, 2, 3)), Given((B, 2, 1)), Given((B, 2, 2))),
    ),
    Row("concat", lambda *v: ops.concat(*v, axis=0), (real, Given((Size(3), 3)), real)),
    Row("concat", lambda i, j: ops.concat(i, j, axis=0), (index(B, 2), index(Size(2), 2))),
    Row("concat", lambda x: ops.concat(*(x * float(n) for n in range(1, 19)), axis=1)),
    Row("crop", lambda x: ops.crop(x, margins=((0, 0), (1, 1))), (Given((B, 5)),)),
    Row("crop", lambda x: ops.crop(x, margins=((0, 0), (0, 2), (1, 0))), (Given((B, 4, 3)),)),
    Row("crop", lambda x: ops.crop(x, margins=((Size(2), B), (0, 1))), (Given((Size(4), 3)),)),
    Row("crop", lambda x: ops.crop(x, margins=((0, 1), (0, B))), (Given((3, Size(2))),)),
    conv2d((5, 6, 2), (3, 2, 2, 4)),
    conv2d((5, 6, 2), (3, 2, 2, 4), bias=True),
    conv2d((4, 3, 5), (1, 1, 5, 3), bias=True),
    conv2d((4, 3, 5), (1, 1, 5, 3), strides=(2, 2)),
    conv2d((7, 6, 17), (3, 3, 17, 2), padding=((1, 1), (0, 2)), strides=(2, 1)),
    conv2d((7, 8, 3), (2, 3, 3, 2), dilation=(3, 2), padding=((2, 0), (0, 0))),
    conv2d((5, 4, 6), (3, 2, 2, 9), groups=3, bias=True, padding=((1, 0), (1, 1))),
    conv2d((5, 4, 32), (3, 2, 16, 4), groups=2),
    conv2d((5, 4, 3), (3, 2, 1, 6), groups=3, bias=True, strides=(2, 1), padding=((1, 1), (1, 0))),
    conv2d((5, 7, 4), (2, 2, 1, 4), groups=4, dilation=(2, 3)),
    conv2d_input((3, 5, 4), (3, 2, 2, 4), size=(5, 6)),
    conv2d_input((4, 3, 3), (1, 1, 5, 3), size=(4, 3)),
    conv2d_input((3, 3, 2), (1, 1, 5, 2), strides=(2, 1), size=(6, 3)),
    conv2d_input((4, 6, 2), (3, 3, 17, 2), padding=((1, 1), (0, 2)), strides=(2, 1), size=(7, 6)),
    conv2d_input((5, 4, 2), (2, 3, 3, 2), dilation=(3, 2), padding=((1, 0), (0, 0)), size=(7, 8)),
    conv2d_input((4, 5, 9), (3, 2, 2, 9), groups=3, padding=((1, 0), (1, 1)), size=(5, 4)),
    conv2d_input((3, 3, 4), (3, 2, 16, 4), groups=2, size=(5, 4)),
    conv2d_input((3, 4, 6), (3, 2, 1, 6), groups=3, strides=(2, 1), padding=((1, 1), (1, 0)), size=(5, 4)),
    conv2d_kernel((5, 6, 2), (3, 5, 4), size=(3, 2)),
    conv2d_kernel((4, 3, 5), (4, 3, 3), size=(1, 1)),
    conv2d_kernel((7, 6, 17), (4, 6, 2), padding=((1, 1), (0, 2)), strides=(2, 1), size=(3, 3)),
    conv2d_kernel((7, 8, 3), (6, 4, 2), dilation=(3, 2), padding=((2, 0), (0, 0)), size=(2, 3)),
    conv2d_kernel((5, 4, 6), (4, 5, 9), groups=3, padding=((1, 0), (1, 1)), size=(3, 2)),
    conv2d_kernel((5, 4, 3), (3, 4, 6), groups=3, strides=(2, 1), padding=((1, 1), (1, 0)), size=(3, 2)),
    Row("cos", ops.cos),
    Row("divide", ops.divide, (real, positive)),
    Row("divide", ops.divide, (real, Given((3,), 0.3))),
    Row("divide", ops.divide, (Given((3,)), positive)),
    Row("divide", lambda x: 1.0 / x, (positive,)),
    Row("divide", lambda x: x / 3.0),
    Row("elu", lambda x: ops.elu(x, alpha=1.3), (kinked,)),
    Row("elu", lambda x: ops.elu(x, alpha=0.0), (kinked,)),
    Row("equal", ops.equal, (index(B, 3), index(B, 3))),
    Row("equal", ops.equal, (index(B), index(B))),
    Row("erf", ops.erf),
    Row("exp", ops.exp),
    Row("expand", lambda x: ops.expand(x, shape=(B, 2, 3)), (Given((B, 1, 3)),)),
    Row("expand", lambda x: ops.expand(x, shape=(B, 3)), (Given((3,)),)),
    Row("expm1", ops.expm1),
    Row("fixed", lambda x: x * ops.fixed(x.graph, [1.0, 2.0, -3.0])),
    Row("fixed", lambda x: ops.equal(x, ops.fixed(x.graph, range(4), "int64")), (index(B, 4),)),
    Row("floor_divide", lambda x: ops.floor_divide(x, 0.7)),
    Row("greater", ops.greater, (real, Given((3,)))),
    Row("greater", lambda x: ops.greater(x, 0.0)),
    Row("greater_equal", ops.greater_equal, (index(B, 3), index(B, 3))),
    Row("huber", lambda x: ops.huber(x, delta=0.8), (Given(avoid=(-0.8, 0.8)),)),
    Row("inner", ops.inner, (real, real)),
    Row("inner", lambda x: ops.inner(x, x)),
    Row("dropout_mask", lambda x: x * ops.dropout_mask(x, stream="mask", rate=0.4, scale=1.0 / 0.6)),
    Row("reduce_max", ops.reduce_max),
    Row("reduce_max", ops.reduce_max, (Given((B, 2, 5)),)),
    Row("reduce_max", ops.reduce_max, (Given((4,)),)),
    *(
        Row("reduce_max", lambda x, a=axis: ops.reduce_max(x, axis=a), (Given((B, 2, 5)),))
        for axis in (-2, -3)
    ),
    Row("leaky_relu", lambda x: ops.leaky_relu(x, slope=0.1), (kinked,)),
    Row("leaky_relu", lambda x: ops.leaky_relu(x, slope=2.5), (kinked,)),
    Row("leaky_relu", lambda x: ops.leaky_relu(x, slope=0.0), (kinked,)),
    Row("less", ops.less, (real, Given((B, 1)))),
    Row("less_equal", ops.less_equal, (index(B, 3), index(B, 3))),
    Row("log", ops.log, (positive,)),
    Row("log1p", ops.log1p, (positive,)),
    Row("log_cosh", ops.log_cosh),
    Row("log_cosh", ops.log_cosh, (Given(low=-60.0, high=60.0),)),
    Row("log_softmax", ops.log_softmax),
    Row("log_softmax", ops.log_softmax, (Given((B, 2, 5)),)),
    Row("log_softmax", ops.log_softmax, (Given((4,)),)),
    *(
        Row("log_softmax", lambda x, a=axis: ops.log_softmax(x, axis=a), (Given((B, 2, 5)),))
        for axis in (-2, -3)
    ),
    Row("gather", ops.gather, (Given((4,)), index(B))),
    Row("gather", ops.gather, (Given((4, 3)), index(B, 2))),
    Row("gather", ops.gather, (Given((4, 2, 3)), index(B, 2, dtype="int32"))),
    Row("multiply", ops.multiply, (real, bools)),
    Row("multiply", ops.multiply, (Given((3,)), bools)),
    Row("multiply", ops.multiply, (bools, bools)),
    *(
        row
        for axis in (1, 2)
        for spans, size in SPANS
        for own in [(size, 3) if axis == 1 else (2, size, 3)]
        for seen in [(len(spans), 3) if axis == 1 else (2, len(spans), 3)]
        for row in [
            Row("max_pick", pick_max(axis, spans), (Given((B, *own)), index(B, *own))),
            *(
                Row(
                    "max_pool",
                    lambda x, a=axis, s=spans, f=floor: ops.max_pool(x, axis=a, windows=s, floor=f),
                    (Given((B, *own), -9.0, 9.0),),
                )
                for floor in (False, True)
            ),
            Row("max_unpool", unpool(axis, spans, size), (Given((B, *seen)), index(B, *own))),
            Row(
                "window_sum_grad",
                lambda g, a=axis, s=spans, n=size: ops.window_sum_grad(g, axis=a, windows=s, size=n),
                (Given((B, *seen)),),
            ),
            Row(
                "window_sum",
                lambda x, a=axis, s=spans: ops.window_sum(x, axis=a, windows=s),
                (Given((B, *own)),),
            ),
        ]
    ),
    Row("maximum", ops.maximum, (real, Given(low=-1.97, high=2.03))),
    Row("maximum", lambda x: ops.maximum(x, 0.5), (Given(avoid=(0.5,)),)),
    Row("maximum", ops.maximum, (real, Given((3,), -1.97, 2.03))),
    Row("minimum", ops.minimum, (real, Given(low=-1.97, high=2.03))),
    Row("minimum", lambda x: ops.minimum(0.5, x), (Given(avoid=(0.5,)),)),
    Row("multiply", ops.multiply, (real, real)),
    Row("multiply", ops.multiply, (real, Given((3,)))),
    Row("multiply", ops.multiply, (real, Given((1,)))),
    Row("multiply", ops.multiply, (Given((1, 1)), real)),
    Row("multiply", lambda x: ops.multiply(x, x)),
    Row("multiply", ops.multiply, (index(B, 3), real)),
    Row("multiply", lambda x: x * -2.5),
    Row("negative", ops.negative),
    Row("one_hot", lambda i: ops.one_hot(i, classes=4), (index(B, 2),)),
    Row("one_hot", lambda i: ops.one_hot(i, classes=4), (index(B, 2, dtype="int32"),)),
    Row("append_ones_row", lambda x: ops.append_ones_row(ops.square(x)), (Given((2, 3)),)),
    Row("append_ones_row", ops.append_ones_row, (Given((2, 3)),)),
    Row("append_ones_column", ops.append_ones_column, (Given((B, 3)),)),
    Row("pack", ops.pack, (Given((2, 3)), Given((4,)))),
    Row("part", lambda x: ops.part(x, start=0, stop=2), (Given((4, B, 3)),)),
    Row("part", lambda x: ops.part(x * 2.0, start=1, stop=3), (Given((4, B)),)),
    Row("part", lambda x: ops.part(ops.part(x, start=1, stop=4), start=1, stop=2) * 3.0, (Given((4, B)),)),
    Row("pad", lambda x: ops.pad(x, margins=((0, 0), (1, 2)))),
    Row("pad", lambda x: ops.pad(x, margins=((0, 0), (0, 2), (1, 0))), (Given((B, 2, 3)),)),
    Row("pad", lambda x: ops.pad(x, margins=((B, Size(2)), (0, 1)))),
    Row("take_along_axis", ops.take_along_axis, (Given((B, 4)), index(B))),
    Row("take_along_axis", ops.take_along_axis, (Given((B, 2, 4)), index(B, 2, dtype="int32"))),
    Row("take_along_axis", ops.take_along_axis, (Given((B, 2, 4)), index(B, 2))),
    Row("put_along_axis", lambda x, i: ops.put_along_axis(x, i, classes=4), (Given((B, 2)), index(B, 2))),
    Row(
        "put_along_axis", lambda x, i: ops.put_along_axis(x, i, classes=4), (real, index(B, 3, dtype="int32"))
    ),
    Row("power", lambda x: ops.power(x, 2.7), (positive,)),
    Row("power", lambda x: ops.power(x, -1.0), (positive,)),
    Row("matmul", lambda a, b: ops.MATMUL(a, b, a_t=False, b_t=False), (Given((B, 3)), Given((3, 2)))),
    Row("matmul", lambda a, b: ops.MATMUL(a, b, a_t=True, b_t=False), (Given((B, 3)), Given((B, 2)))),
    Row("matmul", lambda a, b: ops.MATMUL(a, b, a_t=False, b_t=True), (Given((B, 3)), Given((2, 3)))),
    Row("matmul", lambda a, b: ops.MATMUL(a, b, a_t=True, b_t=True), (Given((B, 3)), Given((2, B)))),
    Row("matmul", ops.matmul, (Given((B, 2, 3)), Given((3, 4)))),
    Row("matmul", ops.matmul, (Given((B, 2, 3)), Given((B, 3, 4)))),
    *(
        Row("matmul", lambda a, b, s=a_t, t=b_t: ops.MATMUL(a, b, a_t=s, b_t=t), (Given(a), Given(b)))
        for lead_a, lead_b in [
            ((B,), (B,)),
            ((B, 2), (B, 2)),
            ((B,), ()),
            ((), (B,)),
            ((1,), (B,)),
            ((B, 1), (2,)),
            ((2, 1), (1, B)),
        ]
        for a_t in (False, True)
        for b_t in (False, True)
        for a, b in [((*lead_a, *((3, 4) if a_t else (4, 3))), (*lead_b, *((2, 3) if b_t else (3, 2))))]
    ),
    Row("matmul", ops.matmul, (Given((2, 3, B)), Given((2, B, 4)))),
    Row("relu", ops.relu, (kinked,)),
    Row("reshape", lambda x: ops.reshape(x, shape=(B, 3, 2)), (Given((B, 6)),)),
    Row("reshape", lambda x: ops.flat(x) * 2.0, (Given((B, 3, 2)),)),
    Row(
        "row_numbers",
        lambda x: x * ops.reshape(ops.cast(ops.row_numbers(x.graph), to=x.dtype), shape=(B, 1)),
    ),
    Row(
        "step_numbers",
        lambda x: x * ops.reshape(ops.cast(ops.step_numbers(x.graph, B), to=x.dtype), shape=(B, 1)),
    ),
    Row("where", ops.where, (bools, real, real)),
    Row("where", ops.where, (bools, Given((3,)), Given((B, 1)))),
    Row("where", lambda c, x: ops.where(c, x, 1.0), (bools, real)),
    Row("sigmoid", ops.sigmoid),
    Row("sign", ops.sign),
    Row("sin", ops.sin),
    Row("softmax", ops.softmax),
    Row("softmax", ops.softmax, (Given((B, 2, 5)),)),
    Row("softmax", ops.softmax, (Given((4,)),)),
    *(Row("softmax", lambda x, a=axis: ops.softmax(x, axis=a), (Given((B, 2, 5)),)) for axis in (-2, -3)),
    Row("softplus", ops.softplus),
    Row("softsign", ops.softsign, (kinked,)),
    Row("sqrt", ops.sqrt, (positive,)),
    Row("square", ops.square),
    Row("subtract", ops.subtract, (real, Given((3,)))),
    Row("subtract", lambda x: 1.0 - x),
    Row("tanh", ops.tanh),
    Row("reduce_sum", ops.sum_all),
    Row("reduce_sum", lambda x: ops.reduce_sum(x, axes=(0,))),
    Row("reduce_sum", lambda x: ops.reduce_sum(x, axes=(1,))),
    Row("reduce_sum", lambda x: ops.reduce_sum(x, axes=(0, 2)), (Given((B, 2, 5)),)),
    Row("reduce_sum", lambda x: ops.reduce_sum(x, axes=(0, 1)), (Given((B, 2, 5)),)),
    Row("reduce_sum", lambda x: ops.reduce_sum(x, axes=(2, 4)), (Given((B, 2, 2, 3, 4, 2)),)),
    Row("reduce_sum", lambda x: ops.reduce_sum(x, axes=(1, 3)), (Given((B, 1, 2, 3, 1)),)),
    Row("reduce_sum", lambda x: ops.reduce_sum(x, axes=(1,)), (bools,)),
    Row("reduce_sum", ops.sum_all, (bools,)),
    Row("reduce_sum", ops.sum_last),
    Row("reduce_sum", ops.mean_all),
    Row("reduce_sum", lambda x: ops.mean(x, axes=(1, 2)), (Given((B, 2, 5)),)),
    Row("transpose", lambda x: ops.transpose(x, axes=(0, 2, 1)), (Given((B, 2, 5)),)),
    Row("transpose", lambda x: ops.transpose(x, axes=(2, 0, 1)), (Given((B, 2, 5)),)),
]


def build(row, dtype="float64"):
    graph = Graph(dtype)
    leaves = [leaf(graph, f"x{i}", "input", g.shape, g.dtype or None) for i, g in enumerate(row.given)]
    return graph, leaves, row.apply(*leaves)


def numbers(row, batch, seed=0):
    rng = np.random.default_rng(seed)
    return {f"x{i}": g.draw(rng, batch) for i, g in enumerate(row.given)}


def named(rows):
    return pytest.mark.parametrize("row", [pytest.param(r, id=f"{r.op}-{i}") for i, r in enumerate(rows)])


def flowing(row):
    """Build a loss on a row's result; return it with the leaves that it depends on smoothly."""
    graph, leaves, y = build(row)
    weights = leaf(graph, "w", "input", y.shape)
    loss = ops.sum_all(y * weights)
    return loss, [v for v in leaves if v.dtype == "float64" and reaches(v, loss)]


def reaches(source, loss):
    """Whether ops with a pullback lead from a leaf to the loss."""
    reached = {source.index}
    for value in loss.graph.values[: loss.index + 1]:
        flows = value.op.pullback is not None and value.op.name not in FLAT
        if flows and any(i.index in reached for i in value.inputs):
            reached.add(value.index)
    return loss.index in reached


FLAT = {
    "argmax",
    "cast",
    "equal",
    "floor_divide",
    "greater",
    "greater_equal",
    "indices",
    "dropout_mask",
    "less",
    "less_equal",
    "normal_noise",
    "one_hot",
    "sign",
    "uniform_noise",
}
"""Ops through which nothing flows back."""


def build_of_scalars(row, dtype="float64"):
    """Apply a row to numbers; return their graph, and the result."""
    graph = Graph(dtype)
    numbers_given = [number(graph, f"x{i}") for i in range(len(row.given))]
    inputs = [
        ops.greater(x, 0.0) if g.dtype == "bool" else x for x, g in zip(numbers_given, row.given, strict=True)
    ]
    return graph, row.apply(*inputs)


WITH_SCALARS = {op.name for op in OPS.values() if op.scalar}


OF_SCALARS = [row for row in TABLE if row.op in WITH_SCALARS]
