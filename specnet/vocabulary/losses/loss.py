from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import DType, Shape
from specnet.vocabulary.kind import Kind

OutputActivation = Literal["identity", "softmax", "sigmoid", "exp", "mean", "median"]

NUMBERS = frozenset({"identity", "mean", "median"})
"""The output activations of which predictions are numbers like the targets, in their units."""

Targets = Literal["real", "classes", "binary", "groups", "several"]


class Loss(Kind):
    """What training minimizes: the mean or sum of the losses of rows or elements.

    `mean` is taken over every element, or over every row for losses that take class indices, as in Keras.
    """

    reduction: Literal["mean", "sum"] = "mean"
    """Whether to average or sum the losses."""
    scale: Annotated[float, Field(gt=0)] = Field(default=1.0, examples=[0.5])
    """A factor for the result."""

    targets: ClassVar[Targets] = "real"
    """The type of the targets: a number for each output (`real`), a class index or a row of probabilities for each
    row (`classes`), yes or no for each output (`binary`), or a class index that says which rows of a batch belong
    together, whatever the outputs (`groups`); with `several`, each output has its own loss with its own type."""
    binary: ClassVar[str] = "binary_cross_entropy"
    """The loss to use for two classes and a single output, if this one takes class indices."""
    for_rare: ClassVar[bool] = False
    """Whether it is made for rare classes."""
    default_metrics: ClassVar[tuple[str, ...]] = ("mae", "r2")
    """The metrics if a document names none."""
    minimum: ClassVar[float | None] = None
    """The minimum valid target, if there is one."""
    maximum: ClassVar[float | None] = None
    """The maximum valid target, if there is one."""
    unmixable: ClassVar[str | None] = None
    """Why a mean of two targets is not a target, as the end of a sentence; None if it is one."""
    by_step: ClassVar[bool] = True
    """Whether it compares each step of a sequence by itself, so that each that is no padding counts as a row."""
    threshold: ClassVar[float] = 0.5
    """The prediction of a single output from which it means yes."""

    @property
    def output_activation(self) -> OutputActivation:
        """What turns the network's output into predictions.

        A loss on logits names the function that makes them probabilities, and is given the logits even where
        the last layer applies that function itself. `mean` and `median` are a part of the last axis, `point`.
        """
        return "identity"

    @property
    def outputs_per_target(self) -> int:
        """How many values the network gives for each target, along the last axis."""
        return 1

    def point(self, output: Value) -> Value:
        """Return what is predicted of an output that says more of each target than a number."""
        return output

    def pooled(self, outputs: Value) -> Value:
        """Return one output (batch, ...) of those of the members of an ensemble (members, batch, ...).

        It is such that the prediction is the mean of the members' predictions.
        """
        if self.output_activation == "softmax":
            return log_mean_exp(ops.log_softmax(outputs))
        if self.output_activation == "sigmoid":
            return log_mean_exp(-ops.softplus(-outputs)) - log_mean_exp(-ops.softplus(outputs))
        return log_mean_exp(outputs) if self.output_activation == "exp" else ops.mean(outputs, axes=(0,))

    @property
    def ignored(self) -> int | None:
        """The class index of positions that have no class, and cost nothing; None if all have one."""
        return None

    @abstractmethod
    def elements(self, output: Value, target: Value) -> Value:
        """Return the loss of each row or element; `output` holds logits where there is an `output_activation`."""

    def elements_of_sequences(self, output: Value, target: Value, mask: Value) -> Value:
        """Return the loss of each row of a loss that is not `by_step`, given which steps exist, (batch, steps)."""
        return self.elements(output, target)

    def fault(self, output: Shape, target: Shape, dtype: DType, classes: int | None) -> str | None:
        """Say why it cannot compare an output with a target of these shapes, or return None.

        Shapes have the batch's axis first; `dtype` is the target's, int64 for class indices, and `classes` is
        how many classes the data has, where it is known.
        """
        if self.targets == "classes":
            return self._fault_of_classes(output, target, dtype, classes)
        single = _features(target) == 1
        if self.targets == "binary" and classes is not None and classes > 2 and single:
            return (
                f"{self.type} is for two classes, and the data has {classes}: "
                f"cross_entropy with {classes} outputs takes them"
            )
        if _trimmed(output) == _trimmed(target):
            return None
        what = "labels" if self.targets == "binary" else "numbers"
        help = ""
        if single and classes is not None and _features(output) == classes:
            help = ": cross_entropy takes a class index for that many outputs"
        return (
            f"{self.type} compares each output with a target: the last layer gives "
            f"{amount(output, 'values')} per row, and the data has {amount(target, what)}{help}"
        )

    def value_fault(self, minimum: float, maximum: float) -> str | None:
        """Say why it makes no sense of targets between these two, the least and the largest, or return None."""
        if self.minimum is not None and minimum < self.minimum:
            outside = minimum
        elif self.maximum is not None and maximum > self.maximum:
            outside = maximum
        else:
            return None
        between = (
            f"of at least {self.minimum:g}"
            if self.maximum is None
            else f"from {self.minimum:g} to {self.maximum:g}"
        )
        return f"{self.type} takes targets {between}, and the data has {outside:g}"

    def _fault_of_classes(
        self, output: Shape, target: Shape, dtype: DType, classes: int | None
    ) -> str | None:
        given = amount(output, "values")
        if dtype != "int64":
            if output == target and _features(output) > 1:
                return None
            if classes is not None and output[:-1] == target[:-1] and _features(target) == classes:
                return f"the last layer gives {given}, and the data has {classes} classes"
            return (
                f"{self.type} takes a class index for each row, or as many probabilities as the last layer "
                f"gives values: it gives {given}, and the data has {amount(target, 'numbers')} per row"
            )
        if output[:-1] != target:
            return f"{self.type} takes one class per row, and the last layer gives {given} per row"
        if output[-1] == 1:
            return (
                f"{self.type} needs a value for each class, and the last layer gives 1: for two classes, "
                f"give it 2 units, or take {self.binary}"
            )
        if classes is not None and _features(output) < classes:
            return f"the last layer gives {given}, and the data has {classes} classes"
        return None


