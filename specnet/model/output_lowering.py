"""From the value of a layer to an output: its target, its prediction, what it costs, and what is measured of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from specnet.data import Signature
from specnet.diagnostics import Diagnostic, KeyPath, Label, SpecError
from specnet.graph import ops
from specnet.graph.builder import BY_LENGTH, NO_MASK, Builder
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH, Shape, Size, at, joined, show, static
from specnet.language.spec import Spec
from specnet.model.costs import element_costs
from specnet.model.deciding import DecisionThreshold, decision_threshold
from specnet.model.figures import MeasuredValues, OutputFigure
from specnet.model.output_targets import INPUTS, layer_value, target_columns, target_form
from specnet.model.outputs import NetworkOutput, OutputValues, array_name
from specnet.vocabulary.losses import NUMBERS, Loss
from specnet.vocabulary.metrics import METRICS, Metric
from specnet.vocabulary.outputs import MultiOutput, NamedOutput


def lower_outputs(
    spec: Spec,
    builder: Builder,
    last: Value,
    signature: Signature,
    *,
    spread: bool,
    known: Mapping[str, NetworkOutput],
) -> dict[str, tuple[NetworkOutput, OutputValues]]:
    """Append all outputs of a lowered network by name; raise SpecError with all that is wrong with them.

    `last` is the last layer's value. With `spread`, targets are rows of probabilities where they else are class
    indices. `known` are the outputs of the same network, where it has been lowered before.
    """
    if not isinstance(spec.loss, MultiOutput):
        # Not validated: what only one output may have is refused where there are several.
        asked = NamedOutput.model_construct(
            loss=spec.loss, metrics=spec.metrics, threshold=spec.output.threshold
        )
        return {"": _lower("", asked, spec, last, builder, signature, spread=spread, known=known.get(""))}
    found: list[Diagnostic] = []
    lowered: dict[str, tuple[NetworkOutput, OutputValues]] = {}
    for name, asked in spec.loss.outputs.items():
        try:
            value = layer_value(name, asked, builder)
            lowered[name] = _lower(
                name, asked, spec, value, builder, signature, spread=spread, known=known.get(name)
            )
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
    known: NetworkOutput | None,
) -> tuple[NetworkOutput, OutputValues]:
    graph, loss = builder.graph, asked.loss
    path: KeyPath = ("outputs", name) if name else ()
    members, whole = builder.ensembles.get(value), value
    if members is not None:
        if loss.targets == "groups" or not loss.by_step:
            message = f"{loss.type} does not compare row by row, and an ensemble has an output of each member for a row"
            raise SpecError([shape_diagnostic(ShapeFault(message, value), value, (*path, "loss"))])
        graph.key_path = path or ("loss",)
        value = loss.pooled(activated(value, loss)[0])
    if any(isinstance(dim, Size) for dim in value.shape[1:]):
        assert known is not None, "sequences of several lengths come after those of one"
        return known, _of_lengths(known, value, builder, (*path, "loss"))
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
        if members is not None and builder.training:
            elements = _of_members(loss, activated(whole, loss)[0], target, members)
    except ShapeFault as fault:
        raise SpecError([shape_diagnostic(fault, value, (*path, "loss"))]) from fault
    predicted, of_inputs = at(prediction.shape[1:], 1), asked.target == INPUTS
    threshold = decision_threshold(name, asked, predicted, of_inputs=of_inputs or spec.data.reproduces)
    per_row = elements.count.each if mask is None else elements.count.each // static(mask.shape[1])
    made = NetworkOutput(
        name,
        loss,
        asked.weight,
        of_inputs,
        predicted,
        at(output.shape[1:], 1),
        shape,
        dtype,
        per_row,
        _figures(name, asked, per_row, path, threshold),
        target_columns(spec, asked, signature, shape),
        mask is not None,
        threshold,
    )
    each: Value | None = None
    if members is not None and not builder.training:
        each = activated(whole, loss)[1]
        each = ops.transpose(each, axes=(1, 0, *range(2, each.rank)))
    return made, OutputValues(target, output, prediction, elements, mask, exists, each)


def _of_lengths(known: NetworkOutput, value: Value, builder: Builder, path: KeyPath) -> OutputValues:
    """Append the output of a network whose sequences have another length in each batch; its targets may have it too."""
    loss, steps, exists = known.loss, value.shape[1], builder.mask_of(value)
    shape: Shape = known.target_shape
    builder.graph.key_path = path
    problem = None
    if exists is None:
        message = f"it is not known which steps of the output are padding, {BY_LENGTH}"
        problem = ShapeFault(message, value, help=NO_MASK)
    elif loss.by_step and shape[:1] != (builder.most(steps),):
        message = f"the targets have {show(shape)} for each row, and not the steps of the output, {BY_LENGTH}"
        problem = ShapeFault(message, value, help="no `batch_by`")
    if problem is not None:
        raise SpecError([shape_diagnostic(problem, value, path)])
    if loss.by_step:
        shape = (steps, *shape[1:])
    try:
        target = leaf(builder.graph, known.target, "target", (BATCH, *shape), known.target_dtype)
        output, prediction = activated(value, loss)
        elements, mask = element_costs(loss, output, target, exists)
    except ShapeFault as fault:
        raise SpecError([shape_diagnostic(fault, value, path)]) from fault
    return OutputValues(target, output, prediction, elements, mask, exists)


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


def _of_members(loss: Loss, outputs: Value, target: Value, members: int) -> Value:
    """Return what each row or element costs, as a mean over the members of an ensemble (members, batch, ...)."""
    rows = joined(outputs.shape[:2])
    each = ops.reshape(ops.expand(target, shape=(members, *target.shape)), shape=(rows, *target.shape[1:]))
    elements = loss.elements(ops.reshape(outputs, shape=(rows, *outputs.shape[2:])), each)
    return ops.mean(ops.reshape(elements, shape=(members, BATCH, *elements.shape[1:])), axes=(0,))


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
