"""Cross-entropies that make little of what is already right."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import DType, Shape, static
from specnet.vocabulary.losses.ignoring import Ignoring
from specnet.vocabulary.losses.loss import (
    ClassWeights,
    SigmoidLoss,
    aligned,
    class_weights,
    weights_fault,
)

Gamma = Annotated[float, Field(ge=0)]

MINIMUM = 1e-30
"""What a miss is taken for at least, so that its power has a slope; it costs less than any digit of either dtype."""


class Focal(Ignoring):
    """-(1 - p_c)^gamma * log p_c for the class c of each row, p = softmax(logits) (Lin et al., 2017).

    With one-hot targets or rows of probabilities t it is -sum_i t_i * (1 - p_i)^gamma * log p_i. `gamma = 0` is the
    cross-entropy. `class_weights`, alpha in the paper, multiply the terms of each class; the mean is taken over rows.
    Keras's `CategoricalFocalCrossentropy` multiplies all terms by alpha = 0.25 by default; PyTorch has no such loss.
    For binary targets use `binary_focal`.
    """

    type: Literal["focal"] = "focal"
    gamma: Gamma = Field(default=2.0, examples=[2.0])
    """How strongly rows that are nearly right are down-weighted."""
    class_weights: ClassWeights = Field(default=None, examples=[[1.0, 3.0], "balanced"])
    """The weights of the classes, in their order; by default all are equal. `balanced` gives a class of n_c among n
    training rows of k classes the weight n / (k * n_c), as in scikit-learn, so that all classes count the same."""

    binary: ClassVar[str] = "binary_focal"
    for_rare: ClassVar[bool] = True

    def fault(self, output: Shape, target: Shape, dtype: DType, classes: int | None) -> str | None:
        return weights_fault(self.class_weights, output) or super().fault(output, target, dtype, classes)

    def elements(self, output: Value, target: Value) -> Value:
        logp = ops.log_softmax(output)
        chosen = target.dtype == "int64"
        target, mask = self.known(target)
        log_of = ops.take_along_axis(logp, target) if chosen else logp
        # 1 - p, which keeps its digits where p is nearly 1.
        cost = -(_power(-ops.expm1(log_of), self.gamma) * log_of)
        if self.class_weights is not None:
            weights = ops.fixed(output.graph, class_weights(self.class_weights, static(output.shape[-1])))
            cost = cost * (ops.gather(weights, target) if chosen else weights)
        return self.shared(cost, mask) if chosen else ops.reduce_sum(target * cost, axes=(logp.rank - 1,))


class BinaryFocal(SigmoidLoss):
    """(1 - q)^gamma * (-t log p - (1 - t) log(1 - p)) for every element, p = sigmoid(logit), t in [0, 1].

    q = t * p + (1 - t) * (1 - p) is the probability of the true value (Lin et al., 2017). `alpha` weights the two: the
    weight of an element is alpha * t + (1 - alpha) * (1 - t). torchvision's `sigmoid_focal_loss` has alpha = 0.25 by
    default; Keras's `BinaryFocalCrossentropy`, as this one, applies weights only on request.
    """

    type: Literal["binary_focal"] = "binary_focal"
    gamma: Gamma = Field(default=2.0, examples=[2.0])
    """How strongly elements that are nearly right are down-weighted."""
    alpha: Annotated[float, Field(gt=0, lt=1)] | None = Field(default=None, examples=[0.25])
    """The weight of targets that are 1; those that are 0 have weight 1 - alpha. By default both have weight 1."""

    for_rare: ClassVar[bool] = True

    def elements(self, output: Value, target: Value) -> Value:
        t = aligned(output, target)
        missed = t * ops.sigmoid(-output) + (1.0 - t) * ops.sigmoid(output)
        cost = _power(missed, self.gamma) * (ops.softplus(output) - t * output)
        if self.alpha is None:
            return cost
        return cost * (t * (2.0 * self.alpha - 1.0) + (1.0 - self.alpha))


def _power(x: Value, gamma: float) -> Value:
    """Return x^gamma, x in [0, 1]."""
    if gamma == 2.0:
        return ops.square(x)
    return ops.power(ops.maximum(x, MINIMUM), gamma)
