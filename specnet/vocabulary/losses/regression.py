"""Losses that compare numbers."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.losses.loss import Loss, OutputActivation, aligned


class MeanSquaredError(Loss):
    """(y - t)^2, for every element."""

    type: Literal["mse"] = "mse"

    def elements(self, output: Value, target: Value) -> Value:
        return ops.square(output - aligned(output, target))


class MeanAbsoluteError(Loss):
    """|y - t|, for every element; the gradient at 0 is 0."""

    type: Literal["mae"] = "mae"
    default_metrics: ClassVar[tuple[str, ...]] = ("rmse", "r2")

    def elements(self, output: Value, target: Value) -> Value:
        return ops.absolute(output - aligned(output, target))


class Huber(Loss):
    """r^2 / 2 where |r| <= delta, else delta * (|r| - delta / 2), r = y - t, for every element (Huber, 1964).

    This is PyTorch's `HuberLoss` and Keras's `Huber`; PyTorch's `SmoothL1Loss` is this divided by delta.
    """

    type: Literal["huber"] = "huber"
    delta: PositiveFloat = 1.0
    """The |r| at which the loss changes from quadratic to linear."""

    def elements(self, output: Value, target: Value) -> Value:
        return ops.huber(output - aligned(output, target), delta=self.delta)


class LogCosh(Loss):
    """log(cosh(r)), r = y - t, for every element: about r^2 / 2 near 0 and |r| - log 2 far from it, as in Keras."""

    type: Literal["log_cosh"] = "log_cosh"

    def elements(self, output: Value, target: Value) -> Value:
        return ops.log_cosh(output - aligned(output, target))


class Poisson(Loss):
    """exp(y) - t * y for every element: the negative log-likelihood of counts t, without the term log(t!).

    The network's output y is the logarithm of the expected count, as by default in PyTorch's `PoissonNLLLoss`,
    and predictions are exp(y). With `log_input = false` the output is the expected count itself, and the loss is
    y - t * log(y + 1e-8), with PyTorch's epsilon (Keras only has this form, with 1e-7): the last activation must
    then keep it above 0, as `softplus` does.
    """

    type: Literal["poisson"] = "poisson"
    log_input: bool = True
    """Whether the output of the last layer is the logarithm of the expected count."""
    default_metrics: ClassVar[tuple[str, ...]] = ("mae",)
    minimum: ClassVar[float | None] = 0.0

    @property
    def output_activation(self) -> OutputActivation:
        """What turns the network's output into expected counts."""
        return "exp" if self.log_input else "identity"

    def elements(self, output: Value, target: Value) -> Value:
        counts = aligned(output, target)
        if self.log_input:
            return ops.exp(output) - counts * output
        return output - counts * ops.log(output + 1e-8)
