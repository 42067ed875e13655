"""Losses that compare with classes and with probabilities."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import DType, Shape, static
from specnet.vocabulary.losses.ignoring import Ignoring
from specnet.vocabulary.losses.loss import (
    ClassWeights,
    Loss,
    SigmoidLoss,
    SoftmaxLoss,
    Targets,
    aligned,
    class_weights,
    weights_fault,
)

Smoothing = Annotated[float, Field(ge=0, lt=1)]


class CrossEntropy(Ignoring):
    """-log p_c for the class c of each row, p = softmax(logits); with one-hot targets t, -sum_i t_i log p_i.

    Rows of any probabilities may be used instead of one-hot targets. `label_smoothing` e mixes the target with a
    uniform distribution over all k classes, (1 - e) * t + e / k (Szegedy et al., 2016), as in PyTorch and Keras.

    `class_weights` multiply the loss of each row by the weight of its class (by the mean weight under t if t is a row
    of probabilities). The mean is taken over rows, as in Keras; PyTorch divides by the sum of the rows' weights
    instead, and weights each term of a smoothed target or a row of probabilities by the class of that term.
    """

    type: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: Smoothing = Field(default=0.0, examples=[0.1])
    """The fraction of each target that is spread uniformly over all classes."""
    class_weights: ClassWeights = Field(default=None, examples=[[1.0, 3.0], "balanced"])
    """The weights of the classes, in their order; by default all are equal. `balanced` gives a class of n_c among n
    training rows of k classes the weight n / (k * n_c), as in scikit-learn, so that all classes count the same."""

    def fault(self, output: Shape, target: Shape, dtype: DType, classes: int | None) -> str | None:
        return weights_fault(self.class_weights, output) or super().fault(output, target, dtype, classes)

    def elements(self, output: Value, target: Value) -> Value:
        logp = ops.log_softmax(output)
        last = logp.rank - 1
        target, mask = self.known(target)
        cost = -_expected(logp, target)
        if self.label_smoothing:
            spread = ops.mean(logp, axes=(last,)) * -self.label_smoothing
            cost = cost * (1.0 - self.label_smoothing) + spread
        if self.class_weights is None:
            return self.shared(cost, mask)
        weights = ops.fixed(output.graph, class_weights(self.class_weights, static(output.shape[-1])))
        if target.dtype == "int64":
            return self.shared(cost * ops.gather(weights, target), mask)
        return cost * ops.reduce_sum(target * weights, axes=(last,))


class KLDivergence(SoftmaxLoss):
    """sum_i t_i * log(t_i / p_i) for each row, p = softmax(logits), t a row of probabilities.

    Where t_i is 0 its term is 0 (Kullback and Leibler, 1951). The mean is taken over rows: `batchmean` in PyTorch.
    A class index is read as a one-hot row, for which this is the cross-entropy.
    """

    type: Literal["kl_divergence"] = "kl_divergence"

    def elements(self, output: Value, target: Value) -> Value:
        logp = ops.log_softmax(output)
        if target.dtype == "int64":
            return -ops.take_along_axis(logp, target)
        # 0 * log(1e-30) is 0, and no probability that matters is below that in either dtype.
        logt = ops.log(ops.maximum(target, 1e-30))
        return ops.reduce_sum(target * (logt - logp), axes=(logp.rank - 1,))


class BinaryCrossEntropy(SigmoidLoss):
    """-t log p - (1 - t) log(1 - p) for every element, p = sigmoid(logit), t in [0, 1].

    It is computed as log(1 + exp(z)) - t * z of the logit z, which never overflows. `positive_weight` w
    multiplies the first term, as in PyTorch: (1 - t) * z + (1 + (w - 1) * t) * log(1 + exp(-z)).
    `label_smoothing` e turns t into (1 - e) * t + e / 2, as in Keras, and the weight multiplies that.
    """

    type: Literal["binary_cross_entropy"] = "binary_cross_entropy"
    label_smoothing: Smoothing = Field(default=0.0, examples=[0.1])
    """How far targets are moved from 0 and 1 towards one half."""
    positive_weight: PositiveFloat = Field(default=1.0, examples=[3.0])
    """The weight of targets that are 1; those that are 0 have weight 1."""

    def elements(self, output: Value, target: Value) -> Value:
        t = aligned(output, target)
        if self.label_smoothing:
            t = t * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing
        if self.positive_weight == 1.0:
            return ops.softplus(output) - t * output
        weight = t * (self.positive_weight - 1.0) + 1.0
        return (1.0 - t) * output + weight * ops.softplus(-output)


class _MarginLoss(Loss):
    """Base of the losses that compare a score with the sign of its target, -1 or 1."""

    targets: ClassVar[Targets] = "binary"
    minimum: ClassVar[float | None] = -1.0
    maximum: ClassVar[float | None] = 1.0
    default_metrics: ClassVar[tuple[str, ...]] = ("accuracy",)
    unmixable: ClassVar[str | None] = (
        "this loss treats each target as one of two classes, and a mean is neither"
    )
    threshold: ClassVar[float] = 0.0


class Hinge(_MarginLoss):
    """max(0, 1 - t * y) for every element, t = -1 or 1 (Cortes and Vapnik, 1995).

    Targets 0 and 1 are read as -1 and 1, as in Keras. The output y is a score, not a probability: class 1 is
    predicted where the score is at least 0.
    """

    type: Literal["hinge"] = "hinge"

    def elements(self, output: Value, target: Value) -> Value:
        return ops.relu(1.0 - _signs(output, target) * output)


class SquaredHinge(_MarginLoss):
    """max(0, 1 - t * y)^2 for every element, t = -1 or 1: a smooth `hinge`, as in Keras.

    Targets 0 and 1 are read as -1 and 1. The output y is a score, not a probability: class 1 is predicted where the
    score is at least 0.
    """

    type: Literal["squared_hinge"] = "squared_hinge"

    def elements(self, output: Value, target: Value) -> Value:
        return ops.square(ops.relu(1.0 - _signs(output, target) * output))


def _expected(values: Value, target: Value) -> Value:
    """Return a value for each row: that of its class, or the mean of all under its probabilities."""
    if target.dtype == "int64":
        return ops.take_along_axis(values, target)
    return ops.reduce_sum(target * values, axes=(values.rank - 1,))


def _signs(output: Value, target: Value) -> Value:
    """Return -1 and 1 for targets that are 0 and 1, or -1 and 1 already."""
    return ops.where(ops.greater(aligned(output, target), 0.0), 1.0, -1.0)
