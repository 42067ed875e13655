"""What a network gives: one output, or several under names of their own, each with its loss and its target.

Targets, outputs and predictions are named arrays. Where a document names no outputs, there is one, whose name is
empty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from specnet.data import Signature
from specnet.graph.graph import Value
from specnet.graph.sizes import DType
from specnet.model.deciding import DecisionThreshold
from specnet.model.figures import OutputFigure
from specnet.vocabulary.losses import NUMBERS, Loss


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """One output of a network, and the target that it is compared with."""

    name: str
    """Empty where the document names none."""
    loss: Loss
    weight: float
    of_inputs: bool
    """Whether its target are the network's inputs, and not the data's target."""
    shape: tuple[int, ...]
    """The shape of one prediction."""
    loss_shape: tuple[int, ...]
    """The shape of what its loss sees of one row."""
    target_shape: tuple[int, ...]
    """The shape of one target as its loss takes it: () for a class index."""
    target_dtype: DType
    """The dtype of targets as its loss takes them: int64 for class indices."""
    elements_per_row: int
    """Over how many elements of a row its loss is averaged; of a step, where steps may be padding."""
    figures: tuple[OutputFigure, ...]
    """What is measured of it."""
    columns: tuple[str, ...] = ()
    """The names of the columns of its target if there are several that are measured one by one."""
    is_masked: bool = False
    """Whether some of its steps may be padding, so that each of the others counts as a row."""
    threshold: DecisionThreshold | None = None
    """From which values on its labels are predicted, if the document says so."""

    @property
    def target(self) -> str:
        """The name of the array of its targets."""
        return array_name("targets", self.name)

    @property
    def prediction(self) -> str:
        """The name of the array of its predictions."""
        return array_name("predictions", self.name)

    @property
    def thresholds(self) -> str:
        """The name of the array of its thresholds."""
        return array_name("thresholds", self.name)

    @property
    def given(self) -> str:
        """The name of the array of outputs that are given, and not computed."""
        return array_name("given", self.name)

    @property
    def steps(self) -> str:
        """The name of how many steps there are that are not padding, or the sum of their weights."""
        return array_name("steps", self.name)

    @property
    def step_costs(self) -> str:
        """The name of what these steps cost."""
        return array_name("step_costs", self.name)

    @property
    def is_chosen(self) -> bool:
        """Whether a run chooses its thresholds."""
        return self.threshold is not None and self.threshold.maximized is not None

    @property
    def in_units(self) -> bool:
        """Whether its predictions are numbers like the data's targets, in units that transforms may have changed."""
        return not self.of_inputs and self.loss.output_activation in NUMBERS


WEIGHTS = "weights"
"""The name of the array of sample weights."""

SCALES = "scales"
"""The name of the array that says how the targets of each row are scaled."""


def scales_shape(signature: Signature) -> tuple[int, int]:
    """Return the shape of how one row's targets (horizon,) or (horizon, targets) are scaled."""
    return 3, signature.target[1] if len(signature.target) > 1 else 1


def array_name(kind: str, name: str) -> str:
    """Return the name of an array of some kind: the kind alone where there is but one."""
    return f"{kind}/{name}" if name else kind


@dataclass(frozen=True, slots=True)
class OutputValues:
    """The values of one output in a graph."""

    target: Value
    output: Value
    """What the loss sees: the layer's value, or the logits that it makes probabilities of."""
    prediction: Value
    """What a user sees: probabilities where the loss speaks of classes."""
    elements: Value
    """What each row or element costs; 0 at steps that are padding."""
    mask: Value | None = None
    """Which steps are no padding, (batch, steps), times the row's weight where rows have weights; None for all."""
    exists: Value | None = None
    """Which steps are no padding, whether the loss compares step by step or not; None for all."""
    members: Value | None = None
    """What each member of an ensemble predicts, (batch, members, ...); None without one, and in training."""

    def copy(self, new: Callable[[Value], Value]) -> OutputValues:
        """Return the same values in another graph, given what each is there."""
        return OutputValues(
            new(self.target),
            new(self.output),
            new(self.prediction),
            new(self.elements),
            self.mask and new(self.mask),
            self.exists and new(self.exists),
            self.members and new(self.members),
        )