class SoftmaxLoss(Loss):
    """Base of the losses that take logits of classes, of which one is right or each has a probability."""

    targets: ClassVar[Targets] = "classes"
    minimum: ClassVar[float | None] = 0.0
    default_metrics: ClassVar[tuple[str, ...]] = ("accuracy",)

    @property
    def output_activation(self) -> OutputActivation:
        """What turns the network's output into probabilities."""
        return "softmax"


class SigmoidLoss(Loss):
    """Base of the losses that take a logit for each question of yes or no."""

    targets: ClassVar[Targets] = "binary"
    minimum: ClassVar[float | None] = 0.0
    maximum: ClassVar[float | None] = 1.0
    default_metrics: ClassVar[tuple[str, ...]] = ("accuracy",)

    @property
    def output_activation(self) -> OutputActivation:
        """What turns the network's output into probabilities."""
        return "sigmoid"


def log_mean_exp(x: Value) -> Value:
    """Return log(mean(exp(x))) over the first axis, without overflow."""
    largest = ops.reduce_max(x, axis=0)
    mean = ops.mean(ops.exp(x - largest), axes=(0,))
    return ops.log(mean) + ops.reshape(largest, shape=x.shape[1:])


def aligned(output: Value, target: Value) -> Value:
    """Return a target as numbers of the output's own dtype and shape.

    A target without the last axis of size 1 that outputs have would stretch against them into a matrix.
    """
    if target.dtype != output.dtype:
        target = ops.cast(target, to=output.dtype)
    return target if target.shape == output.shape else ops.reshape(target, shape=output.shape)


ClassWeights = Annotated[tuple[PositiveFloat, ...], Field(min_length=2)] | Literal["balanced"] | None
"""The weights of classes; `balanced` until the training rows have been counted."""


def class_weights(weights: ClassWeights, classes: int) -> tuple[float, ...]:
    """Return the weights of so many classes; 1 for each where it is not known yet how many rows they have."""
    return (1.0,) * classes if weights is None or weights == "balanced" else tuple(weights)


def weights_fault(weights: ClassWeights, output: Shape) -> str | None:
    """Say why there cannot be so many `class_weights` for an output, or return None."""
    if weights is None or weights == "balanced" or len(output) == 1 or output[-1] == len(weights):
        return None
    return f"`class_weights` has {len(weights)} numbers, and the last layer gives {output[-1]} values"


def _trimmed(shape: Shape) -> Shape:
    """Return a shape without a last axis of size 1: one number a row is (batch,) as well as (batch, 1)."""
    return shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def _features(shape: Shape) -> int:
    last = shape[-1] if len(shape) > 1 else 1
    assert isinstance(last, int)
    return last


def amount(shape: Shape, what: str) -> str:
    """Write what a row holds: `1 value`, `3 values`, `28 x 28 values`."""
    dims = [str(dim) for dim in shape[1:]] or ["1"]
    return f"{' x '.join(dims)} {what[:-1] if dims == ['1'] else what}"
