"""The end of a training step: what an optimizer makes of the gradient."""

from __future__ import annotations

from dataclasses import dataclass, field

from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import leaf, number
from specnet.graph.update_builder import UpdateBuilder
from specnet.model.naming import named_outputs
from specnet.model.network import Network
from specnet.model.run_length import run_length
from specnet.vocabulary.optimizers import Stepping
from specnet.vocabulary.schedules import RunLength, Schedule
from specnet.vocabulary.schedules.scheduled import ScheduledNumber

AVERAGE = "ema"
"""The slot of the parameters' running mean, which starts where they do."""


@dataclass(frozen=True, slots=True)
class Update:
    """A graph that changes the parameters, and the slots that its optimizer keeps: shape and first value."""

    graph: Graph
    slots: dict[str, tuple[tuple[int, ...], float]]
    options: dict[str, float] = field(default_factory=dict)
    """In a textbook form, the optimizer's options that are numbers of the graph, by their names."""
    origins: dict[str, tuple[str, float]] = field(default_factory=dict)
    """In a textbook form, each slot's slot in the run's own form, and what that one is multiplied by."""


def update_graph(network: Network, length: RunLength | None = None, *, textbook: bool = False) -> Update:
    """Return the end of a step that several batches shared: the update by `accumulated`, which is then 0 again."""
    graph = Graph(network.spec.dtype)
    graph.phase = "update"
    gradient = leaf(graph, "accumulated", "slot", (network.trained_size,))
    update = append_update(network, graph, gradient, length, textbook=textbook)
    graph.assign(gradient, ops.zeros_like(gradient))
    return update


def rate_graph(schedule: Schedule, base: float, length: RunLength) -> Graph:
    """Return the learning rate of a step by itself: output `rate`, numbers as `training_graph`."""
    graph = Graph("float64")
    graph.outputs["rate"] = schedule.lower(number(graph, "step") - 1.0, base, length)
    return graph


def append_update(
    network: Network, graph: Graph, g: Value, length: RunLength | None, *, textbook: bool
) -> Update:
    """Append the update by the gradient (n,): clipping, the optimizer's step, and the running mean."""
    training, size = network.spec.training, network.trained_size
    graph.key_path, graph.phase = ("training", "schedule"), "update"
    step = number(graph, "step")
    if length is None:
        lr = number(graph, "rate")
    else:
        lr = training.schedule.lower(step - 1.0, training.optimizer.learning_rate, length)
    graph.key_path = ("training", "optimizer")
    if training.clip_value is not None:
        g = ops.minimum(ops.maximum(g, -training.clip_value), training.clip_value)
    if training.clip_norm is not None:
        # The small addend is PyTorch's, which keeps a gradient of zeros from dividing by 0.
        norm = ops.sqrt(ops.inner(g, g))
        g = g * ops.minimum(training.clip_norm / (norm + 1e-6), 1.0)
    build = UpdateBuilder(graph, size, decays_differ=network.weight_decays is not None)
    decay = getattr(training.optimizer, "weight_decay", 0.0)
    if isinstance(decay, ScheduledNumber):
        rows = network.signature.rows.get("train", 1)
        known = run_length(network.spec, rows) if length is None else length
        build.decay_share = decay.lower(step - 1.0, known) / decay.value
    parameters = leaf(graph, "parameters", "state", (size,))
    if network.rates_differ:
        # A rate for each element, as the groups of parameters of PyTorch's optimizers have one each.
        lr = leaf(graph, "multipliers", "constant", (size,)) * lr
    assert isinstance(training.optimizer, Stepping)
    make = training.optimizer.textbook if textbook else training.optimizer.step
    new = make(build, parameters, g, lr, step)
    graph.outputs |= named_outputs(build.named)
    graph.assign(parameters, new)
    if training.ema_decay is not None:
        graph.key_path = ("training", "ema_decay")
        average = build.slot(AVERAGE)
        # In this form parameters that do not move leave the mean as it is, to the bit.
        build.keep(average, average + (new - average) * (1.0 - training.ema_decay))
    return Update(graph, build.slots, build.options, build.origins)
