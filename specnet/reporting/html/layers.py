"""The network as a reader follows it: layer by layer, and step by step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from specnet.analysis.explanation import Explanation, explain
from specnet.analysis.profiling import Times, profile
from specnet.data import Dataset
from specnet.graph.sizes import BATCH, show
from specnet.model.compiled import CompiledModel
from specnet.model.measuring_lengths import batchings_of_data
from specnet.model.topology import changed, every
from specnet.vocabulary.layers import Layer


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """One layer of the graph."""

    name: str
    type: str
    options: str
    output: str
    parameters: int
    seconds: float
    """What it takes of a training step, forward and backward."""
    share: float


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step of a plan."""

    op: str
    of: str
    phase: str
    output: str
    buffer: str
    flops: int
    bytes: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """A network and what it is compiled to."""

    inputs: str
    layers: list[LayerFacts]
    plans: dict[str, list[StepFacts]]
    step: float
    """Seconds that a training step takes."""
    other: float
    """Seconds of it that belong to no layer: the loss and the optimizer."""
    batch: int
    flops: dict[str, int]
    memory: dict[str, int]


def network_facts(model: CompiledModel, data: Dataset) -> NetworkFacts:
    """Return a network layer by layer and step by step, with times measured on the training split."""
    network = model.network
    explanation = explain(network, batches=batchings_of_data(network, data))
    times = profile(CompiledModel(network, model.encoding), data, explanation)
    spent: dict[str, float] = {}
    for name, measured in times.items():
        for step, seconds in zip(explanation.programs[name].steps, measured.steps, strict=True):
            place = explanation.place_of(step)
            spent[place] = spent.get(place, 0.0) + seconds
    whole = sum(spent.values()) or 1.0
    specs = dict(every(network.spec.layers))
    repeated = Counter(layer.path for layer in network.layers)
    layers = []
    for layer in network.layers:
        # What is repeated has its time as a whole, and each time its share of it.
        seconds = spent.get(explanation.layer_at(layer.path), 0.0) / repeated[layer.path]
        options = _options(specs[layer.path])
        size = explanation.size_of(layer)
        layers.append(
            LayerFacts(layer.name, layer.type, options, show(layer.output), size, seconds, seconds / whole)
        )
    own = sum(layer.seconds for layer in layers)
    return NetworkFacts(
        inputs=show((BATCH, *network.signature.inputs)),
        layers=layers,
        plans={name: _steps(explanation, name, times.get(name)) for name in explanation.programs},
        step=sum(measured.whole for measured in times.values()),
        other=sum(spent.values()) - own,
        batch=explanation.batch,
        flops={str(phase): count for phase, count in explanation.flops().items()},
        memory=explanation.memory,
    )


def _options(layer: Layer) -> str:
    """Return a layer's activation, and its numbers and texts, in the words of a document; defaults are left out."""
    shown = []
    for key in type(layer).model_fields:
        value = getattr(layer, key)
        if key in ("type", "name") or not changed(layer, key):
            continue
        if key == "activation":
            value = value.type  # the kind is what it says
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            shown.append(f"{key} = {value}")
    return ", ".join(shown)


def _steps(explanation: Explanation, name: str, times: Times | None) -> list[StepFacts]:
    plan = explanation.programs[name]
    return [
        StepFacts(
            step.op,
            explanation.place_of(step),
            "once, before the first step" if step.prologue else step.phase,
            show(step.shape) if step.shape else "number",
            f"{step.memory}+{step.offset}" if step.memory else "",
            step.flops.at(plan.sizes),
            step.size,
            None if times is None or step.prologue else times.steps[number],
        )
        for number, step in enumerate(plan.steps)
    ]
