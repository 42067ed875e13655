"""The names of a network's values: those that a person would give them."""

from __future__ import annotations

from collections import Counter

from specnet.data.signature import ONLY
from specnet.engines.numpy.names import Names
from specnet.engines.numpy.printer import NumpyPrinter
from specnet.graph.graph import Graph, KeyPath, Value
from specnet.model.inputs import cut_rows
from specnet.model.lowered import Lowered
from specnet.model.network import Network
from specnet.model.outputs import SCALES, WEIGHTS
from specnet.model.reading import is_sum
from specnet.model.topology import every

ACTIVATED = {
    "softmax": ("logits", "probabilities"),
    "sigmoid": ("logits", "probabilities"),
    "exp": ("log_output", "output"),
    "mean": ("output", "mean"),
    "median": ("output", "median"),
}
"""What the last layer's values and the predictions made of them are called."""


def named_values(network: Network, lowered: Lowered) -> dict[str, Value]:
    """Return the values of a forward graph that have names of their own, by name."""
    spec = network.spec
    kinds = dict(every(spec.layers))
    dense = [info.path for info in lowered.layers[:-1] if info.type == "dense" and info.depth == 0]
    numbers = {path: number for number, path in enumerate(dense, 1)}
    times = Counter(info.path for info in lowered.layers)
    computed = _computed(lowered.graph)
    plain = not network.several and all(info.depth == 0 for info in lowered.layers)
    found: dict[str, Value] = {}
    for place, info in enumerate(lowered.layers):
        layer, last = kinds[info.path], place + 1 == len(lowered.layers)
        if times[info.path] > 1:
            continue  # what is repeated has a name for each time, and its values have one place
        own = computed.get(info.path)
        if not own:
            continue
        if layer.name is not None or not plain or (not last and layer.type != "dense"):
            name = info.name.replace(".", "_")
        elif last:
            name = "output"
        else:
            name = "hidden" if len(dense) == 1 else f"hidden_{numbers[info.path]}"
        output = own[-1]
        summed = [v for v in own if is_sum(v)]
        if summed and summed[-1] is not output:
            found[f"{name}_sum"] = summed[-1]
        found.setdefault(name, output)
    if network.several:
        return found
    only = lowered.outputs[""]
    if only.output is not only.prediction:
        found = {name: v for name, v in found.items() if v is not only.output and v is not only.prediction}
        before, after = ACTIVATED[spec.loss.output_activation]
        found[before] = only.output
        found[after] = only.prediction
    return found


def target_names(network: Network) -> dict[str, str]:
    """Return the variable of each array of targets, and of rows' weights and scales if any, by the array's name."""
    names = Names()
    found = {output.target: names.new(output.target) for output in network.outputs.values()}
    beside = {WEIGHTS: network.weighted, SCALES: network.signature.scaled}
    return found | {name: names.new(name) for name, given in beside.items() if given}


def input_expressions(network: Network) -> dict[str, str]:
    """Return what each array of inputs is in `inputs`, which holds whole rows."""
    rows, values = cut_rows(network.inputs, network.signature.inputs)
    printer = NumpyPrinter(rows.graph, Names([ONLY]), {rows.index: ONLY})
    return {name: ONLY if v is rows else printer.expression(v) for name, v in values.items()}


def array_expressions(network: Network) -> dict[str, str]:
    """Return what stands in a program for each array of inputs and targets, by the array's name."""
    return {**input_expressions(network), **target_names(network)}


def _computed(graph: Graph) -> dict[KeyPath, list[Value]]:
    """Return the arrays that a graph computes, by what in the document asked for them."""
    computed: dict[KeyPath, list[Value]] = {}
    for value in graph.values:
        if value.shape and not value.op.leaf:
            computed.setdefault(value.key_path, []).append(value)
    return computed
