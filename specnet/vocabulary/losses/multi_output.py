"""What a network with several outputs is trained for: a loss for each."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat, model_validator

from specnet.vocabulary.kind import Table, fault
from specnet.vocabulary.losses import LOSSES, Loss, Targets
from specnet.vocabulary.metrics import METRICS, Metric


class NamedOutput(Table):
    """One output of a network: the layer that gives it, what it is compared with, and how."""

    layer: str | None = None
    """The name of the layer that gives it; the output's own name if left out."""
    target: str | int | tuple[str | int, ...] | None = None
    """What it is compared with: the column, or the columns, of the data's `target`, or `"inputs"` for what the network
    gets; the data's whole target if left out."""
    loss: Annotated[Loss, LOSSES]
    """What the training makes small."""
    weight: PositiveFloat = 1.0
    """What its loss is multiplied by in the sum of all."""
    metrics: tuple[Annotated[Metric, METRICS], ...] | None = None
    """What is measured beside its loss; chosen by the loss if left out."""

    @model_validator(mode="after")
    def _averaged(self) -> NamedOutput:
        if self.loss.targets == "groups":
            message = (
                f"{self.loss.type} compares the rows of a batch with each other, and is a network's only loss"
            )
            raise fault(message, key="loss", part="type")
        if self.loss.reduction != "mean":
            message = "the losses of several outputs are averaged over the rows of a batch, and then summed"
            raise fault(
                message,
                key=("loss", "reduction"),
                help="leave `reduction` out; `weight` says how much it counts",
            )
        return self


class MultiOutput(Loss):
    """The sum of the losses of all outputs, each times its `weight`."""

    type: Literal["heads"]  # which no document may name
    outputs: Annotated[dict[str, NamedOutput], Field(min_length=1)]
    """The outputs by their names."""
    targets: ClassVar[Targets] = "several"
    unmixable: ClassVar[str | None] = "the targets of several outputs cannot be mixed"
    default_metrics: ClassVar[tuple[str, ...]] = ()
