"""The loss of sequences that are spelt by the steps of another, at times that nobody knows."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, NonNegativeInt

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import DType, Shape, show
from specnet.vocabulary.losses.alignment import alignment_costs
from specnet.vocabulary.losses.loss import SoftmaxLoss


class CTC(SoftmaxLoss):
    """-log of the probability that the steps of a row spell its target: connectionist temporal classification.

    The output is (batch, steps, classes) of logits, and the target (batch, length) of class indices, filled up with
    `padding_index`. Each step says a class or the blank; repeated classes count once, and blanks are left out. The
    probability is the sum over all ways to say the target (Graves et al., 2006), with p = softmax(logits). Steps that
    are padding say nothing. It is PyTorch's `ctc_loss`, which takes the lengths instead; the mean is taken over rows,
    as in Keras, where PyTorch first divides the cost of each row by the length of its target.
    """

    type: Literal["ctc"] = "ctc"
    blank: NonNegativeInt = Field(default=0, examples=[27])
    """The class that stands for no class."""
    padding_index: int | None = Field(default=None, ge=-(2**31), lt=2**31, examples=[-1])
    """The class index that fills up targets behind their end; by default the blank."""
    zero_infinity: bool = False
    """Whether a target that does not fit into the steps of its row costs nothing; else it costs infinitely much."""

    by_step: ClassVar[bool] = False
    default_metrics: ClassVar[tuple[str, ...]] = ("edit_distance",)
    unmixable: ClassVar[str | None] = "sequences have no mean"

    @property
    def ignored(self) -> int | None:
        """The class index that fills up targets."""
        return self.blank if self.padding_index is None else self.padding_index

    def fault(self, output: Shape, target: Shape, dtype: DType, classes: int | None) -> str | None:
        if dtype != "int64" or len(target) != 2:
            return f"{self.type} takes targets that are a class index for each of several places, got {show(target)}"
        if len(output) != 3:
            return f"{self.type} takes a value for each step and class, (batch, steps, classes), got {show(output)}"
        units = output[2]
        assert isinstance(units, int)
        if self.blank >= units:
            return f"the last layer gives {units} values for each step, and the blank is class {self.blank}"
        if classes is not None and units < classes:
            return f"the last layer gives {units} values for each step, and the data has {classes} classes"
        return None

    def value_fault(self, minimum: float, maximum: float) -> str | None:
        return super().value_fault(max(minimum, 0.0) if minimum == self.ignored else minimum, maximum)

    def elements(self, output: Value, target: Value) -> Value:
        return self._costs(output, target, None)

    def elements_of_sequences(self, output: Value, target: Value, mask: Value) -> Value:
        return self._costs(output, target, mask)

    def _costs(self, output: Value, target: Value, mask: Value | None) -> Value:
        numbers = ops.cast(target, to=output.dtype)
        assert self.ignored is not None
        there = ops.where(ops.equal(numbers, float(self.ignored)), 0.0, 1.0)
        cost, fits = alignment_costs(ops.log_softmax(output), target, there, self.blank, mask)
        if self.zero_infinity:
            return ops.where(fits, cost, 0.0)
        # The logarithm of 0 is infinite, and that of 1 is 0.
        return cost - ops.log(ops.where(fits, 1.0, 0.0))
