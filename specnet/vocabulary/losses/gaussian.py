"""A loss for networks that say how sure they are of a number."""

from __future__ import annotations

from math import log, pi
from typing import ClassVar, Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import DType, Shape
from specnet.vocabulary.losses.loss import Loss, OutputActivation, aligned, amount


class GaussianNLL(Loss):
    """(log v + (y - t)^2 / v) / 2 for every target t: the negative log-likelihood of a normal distribution.

    The network has twice as many outputs as there are targets: along the last axis the means y, followed by the
    logarithms s of the variances, v = exp(s) + epsilon, which is positive for any s (Nix and Weigend, 1994).
    Predictions and metrics use the means. The last layer must be linear, since an activation would distort both means
    and variances. PyTorch's `GaussianNLLLoss` takes v itself and clamps it to epsilon; Keras has no such loss.
    """

    type: Literal["gaussian_nll"] = "gaussian_nll"
    full: bool = False
    """Whether to add the constant log(2 pi) / 2, as PyTorch's `full` does."""
    epsilon: PositiveFloat = 1e-6
    """The minimum variance."""

    default_metrics: ClassVar[tuple[str, ...]] = ("rmse", "r2")

    @property
    def output_activation(self) -> OutputActivation:
        """What turns the network's output into predicted means."""
        return "mean"

    @property
    def outputs_per_target(self) -> int:
        """How many values the network gives for each target: a mean and the logarithm of a variance."""
        return 2

    def point(self, output: Value) -> Value:
        """Return the means of an output."""
        last = output.shape[-1]
        if not isinstance(last, int) or last < 2:
            return output  # `fault` says what is wrong
        return ops.crop(output, margins=(*((0, 0),) * (output.rank - 1), (0, last - last // 2)))

    def pooled(self, outputs: Value) -> Value:
        """Return the mean and the variance of the mixture of the members' distributions."""
        last = outputs.shape[-1]
        assert isinstance(last, int)
        before = ((0, 0),) * (outputs.rank - 1)
        means = ops.crop(outputs, margins=(*before, (0, last // 2)))
        variances = ops.exp(ops.crop(outputs, margins=(*before, (last // 2, 0))))
        mean = ops.mean(means, axes=(0,))
        variance = ops.mean(variances + ops.square(means - mean), axes=(0,))
        return ops.concat(mean, ops.log(variance), axis=outputs.rank - 2)

    def fault(self, output: Shape, target: Shape, dtype: DType, classes: int | None) -> str | None:
        last = output[-1]
        wanted = target if len(target) > 1 else (*target, 1)
        assert isinstance(wanted[-1], int)
        if isinstance(last, int) and last % 2 == 0 and (*output[:-1], last // 2) == wanted:
            return None
        return (
            f"{self.type} takes a mean and the logarithm of a variance for each target: the last layer gives "
            f"{amount(output, 'values')} per row, and the data has {amount(target, 'numbers')}: it takes "
            f"{amount((*wanted[:-1], wanted[-1] * 2), 'values')}"
        )

    def elements(self, output: Value, target: Value) -> Value:
        last = output.shape[-1]
        assert isinstance(last, int)
        before = ((0, 0),) * (output.rank - 1)
        mean = ops.crop(output, margins=(*before, (0, last // 2)))
        s = ops.crop(output, margins=(*before, (last // 2, 0)))
        # log(exp(s) + epsilon), which neither overflows nor leaves the variance stuck at its least.
        logv = ops.softplus(s - log(self.epsilon)) + log(self.epsilon)
        cost = (logv + ops.square(mean - aligned(mean, target)) * ops.exp(-logv)) * 0.5
        return cost + 0.5 * log(2.0 * pi) if self.full else cost
