"""Normalisation of each example by itself: the same in training and in evaluation."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import Dim, count, joined, show, static
from specnet.vocabulary.layers import ALL_STEPS, Layer
from specnet.vocabulary.layers.affine import Affine, ScaledLayer, inner_axis, sizes
from specnet.vocabulary.layers.masks import beside, normalised

Axes = int | Annotated[tuple[int, ...], Field(min_length=1)]
Order = tuple[tuple[int, ...], int]


def _rows(x: Value, last: int) -> tuple[Dim, int]:
    """Return the shape of the matrix that has x's last axes as its rows."""
    return joined(x.shape[:-last]), count(x.shape[-last:]).each


def _normal(x: Value, last: int, epsilon: float, *, center: bool) -> Value:
    """Normalise x over its last axes."""
    y = ops.layer_norm(ops.reshape(x, shape=_rows(x, last)), center=center, epsilon=epsilon)
    return ops.reshape(y, shape=x.shape)


def _over(
    build: Builder, layer: Layer, x: Value, axis: Axes, epsilon: float, *, center: bool
) -> tuple[Value, Order]:
    """Normalise x over some axes, and put them last; return the order of axes that has, and how many these are.

    Where one of them is that of steps, those that are padding do not count.
    """
    order, last = _order(layer, x, axis)
    turned = ops.transpose(x, axes=order) if order != tuple(range(x.rank)) else x
    mask = build.mask_of(x)
    if mask is None or 1 not in order[x.rank - last :]:
        return _normal(turned, last, epsilon, center=center), (order, last)
    clean, weights = build.without_padding(x), ops.expand(beside(mask, x), shape=x.shape)
    if turned is not x:
        clean, weights = (ops.transpose(value, axes=order) for value in (clean, weights))
    axes = tuple(range(x.rank - last, x.rank))
    return normalised(clean, weights, axes, epsilon, center=center), (order, last)


def _order(layer: Layer, x: Value, axis: Axes) -> tuple[tuple[int, ...], int]:
    """Return the order of axes that puts those that are meant last, and how many they are."""
    meant = tuple(inner_axis(layer, x, a) for a in ((axis,) if isinstance(axis, int) else axis))
    if len(set(meant)) < len(meant):
        raise ShapeFault(
            f"axis = {list(meant)} names an axis of {show(x.shape)} twice", x, help="name each axis once"
        )
    return (*(a for a in range(x.rank) if a not in meant), *meant), len(meant)


def _over_steps(layer: Layer, x: Value, axis: Axes) -> str | None:
    """Return a message if a layer normalizes over the steps of x (batch, steps, ...), else None."""
    order, last = _order(layer, x, axis)
    return "normalizes over the steps of a sequence" if 1 in order[-last:] else None


