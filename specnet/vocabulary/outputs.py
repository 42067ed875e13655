"""What a network with several outputs is trained for: a loss for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat
from pydantic_core import PydanticCustomError

from specnet.graph.graph import Value
from specnet.vocabulary.kind import Table, fault, table_check
from specnet.vocabulary.losses import LOSSES, Loss, Targets
from specnet.vocabulary.metrics import METRICS, Metric
from specnet.vocabulary.thresholds import Threshold


class NamedOutput(Table):
    """One output of a network: its layer, target, loss, weight and metrics."""

    layer: str | None = Field(default=None, examples=["dense_2"])
    """The name of the layer whose output it is; by default the output's own name."""
    target: str | int | tuple[str | int, ...] | None = None
    """The target: a column, or columns, of the data's `target`, or `"inputs"` for the network's inputs; by default
    the data's whole target."""
    loss: Annotated[Loss, LOSSES]
    """The loss of this output."""
    weight: PositiveFloat = Field(default=1.0, examples=[0.5])
    """The weight of its loss in the sum of all."""
    metrics: tuple[Annotated[Metric, METRICS], ...] | None = None
    """What is measured besides its loss; by default chosen by the loss."""
    threshold: Threshold | None = Field(default=None, examples=[0.3])
    """Like `output.threshold`, for this output."""

    @table_check()
    def _separable(self) -> Iterator[PydanticCustomError]:
        if self.loss.targets == "groups":
            message = (
                f"{self.loss.type} compares the rows of a batch with each other, and is a network's only loss"
            )
            yield fault(message, key="loss", part="type")

    @table_check()
    def _averaged(self) -> Iterator[PydanticCustomError]:
        if self.loss.targets != "groups" and self.loss.reduction != "mean":
            message = "the losses of several outputs are averaged over the rows of a batch, and then summed"
            yield fault(
                message,
                key=("loss", "reduction"),
                help="leave `reduction` out; `weight` says how much it counts",
            )


class MultiOutput(Loss):
    """The sum of the losses of all outputs, each multiplied by its `weight`."""

    type: Literal["heads"]  # which no document may name
    outputs: Annotated[dict[str, NamedOutput], Field(min_length=1)]
    """The outputs by their names."""
    targets: ClassVar[Targets] = "several"
    unmixable: ClassVar[str | None] = "the targets of several outputs cannot be mixed"
    default_metrics: ClassVar[tuple[str, ...]] = ()

    def elements(self, output: Value, target: Value) -> Value:
        raise AssertionError("each output has a loss of its own")
