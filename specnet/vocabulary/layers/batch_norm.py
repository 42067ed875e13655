from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import Value
from specnet.graph.leaves import constant
from specnet.graph.sizes import count
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers import ALL_STEPS
from specnet.vocabulary.layers.affine import Affine, inner_axis, sizes
from specnet.vocabulary.layers.masks import beside, moments


class BatchNorm(Affine):
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, for each feature.

    x (batch, ..., features) -> y of the same shape; gamma, beta, moving_mean and moving_variance are (features,).
    In training, mean and variance are taken over all n values of the feature in the batch; the variance divides
    by n. Steps of sequences that are padding do not count. After each step,

        moving_mean     <- momentum * moving_mean     + (1 - momentum) * mean
        moving_variance <- momentum * moving_variance + (1 - momentum) * variance * n / (n - 1)

    and in evaluation these two are used as mean and variance (Ioffe and Szegedy, 2015). As in the paper and in
    PyTorch, the running variance is the unbiased one; Keras omits the factor n / (n - 1). PyTorch's momentum
    is 1 - momentum, 0.1 by default, and its epsilon 1e-5. If a batch has one value per feature, as a last batch of one
    row, the variance is 0, y is beta, and the two running statistics stay as they are; PyTorch raises an error. With
    `trainable = false` the layer computes the same in training as in evaluation, as in Keras.
    """

    type: Literal["batch_norm"] = "batch_norm"
    axis: int = -1
    """The axis of the features, counted from the batch axis, which is 0, or from the end, which is -1."""
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.99
    """The fraction of a running statistic that each step keeps."""
    moving_mean_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("zeros")
    """Initializer of the running mean."""
    moving_variance_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("ones")
    """Initializer of the running variance."""

    masking: ClassVar[MaskUse] = "each"

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        return ALL_STEPS if inner_axis(self, xs[0], self.axis) == 1 else None

    def lower(self, build: Builder, x: Value) -> Value:
        axis = inner_axis(self, x, self.axis)
        order = (*(a for a in range(x.rank) if a != axis), axis)
        back = tuple(sorted(range(x.rank), key=order.__getitem__))
        shape = sizes(x, (axis,))
        turned = x if axis == x.rank - 1 else ops.transpose(x, axes=order)
        mean = build.statistic("moving_mean", shape, self.moving_mean_init)
        variance = build.statistic("moving_variance", shape, self.moving_variance_init)
        mask = build.mask_of(x)
        if build.training and build.scope.trainable and mask is not None:
            there = ops.expand(beside(mask, x), shape=x.shape)
            clean = build.without_padding(x)
            if turned is not x:
                clean, there = (ops.transpose(value, axes=order) for value in (clean, there))
            y = self._by_steps(build, clean, there, mean, variance)
        elif build.training and build.scope.trainable:
            y = self._by_batch(build, turned, mean, variance)
        else:
            y = self._by_history(build, turned, mean, variance)
        return y if turned is x else ops.transpose(y, axes=back)

    def _by_batch(self, build: Builder, x: Value, mean: Value, variance: Value) -> Value:
        matrix = ops.rows(x)
        moments = ops.batch_moments(matrix)
        values = count(matrix.shape[:1])
        build.follow(mean, ops.row_of(moments, 0), self.momentum, values)
        build.follow(variance, ops.row_of(moments, 2), self.momentum, values)
        gamma, beta = self._parameters(build, mean)
        y = ops.batch_norm(matrix, moments, gamma, beta, epsilon=self.epsilon)
        return ops.reshape(y, shape=x.shape)

    def _by_steps(self, build: Builder, x: Value, there: Value, mean: Value, variance: Value) -> Value:
        """Normalise by the elements that are 1 in `there`: all but those of steps that are padding."""
        axes = tuple(range(x.rank - 1))
        middle, spread, number = (ops.reshape(value, shape=mean.shape) for value in moments(x, there, axes))
        unbiased = spread * (number / ops.maximum(number - 1.0, 1.0))
        values = count(x.shape[:-1])
        # A feature that no element of the batch has keeps its statistics.
        build.follow(mean, ops.where(ops.greater(number, 0.5), middle, mean), self.momentum, values)
        build.follow(variance, ops.where(ops.greater(number, 1.5), unbiased, variance), self.momentum, values)
        gamma, beta = self._parameters(build, mean)
        return (x - middle) / ops.sqrt(spread + self.epsilon) * gamma + beta

    def _by_history(self, build: Builder, x: Value, mean: Value, variance: Value) -> Value:
        gamma, beta = self._parameters(build, mean)
        factor = gamma / ops.sqrt(variance + self.epsilon)
        return x * factor + (beta - mean * factor)

    def _parameters(self, build: Builder, like: Value) -> tuple[Value, Value]:
        """Return gamma and beta, or ones and zeros where the layer has none."""
        ones, zeros = (ops.expand(constant(build.graph, c), shape=like.shape) for c in (1.0, 0.0))
        shape = sizes(like, (0,))
        gamma = (
            build.parameter("gamma", shape, self.gamma_init, self.gamma_regularizer) if self.scale else ones
        )
        beta = build.parameter("beta", shape, self.beta_init, self.beta_regularizer) if self.center else zeros
        return gamma, beta
