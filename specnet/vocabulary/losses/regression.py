"""Losses that compare numbers."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.losses.loss import Link, Loss, aligned


class MeanSquaredError(Loss):
    """(y - t)^2, for every element."""

    type: Literal["mse"] = "mse"

    def elements(self, output: Value, target: Value) -> Value:
        """Return the cost of each element."""
        return ops.square(output - aligned(output, target))


class MeanAbsoluteError(Loss):
    """|y - t|, for every element; the slope at 0 is taken as 0."""

    type: Literal["mae"] = "mae"
    default_metrics: ClassVar[tuple[str, ...]] = ("rmse", "r2")

    def elements(self, output: Value, target: Value) -> Value:
        """Return the cost of each element."""
        return ops.absolute(output - aligned(output, target))


class Huber(Loss):
    """r^2 / 2 where |r| <= delta, else delta * (|r| - delta / 2), r = y - t, for every element (Huber, 1964).

    This is the `HuberLoss` of PyTorch and the `Huber` of Keras; PyTorch's `SmoothL1Loss` is it over delta.
    """

    type: Literal["huber"] = "huber"
    delta: PositiveFloat = 1.0
    """Where the square ends and the straight line begins."""

    def elements(self, output: Value, target: Value) -> Value:
        """Return the cost of each element."""
        return ops.huber(output - aligned(output, target), delta=self.delta)


class LogCosh(Loss):
    """log(cosh(r)), r = y - t, for every element: r^2 / 2 near 0 and |r| - log 2 far off, as in Keras."""

    type: Literal["log_cosh"] = "log_cosh"

    def elements(self, output: Value, target: Value) -> Value:
        """Return the cost of each element."""
        return ops.log_cosh(output - aligned(output, target))


class Poisson(Loss):
    """exp(y) - t * y for every element: the negative log-likelihood of counts t, but for the term log(t!).

    The network gives the logarithm y of the expected count, as PyTorch's `PoissonNLLLoss` has it by default,
    and predictions are exp(y). With `log_input = false` it gives the expected count itself, and the cost is
    y - t * log(y + 1e-8), with PyTorch's epsilon (Keras knows this form alone, with 1e-7): its last
    activation must then keep it above 0, as `softplus` does.
    """

    type: Literal["poisson"] = "poisson"
    log_input: bool = True
    """Whether the last layer gives the logarithm of the expected count."""
    default_metrics: ClassVar[tuple[str, ...]] = ("mae",)
    least: ClassVar[float | None] = 0.0

    @property
    def link(self) -> Link:
        """What turns the network's output into expected counts."""
        return "exp" if self.log_input else "identity"

    def elements(self, output: Value, target: Value) -> Value:
        """Return the cost of each element."""
        counts = aligned(output, target)
        if self.log_input:
            return ops.exp(output) - counts * output
        return output - counts * ops.log(output + 1e-8)
