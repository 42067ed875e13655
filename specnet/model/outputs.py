"""What a network gives: one output, or several under names of their own, each with its loss and its target.

Targets, outputs and predictions are named arrays. Where a document names no outputs, there is one, whose name is
empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from specnet.data import Signature
from specnet.diagnostics import Diagnostic, KeyPath, Label, SpecError
from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.leaves import constant, leaf
from specnet.graph.sizes import BATCH, DType, at, joined, show, static
from specnet.language.spec import Spec
from specnet.model.deciding import DecisionThreshold, decision_threshold
from specnet.model.figures import MeasuredValues, OutputFigure
from specnet.model.output_targets import INPUTS, layer_value, target_columns, target_form
from specnet.vocabulary.losses import NUMBERS, Loss
from specnet.vocabulary.metrics import METRICS, Metric
from specnet.vocabulary.outputs import MultiOutput, NamedOutput


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

    def copy(self, new: Callable[[Value], Value]) -> OutputValues:
        """Return the same values in another graph, given what each is there."""
        return OutputValues(
            new(self.target),
            new(self.output),
            new(self.prediction),
            new(self.elements),
            self.mask and new(self.mask),
            self.exists and new(self.exists),
        )


def lower_outputs(
    spec: Spec, builder: Builder, last: Value, signature: Signature, *, spread: bool
) -> dict[str, tuple[NetworkOutput, OutputValues]]:
    """Append all outputs of a lowered network by name; raise SpecError with all that is wrong with them.

    `last` is the last layer's value. With `spread`, targets are rows of probabilities where they else are class
    indices.
    """
    if not isinstance(spec.loss, MultiOutput):
        # Not validated: what only one output may have is refused where there are several.
        asked = NamedOutput.model_construct(
            loss=spec.loss, metrics=spec.metrics, threshold=spec.output.threshold
        )
        return {"": _lower("", asked, spec, last, builder, signature, spread=spread)}
    found: list[Diagnostic] = []
    lowered: dict[str, tuple[NetworkOutput, OutputValues]] = {}
    for name, asked in spec.loss.outputs.items():
        try:
            value = layer_value(name, asked, builder)
            lowered[name] = _lower(name, asked, spec, value, builder, signature, spread=spread)
        except SpecError as error:
            found += error.diagnostics
    if found:
        raise SpecError(found)
    return lowered


def _lower(
    name: str,
    asked: NamedOutput,
    spec: Spec,
    value: Value,
    builder: Builder,
    signature: Signature,
    *,
    spread: bool,
) -> tuple[NetworkOutput, OutputValues]:
    graph, loss = builder.graph, asked.loss
    path: KeyPath = ("outputs", name) if name else ()
    shape, dtype = target_form(name, asked, signature, value)
    if spread and dtype == "int64":
        shape, dtype = at(value.shape[1:], 1), graph.dtype
    graph.key_path = ("data",)
    target = leaf(graph, array_name("targets", name), "target", (BATCH, *shape), dtype)
    graph.key_path = path or ("loss",)
    output, prediction = activated(value, loss)
    classes = signature.class_count if asked.target is None else None
    problem = loss.fault(output.shape, target.shape, target.dtype, classes)
    if problem is not None:
        raise SpecError([shape_diagnostic(ShapeFault(problem, value), value, (*path, "loss"))])
    try:
        exists = builder.mask_of(value)
        elements, mask = element_costs(loss, output, target, exists)
    except ShapeFault as fault:
        raise SpecError([shape_diagnostic(fault, value, (*path, "loss"))]) from fault
    predicted, of_inputs = at(prediction.shape[1:], 1), asked.target == INPUTS
    threshold = decision_threshold(name, asked, predicted, of_inputs=of_inputs or spec.data.reproduces)
    each = elements.count.each if mask is None else elements.count.each // static(mask.shape[1])
    made = NetworkOutput(
        name,
        loss,
        asked.weight,
        of_inputs,
        predicted,
        at(output.shape[1:], 1),
        shape,
        dtype,
        each,
        _figures(name, asked, each, path, threshold),
        target_columns(spec, asked, signature, shape),
        mask is not None,
        threshold,
    )
    return made, OutputValues(target, output, prediction, elements, mask, exists)


def element_costs(loss: Loss, output: Value, target: Value, mask: Value | None) -> tuple[Value, Value | None]:
    """Return what each row or element costs, 0 at steps that are padding, and the mask if steps count as rows."""
    if mask is None:
        return loss.elements(output, target), None
    if not loss.by_step:
        return loss.elements_of_sequences(output, target, mask), None
    elements = loss.elements(output, target)
    if elements.shape[:2] != mask.shape:
        raise ShapeFault(f"{loss.type} does not compare step by step, and some steps are padding", output)
    return elements * ops.reshape(mask, shape=(*mask.shape, *(1 for _ in elements.shape[2:]))), mask


def figure_values(
    figure: OutputFigure,
    own: OutputValues,
    measured: MeasuredValues,
    weights: Value | None = None,
    thresholds: Value | None = None,
) -> Iterator[tuple[str, Value]]:
    """Yield what a figure of an output adds up and keeps, by name, given the values that it measures.

    Where steps may be padding, each step is a row (batch * steps, ...) whose weight is the mask, but for metrics of
    whole sequences.
    """
    mask = own.mask
    if figure.of_sequences:
        return figure.among(own.exists).values(own.elements, measured, weights, thresholds)
    if mask is None:
        return figure.values(own.elements, measured, weights, thresholds)
    rows = joined(mask.shape)

    def flat(x: Value) -> Value:
        return ops.reshape(x, shape=(rows, *x.shape[2:]))

    by_step = replace(measured, prediction=flat(measured.prediction), target=flat(measured.target))
    return figure.values(own.elements, by_step, flat(mask), thresholds)


def _figures(
    name: str, asked: NamedOutput, elements: int, path: KeyPath, threshold: DecisionThreshold | None
) -> tuple[OutputFigure, ...]:
    """Return what is measured of an output; of one of several, its loss, too."""
    loss, of_loss = asked.loss, (*path, "loss")
    measured: list[tuple[Metric | None, KeyPath]] = [(None, of_loss)] if name else []
    if asked.metrics is None:
        measured += [(METRICS.validate(kind), of_loss) for kind in loss.default_metrics]
    else:
        measured += [(metric, (*path, "metrics", i)) for i, metric in enumerate(asked.metrics)]
    if threshold is not None:
        measured = [(metric and metric.deciding_from(threshold.values), where) for metric, where in measured]
    return tuple(
        OutputFigure(name, metric and metric.under(loss), loss, elements, where) for metric, where in measured
    )


def whole_cost(
    outputs: Mapping[str, NetworkOutput],
    values: Mapping[str, OutputValues],
    penalties: Sequence[Value],
    loss: Loss,
) -> tuple[Value, Value | None]:
    """Return what rows or elements cost, given the values of each output and what layers add for each row.

    Of outputs with steps that are padding, elements are such that their mean is that over the other steps of a batch.
    The second is the same without these outputs; None for nothing.
    """
    elements = {name: _balanced(own, outputs[name].loss) for name, own in values.items()}
    whole = _penalised(total(outputs, elements), penalties, loss)
    there = {name: own for name, own in elements.items() if values[name].mask is None}
    if len(there) == len(elements):
        return whole, whole
    rest = total({name: outputs[name] for name in there}, there) if there else None
    if penalties:
        zeros = ops.zeros_like(penalties[0]) if rest is None else rest
        rest = _penalised(zeros, penalties, loss)
    return whole, rest


def _balanced(own: OutputValues, loss: Loss) -> Value:
    """Return what elements cost, those of steps that exist sharing the weight of those that are padding."""
    mask = own.mask
    if mask is None or loss.reduction == "sum":
        return own.elements
    whole = constant(mask.graph, float(mask.count.each), mask.count.powers)
    return own.elements * (whole / ops.sum_all(mask))


def total(outputs: Mapping[str, NetworkOutput], elements: Mapping[str, Value]) -> Value:
    """Return what rows or elements cost, given the elements of each output.

    Of several outputs it is the sum over them for each row, each with its scale and weight.
    """
    if "" in outputs:
        return elements[""]
    summed: Value | None = None
    for name, output in outputs.items():
        own = elements[name]
        axes = tuple(range(1, own.rank))
        row = own if not axes else ops.reduce_sum(own, axes=axes)
        cost = row * (output.loss.scale * output.weight / own.count.each)
        summed = cost if summed is None else summed + cost
    assert summed is not None
    return summed


def _penalised(elements: Value, penalties: Iterable[Value], loss: Loss) -> Value:
    """Return what rows or elements cost with what layers add for each row, (batch,).

    The loss grows by the mean of the additions over rows, or by their sum if it is a sum, whatever its scale is: each
    element gets what has that effect.
    """
    each = elements.count.each if loss.reduction == "sum" else 1
    for penalty in penalties:
        share = penalty * (1.0 / (each * loss.scale))
        elements = elements + ops.reshape(share, shape=(BATCH, *(1,) * (elements.rank - 1)))
    return elements


def activated(x: Value, loss: Loss) -> tuple[Value, Value]:
    """Return what the loss sees and what a user sees of the last layer's value.

    A loss on logits gets what lies below a final softmax (or sigmoid), so that probabilities near 0 cost no
    accuracy; where the last layer is linear, its values are the logits.
    """
    name = loss.output_activation
    if name in NUMBERS:
        return x, loss.point(x)
    function = {"softmax": ops.softmax, "sigmoid": ops.sigmoid, "exp": ops.exp}[name]
    if x.op is function:
        return x.inputs[0], x
    logits = x.inputs[0] if name == "softmax" and x.op is ops.log_softmax else x
    return logits, function(logits)


def quantile_values(loss: Loss, output: Value) -> Value | None:
    """Return the predicted quantiles (batch, ..., quantiles) of an output, ascending; None where there are none."""
    if loss.output_activation != "median":
        return None
    from specnet.vocabulary.losses.quantile import QuantileLoss

    assert isinstance(loss, QuantileLoss)
    return loss.ascending(output)


def shape_diagnostic(
    fault: ShapeFault, x: Value, path: KeyPath, entering: tuple[Value, ...] = ()
) -> Diagnostic:
    """Return the finding, with a second place for what gives the shape; for each that gives one where several join."""
    blame = fault.blame if fault.blame is not None and fault.blame.op.name != "constant" else x
    givers = entering if len(entering) > 1 and blame in entering else (blame,)
    labels = tuple(
        Label(f"this gives {show(giver.shape)}", giver.key_path, "type")
        for giver in givers
        if giver.key_path and giver.key_path != path
    )
    return Diagnostic("SN401", str(fault), path, part="type", help=fault.help, labels=labels)
