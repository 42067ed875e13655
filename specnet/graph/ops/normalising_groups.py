"""Ops that normalise each example over all of its places and a group of features, a few passes over memory each."""

from __future__ import annotations

from collections.abc import Sequence

from specnet.graph.attributes import Attributes, Prepared
from specnet.graph.graph import Op, Value
from specnet.graph.ops import normalising_numpy as source
from specnet.graph.record import GRADIENT_ONLY
from specnet.graph.rules import Scratch, like_first, per_input
from specnet.graph.sizes import Kind, static


class GroupAttributes(Attributes):
    """How many groups the features are in."""

    groups: int


class GroupMomentAttributes(Attributes):
    """How many groups the features are in, and what is added to the variance."""

    groups: int
    epsilon: float


GROUP_TILE = 65_536
"""Elements of a tile of some places of an example, or of a few examples: 256 KiB of float32.

The calls for smaller ones cost more than the nearer cache saves.
"""

_TILES = 8
"""Tiles of which the means are found together, before anything else is done with them."""

_WIDE = 8_192
"""Elements of the places that are taken as one row, at least. NumPy copies operands that are broadcast over fewer."""


def _places_at_once(places: int, features: int) -> int:
    """Return how many places are taken as one row: if possible a divisor of all."""
    least = -(-_WIDE // features)
    fitting = (n for n in range(least, 2 * least) if places % n == 0)
    return min(places, next(fitting, least))


def _scratch(tiles: int, vectors: int, rows: int) -> Scratch:
    """Return what a kernel over examples (places, features) needs.

    These are tiles; vectors of features, for the examples of a few tiles; and rows of several places, for those of one.
    A tile has several examples only where each is one row.
    """

    def scratch(value: Value) -> Sequence[Kind]:
        places, features = map(static, value.inputs[0].shape[1:])
        row, size = _places_at_once(places, features), places * features
        examples = GROUP_TILE // size if row == places else 0
        return [
            *[((max(GROUP_TILE, row * features),), value.dtype)] * tiles,
            *[((max(1, examples, _TILES * GROUP_TILE // size), 1, features), value.dtype)] * vectors,
            *[((max(1, examples), row, features), value.dtype)] * rows,
        ]

    return scratch


def _averages(value: Value, groups: int) -> dict[str, Prepared]:
    places, features = map(static, value.inputs[0].shape[1:])
    size = features // groups
    return {
        "average": Prepared("filled", ((1, places), 1.0 / places, value.dtype)),
        "share": Prepared("filled", (size, 1.0 / size, value.dtype)),
    }


def _of_features(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    (x,) = inputs
    return (x.shape[0], 2, x.shape[2]), x.dtype


def _moments_onnx(value: Value) -> str:
    places, features = map(static, value.inputs[0].shape[1:])
    groups = group_moments.of(value).groups
    size = features // groups
    return f"""\
apart = Reshape(a, [-1, {places}, {groups}, {size}])
mean = ReduceMean(apart, [1, 3], keepdims=1)
x = Sub(apart, mean)
root = Reciprocal(Sqrt(Add(ReduceMean(Mul(x, x), [1, 3], keepdims=1), {{epsilon}})))
Reshape(Expand(Concat(mean, root, axis=1), [1, 1, 1, {size}]), [-1, 2, {features}])"""


group_moments: Op[GroupMomentAttributes] = Op(
    "group_moments",
    _of_features,
    "group_moments({a}, {epsilon}, {average}, {share}, {s}, {s2}, {s3}, {s4}, {o})",
    attributes=GroupMomentAttributes,
    flops=per_input(4),
    scratch=_scratch(1, 2, 1),
    prepare=lambda value: _averages(value, group_moments.of(value).groups),
    calls=True,
    noun="moments",
    helper=(source.GROUP_MEANS, source.GROUP_MOMENTS),
    onnx=_moments_onnx,
)
"""Mean and 1 / sqrt(variance + epsilon) over all places and each of `groups` of features: (n, places, m) to (n, 2, m).

Each feature has those of its group. The op has no gradient of its own: `group_norm` has that of what they do in it.
"""

group_norm_grad: Op[GroupAttributes] = Op(
    "group_norm_grad",
    like_first,
    "group_norm_grad({a}, {b}, {c}, {average}, {share}, {s}, {s2}, {s3}, {s4}, {s5}, {s6}, {s7}, {o})",
    attributes=GroupAttributes,
    flops=per_input(8),
    scratch=_scratch(1, 3, 3),
    prepare=lambda value: _averages(value, group_norm_grad.of(value).groups),
    calls=True,
    noun="slopes",
    helper=(source.GROUP_MEANS, source.GROUP_NORM_GRAD),
    onnx=GRADIENT_ONLY,
)
"""The gradient of x in `group_norm`, given g, what it gave, and the moments of x."""

group_norm: Op[GroupAttributes] = Op(
    "group_norm",
    like_first,
    "group_norm({a}, {b}, {s}, {s2}, {o})",
    lambda g, y, x, moments, groups: (group_norm_grad(g, y, moments, groups=groups), None),
    attributes=GroupAttributes,
    flops=per_input(2),
    scratch=_scratch(0, 0, 2),
    calls=True,
    noun="normal",
    printed="({a} - {b}[:, :1]) * {b}[:, 1:]",
    onnx="Mul(Sub(a, Slice(b, [0], [1], [1])), Slice(b, [1], [2], [1]))",
)
"""(x - mean) / sqrt(variance + epsilon) for x (n, places, m), given its moments over each of `groups` of features.

The gradient of x is the whole one, what flows through the moments included: they must be those of x.
"""
