"""The graphs that a network is used through: to train, to evaluate, to predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import constant, leaf, number
from specnet.graph.ops.weighting import of_rows
from specnet.graph.sizes import BATCH
from specnet.model.calibrators import Calibrators, calibrated
from specnet.model.figures import MeasuredValues
from specnet.model.given_outputs import with_given_outputs
from specnet.model.lowered import Lowered
from specnet.model.naming import GRADIENT, Naming, named_outputs
from specnet.model.network import Network
from specnet.model.output_lowering import figure_values, quantile_values
from specnet.model.outputs import WEIGHTS
from specnet.model.row_units import in_data_units
from specnet.model.updates import Update, append_update
from specnet.passes.differentiate import differentiate
from specnet.vocabulary.schedules import RunLength


def training_graph(
    network: Network,
    length: RunLength | None = None,
    naming: Naming | None = None,
    *,
    textbook: bool = False,
    varying: bool = False,
) -> Update:
    """Return one whole step: forward, backward, and the update.

    Outputs: `loss`, without penalties, and `penalty` where there are regularizers. Numbers: `step`, counted from 1,
    and `rate`, the learning rate, which a graph for a training of a given length computes itself, as far as its
    schedule does not go by what is measured. What `naming` gives is an output too, and its gradient another, named
    `value NAME` and `gradient NAME`. With `textbook` the optimizer's step has the form that readers know, and what it
    names is an output `value NAME`, too. For `varying`, see `Network.lower`.
    """
    lowered = _training(network, keeping=network.keeps_states, varying=varying)
    gradient = _gradient(network, lowered, naming)
    update = append_update(network, lowered.graph, gradient, length, textbook=textbook)
    _follow(lowered)
    return update


def accumulating_graph(network: Network, naming: Naming | None = None, *, varying: bool = False) -> Graph:
    """Return a batch's part of a step that several batches share: gradients are added up, each times `share`.

    Outputs as `training_graph`; the sum is the leaf `accumulated`.
    """
    lowered = _training(network, keeping=network.keeps_states, varying=varying)
    graph = lowered.graph
    gradient = _gradient(network, lowered, naming)
    so_far = leaf(graph, "accumulated", "slot", (network.trained_size,))
    graph.phase = "update"
    graph.assign(so_far, so_far + gradient * number(graph, "share"))
    _follow(lowered)
    return graph


def searching_graph(network: Network, naming: Naming | None = None) -> Graph:
    """Return what an optimizer asks for that searches: outputs `loss`, `penalty`, and `gradients` (n,)."""
    lowered = _training(network)
    lowered.graph.outputs["gradients"] = _gradient(network, lowered, naming)
    return lowered.graph


def traced_graph(network: Network, naming: Naming) -> Graph:
    """Return the passes of a step with all that `naming` gives to look at.

    Outputs `loss`, `penalty` where there is one, `gradients` (n,), and `value NAME` and `gradient NAME` of each; a
    value that the loss does not depend on has no gradient.
    """
    lowered = _training(network)
    named = naming(network, lowered)
    lowered.graph.outputs["gradients"] = _gradient(network, lowered, lambda *_: named)
    lowered.graph.outputs |= named_outputs(named)
    return lowered.graph


def share_graph(network: Network) -> Graph | None:
    """Return one row's share of a batch's loss and gradient, without penalties: outputs `loss`, `gradients` (n,).

    The leaf `chosen` (batch, ...) is 1 at the row and 0 elsewhere. None where the loss is not one of rows.
    """
    lowered = _training(network)
    elements, graph = lowered.elements, lowered.graph
    if not elements.shape or elements.shape[0] != BATCH:
        return None
    chosen = leaf(graph, "chosen", "constant", (BATCH, *[1] * (elements.rank - 1)))
    builder = replace(lowered.builder, penalties=[])
    lowered = replace(lowered, elements=elements * chosen, builder=builder)
    graph.outputs["gradients"] = _gradient(network, lowered)
    return graph


def gradient_graph(
    network: Network, *, training: bool, weighted: bool = False, varying: bool = False
) -> Graph:
    """Return the loss, penalties included, and its gradient: outputs `loss`, `gradients` (n,).

    For `varying`, see `Network.lower`.
    """
    lowered = network.lower(training=training, varying=varying)
    if weighted:
        lowered = weigh(lowered)
    gradient = _gradient(network, lowered)
    graph = lowered.graph
    graph.outputs = {"loss": _whole(graph), "gradients": gradient}
    return graph


def evaluation_graph(
    network: Network,
    *,
    units: bool = False,
    naming: Naming | None = None,
    loss: bool = False,
    weighted: bool | None = None,
    calibrators: Calibrators | None = None,
    varying: bool = False,
    given: bool = False,
) -> Graph:
    """Return what evaluation adds up over batches.

    Outputs: `cost`, the sum of what rows or elements cost, `penalty`, and for each metric its sums and what it
    keeps, named `label/name` and `label:name`. With `units`, metrics of numbers see predictions and targets times the
    leaf `units/scale` plus `units/offset`: in the data's own units where the targets are transformed. With `loss`, the
    output `loss`, penalties included, takes the place of the cost and the penalty. Rows have weights where it is
    `weighted`, by default where the network's are; where the network's targets are those of series, the leaf `scales`
    (batch, 3, targets) leads to the units of each row's. With `calibrators`, calibrated probabilities are measured,
    and with `given` the outputs that leaves hold, see `with_given_outputs`. For `varying`, see `Network.lower`.
    """
    forward = network.lower(training=False, keeping=network.keeps_states and not given, varying=varying)
    lowered = (
        with_given_outputs(network, forward)
        if given
        else calibrated(network, forward, calibrators or {}, costs=True)
    )
    if network.weighted if weighted is None else weighted:
        lowered = weigh(lowered)
    graph = lowered.graph
    if loss:
        graph.outputs = {"loss": _objective(network, lowered)}
    else:
        if lowered.rest is not None:
            graph.outputs["cost"] = ops.sum_all(lowered.rest)
        _penalty(lowered)
    _add_steps(network, lowered, costs=not loss)
    _measure(network, lowered, units=units, given=given)
    if naming is not None:
        graph.outputs |= named_outputs(naming(network, lowered))
    return graph


def _add_steps(network: Network, lowered: Lowered, *, costs: bool) -> None:
    """Append how many steps of outputs are no padding, and what they cost, where that is wanted."""
    graph = lowered.graph
    for name, output in network.outputs.items():
        own = lowered.outputs[name]
        if own.mask is not None:
            graph.outputs[output.steps] = ops.sum_all(own.mask)
            if costs:
                graph.outputs[output.step_costs] = ops.sum_all(own.elements)


def _measure(network: Network, lowered: Lowered, *, units: bool, given: bool) -> None:
    """Append what the figures of all outputs add up and keep; thresholds are leaves where a run chooses them.

    Of outputs that are `given`, thresholds always are.
    """
    graph = lowered.graph
    units_of = in_data_units(graph, network.signature, units=units)
    for name, output in network.outputs.items():
        own = lowered.outputs[name]
        measured = MeasuredValues(own.prediction, own.target, quantile_values(output.loss, own.output))
        if output.in_units:
            measured = units_of(measured, output.target_shape)
        thresholds = None
        if output.threshold is not None and (output.is_chosen or given):
            thresholds = leaf(graph, output.thresholds, "constant", (len(output.threshold.values),))
        for figure in output.figures:
            graph.outputs |= figure_values(figure, own, measured, lowered.weights, thresholds)


def prediction_graph(
    network: Network, calibrators: Calibrators | None = None, *, varying: bool = False
) -> Graph:
    """Return the predictions: output `predictions` (batch, ...), or `predictions/NAME` for each of several.

    For `varying`, see `Network.lower`.
    """
    lowered = calibrated(network, network.lower(training=False, varying=varying), calibrators or {})
    for name, output in network.outputs.items():
        lowered.graph.outputs[output.prediction] = lowered.outputs[name].prediction
    return lowered.graph


def weigh(lowered: Lowered) -> Lowered:
    """Return a forward graph in which what each row costs is multiplied by its weight, the leaf `weights`.

    The mean over rows stays one over their number: the mean of the weights is 1.
    """
    weights = leaf(lowered.graph, WEIGHTS, "weight", (BATCH,))
    outputs = {
        name: replace(
            own,
            elements=own.elements * of_rows(weights, own.elements),
            mask=own.mask and own.mask * of_rows(weights, own.mask),
        )
        for name, own in lowered.outputs.items()
    }
    if "" in outputs and lowered.elements is lowered.outputs[""].elements:
        elements = outputs[""].elements
    else:
        # Those of several outputs, or with what layers add for each row.
        elements = lowered.elements * of_rows(weights, lowered.elements)
    rest = elements if lowered.rest is lowered.elements else lowered.rest
    if rest is not None and rest is not elements:
        rest = rest * of_rows(weights, rest)
    return replace(lowered, outputs=outputs, elements=elements, rest=rest, weights=weights)


def _training(network: Network, *, keeping: bool = False, varying: bool = False) -> Lowered:
    """Return the forward graph of a training step; see `Network.lower` for `keeping` and `varying`."""
    lowered = network.lower(
        training=True, spread=network.fed_targets.spread, keeping=keeping, varying=varying
    )
    return weigh(lowered) if network.weighted else lowered


def _gradient(network: Network, lowered: Lowered, naming: Naming | None = None) -> Value:
    """Append the loss and its gradient with respect to all parameters, as one vector (n,)."""
    graph, objective = lowered.graph, _objective(network, lowered)
    named = {} if naming is None else _on_the_way(naming(network, lowered), objective)
    leaves = [lowered.builder.leaves[p.name] for p in network.trained]
    gradients = differentiate(graph, objective, [*leaves, *named.values()])
    graph.outputs |= named_outputs(named)
    graph.outputs |= {GRADIENT + name: g for name, g in zip(named, gradients[len(leaves) :], strict=True)}
    return ops.pack(*gradients[: len(leaves)])


def _on_the_way(values: Mapping[str, Value], to: Value) -> dict[str, Value]:
    """Return those of some values that another depends on."""
    found = {to.index}
    for node in reversed(to.graph.nodes[: to.node.index + 1]):
        if any(result.index in found for result in node.results):
            found.update(source.index for source in node.inputs)
    return {name: value for name, value in values.items() if value.index in found}


def _objective(network: Network, lowered: Lowered) -> Value:
    """Append the loss; return it with the penalties: outputs `loss`, and `penalty` where there are some."""
    graph, loss = lowered.graph, network.spec.loss
    data = ops.mean_all(lowered.elements) if loss.reduction == "mean" else ops.sum_all(lowered.elements)
    graph.outputs["loss"] = data * loss.scale
    _penalty(lowered)
    return _whole(graph)


def _whole(graph: Graph) -> Value:
    """Return the loss with the penalties."""
    loss = graph.outputs["loss"]
    return loss + graph.outputs["penalty"] if "penalty" in graph.outputs else loss


def _penalty(lowered: Lowered) -> None:
    if not lowered.builder.penalties:
        return
    penalty, *others = lowered.builder.penalties
    for other in others:
        penalty = penalty + other
    lowered.graph.outputs["penalty"] = penalty


def _follow(lowered: Lowered) -> None:
    """Append what the running statistics become."""
    graph = lowered.graph
    graph.phase = "update"
    for statistic, observed, momentum, values in lowered.builder.followed:
        graph.key_path = observed.key_path
        keep: float | Value = momentum
        add: float | Value = 1.0 - momentum
        if values.each == 1 and values.powers:
            # A single value has no variance, and a mean of one would count as much as that of a whole batch.
            several = ops.greater(constant(graph, 1.0, values.powers), 1.0)
            keep, add = ops.where(several, keep, 1.0), ops.where(several, add, 0.0)
        graph.assign(statistic, statistic * keep + observed * add)