class LayerNorm(Affine):
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, over the features of each position separately.

    x (batch, ..., features) -> y of the same shape; gamma and beta are (features,). With other axes than the last,
    mean and variance are taken over all of them, and gamma and beta have their shape, in the order in which they
    are named (Ba et al., 2016). The variance divides by the number of features. Epsilon is 1e-3 as in Keras;
    PyTorch has 1e-5.
    """

    type: Literal["layer_norm"] = "layer_norm"
    axis: Axes = -1
    """The axis to normalise over, or several, counted from the batch axis, which is 0, or from the end, which is -1."""

    masking: ClassVar[MaskUse] = "each"
    memberwise: ClassVar[bool] = True

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        return _over_steps(self, xs[0], self.axis)

    def lower(self, build: Builder, x: Value) -> Value:
        y, (order, last) = _over(build, self, x, self.axis, self.epsilon, center=True)
        y = self.affine(build, y, sizes(y, tuple(range(x.rank - last, x.rank))))
        return y if order == tuple(range(x.rank)) else ops.transpose(y, axes=_back(order))


class RMSNorm(ScaledLayer):
    """y = gamma * x / sqrt(mean(x^2) + epsilon), over the features of each position separately.

    x (batch, ..., features) -> y of the same shape; gamma is (features,), or has the shape of `axis` (Zhang and
    Sennrich, 2019). Epsilon is 1e-6 as in Keras; PyTorch uses the machine epsilon of the dtype.
    """

    type: Literal["rms_norm"] = "rms_norm"
    axis: Axes = -1
    """The axis to normalise over, or several, counted from the batch axis, which is 0, or from the end, which is -1."""
    epsilon: PositiveFloat = 1e-6
    """Added to mean squares to avoid division by zero."""

    masking: ClassVar[MaskUse] = "each"
    memberwise: ClassVar[bool] = True

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        return _over_steps(self, xs[0], self.axis)

    def lower(self, build: Builder, x: Value) -> Value:
        y, (order, last) = _over(build, self, x, self.axis, self.epsilon, center=False)
        y = self.scaled(build, y, sizes(y, tuple(range(x.rank - last, x.rank))))
        return y if order == tuple(range(x.rank)) else ops.transpose(y, axes=_back(order))


def _back(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(order)), key=order.__getitem__))


def _by_groups(build: Builder, x: Value, groups: int, epsilon: float) -> Value:
    """Normalise x (batch, ..., features) over all places and the features of each of so many groups.

    Steps that are padding do not count.
    """
    batch, features = x.shape[0], x.shape[-1]
    assert isinstance(features, int)
    between, mask = joined(x.shape[1:-1]), build.mask_of(x)
    if mask is not None:
        shape = (batch, between, groups, features // groups)
        there = ops.expand(beside(mask, x), shape=x.shape)
        clean, there = (ops.reshape(value, shape=shape) for value in (build.without_padding(x), there))
        return ops.reshape(normalised(clean, there, (1, 3), epsilon), shape=x.shape)
    between = static(between)
    if groups == 1 or between == 1:
        y = ops.reshape(x, shape=(batch, groups, between * features // groups))
        return ops.reshape(_normal(y, 1, epsilon, center=True), shape=x.shape)
    y = ops.reshape(x, shape=(batch, between, features))
    moments = ops.group_moments(y, groups=groups, epsilon=epsilon)
    return ops.reshape(ops.group_norm(y, moments, groups=groups), shape=x.shape)


class GroupNorm(Affine):
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, over all positions and a group of features.

    x (batch, ..., features) -> y of the same shape; group i has the features from i * features / groups on, and
    gamma and beta are (features,) (Wu and He, 2018). With one group it is a `layer_norm` over everything except for
    the shape of gamma and beta; with a group for each feature it is `instance_norm`. Epsilon is 1e-3 as in Keras;
    PyTorch has 1e-5.
    """

    type: Literal["group_norm"] = "group_norm"
    groups: PositiveInt = 32
    """The number of groups that the features are divided into, in equal parts."""

    masking: ClassVar[MaskUse] = "each"

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        return ALL_STEPS

    def lower(self, build: Builder, x: Value) -> Value:
        features = self.features(x)
        if features % self.groups:
            fitting = [n for n in range(1, features + 1) if features % n == 0]
            raise ShapeFault(
                f"group_norm cannot divide the {features} features of {show(x.shape)} into {self.groups} equal groups",
                x,
                help=f"groups = {max((n for n in fitting if n <= self.groups), default=1)}",
            )
        if features == self.groups and x.rank == 2:
            raise ShapeFault(
                f"group_norm would leave nothing of {show(x.shape)}: each of its {self.groups} groups is one number",
                x,
                help="take fewer groups, or `layer_norm`",
            )
        return self.affine(build, _by_groups(build, x, self.groups, self.epsilon), (features,))


class InstanceNorm(Affine):
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, over all positions of each feature of each example.

    x (batch, ..., features) -> y of the same shape; gamma and beta are (features,) (Ulyanov et al., 2016). There
    are no running statistics. PyTorch's InstanceNorm has neither gamma nor beta unless `affine` is set, and an
    epsilon of 1e-5.
    """

    type: Literal["instance_norm"] = "instance_norm"

    masking: ClassVar[MaskUse] = "each"

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        return ALL_STEPS

    def lower(self, build: Builder, x: Value) -> Value:
        features = self.features(x)
        if x.rank < 3:
            raise ShapeFault(
                f"instance_norm needs inputs with places, (batch, ..., features), got {show(x.shape)}",
                x,
                help="`layer_norm` is over the features of each row",
            )
        return self.affine(build, _by_groups(build, x, features, self.epsilon), (features,))
