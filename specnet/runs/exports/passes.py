"""The forward and the backward pass of a training, and what is measured beside it, as lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specnet.compiler.lowered import Lowered
from specnet.compiler.network import Network
from specnet.compiler.printer import Names, NumpyPrinter
from specnet.diagnostics import RunError
from specnet.graph import ops
from specnet.graph.expressions import PRODUCT
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import constant, given, name_of
from specnet.graph.sizes import BATCH, count, inverse
from specnet.passes.differentiate import differentiate
from specnet.passes.simplify import simplify
from specnet.runs.exports.forward import VALUE, ancestors, leaves_of, named_values
from specnet.runs.exports.layout import indented
from specnet.runs.exports.program import Program

GRADIENT = "gradient "

SEEN = "seen "


@dataclass(frozen=True, slots=True)
class Passes:
    """The two passes of one step."""

    forward: list[str]
    backward: list[str]
    gradients: dict[str, str]
    """The variable of each parameter's gradient, by the parameter's variable."""
    streams: dict[str, str]
    """The variable of each stream of random numbers, by its name."""
    counts_rows: bool
    """Whether `rows` is used."""
    penalised: bool
    """Whether there is a `penalty` beside the `loss`."""
    followed: list[str]
    """What running statistics become after each batch."""


def passes_of(network: Network, program: Program, variables: Mapping[str, str]) -> Passes:
    """Return the passes over the parameters' variables."""
    lowered = network.lower(training=True)
    graph = lowered.graph
    total = objective(network, lowered)
    penalised = "penalty" in graph.outputs
    on_the_way = ancestors(total)
    values = {name: v for name, v in named_values(network, lowered).items() if v.index in on_the_way}
    parameters = {p.name: lowered.builder.leaves[p.name] for p in network.trained}
    gradients = differentiate(graph, total, [*parameters.values(), *values.values()])
    graph.outputs |= {VALUE + name: v for name, v in values.items()}
    for name, gradient in zip([*parameters, *values], gradients, strict=True):
        graph.outputs[GRADIENT + name] = gradient
    for statistic, observed, _ in lowered.builder.followed:
        graph.outputs[SEEN + name_of(statistic)] = observed
    graph = simplify(graph)
    known = {leaf.index: variables.get(name, name) for name, leaf in leaves_of(graph).items()}
    streams: dict[str, str] = {}

    def generator(stream: str) -> str:
        if stream not in streams:
            streams[stream] = program.names.new(f"random_{stream.split('/', maxsplit=1)[0]}")
        return streams[stream]

    printer = NumpyPrinter(graph, program.names, known, generator)
    ends = [graph.outputs["loss"], *([graph.outputs["penalty"]] if penalised else [])]
    wanted = {variables[name]: graph.outputs[GRADIENT + name] for name in parameters}
    seen = [v for name, v in graph.outputs.items() if name.startswith(SEEN)]
    printer.write([*ends, *wanted.values(), *seen], _wishes(graph, variables))
    followed = []
    for (statistic, _, momentum), value in zip(lowered.builder.followed, seen, strict=True):
        name = variables[name_of(statistic)]
        new = f"{momentum!r} * {name} + {1.0 - momentum!r} * {printer.operand(value).at(PRODUCT)}"
        followed.append(f"{name}[...] = {new}")
    program.helpers |= printer.helpers
    return Passes(
        forward=[line for line, phase in printer.lines if phase == "forward"],
        backward=[line for line, phase in printer.lines if phase != "forward"],
        gradients={name: printer.expression(value) for name, value in wanted.items()},
        streams=streams,
        counts_rows=printer.rows_used,
        penalised=penalised,
        followed=followed,
    )


def _wishes(graph: Graph, variables: Mapping[str, str]) -> dict[int, str]:
    """Return the name that each value should have, by its index; the first of several is taken."""
    wished: dict[int, str] = {}
    for key in ("loss", "penalty"):
        if key in graph.outputs:
            wished[graph.outputs[key].index] = key
    for key, value in graph.outputs.items():
        if key.startswith(VALUE):
            wished.setdefault(value.index, key.removeprefix(VALUE))
    for value in graph.values:
        if value.op is ops.subtract and any(_is_target(i) for i in value.inputs):
            wished.setdefault(value.index, "error")
    for key, value in graph.outputs.items():
        if key.startswith(GRADIENT):
            name = key.removeprefix(GRADIENT)
            wished.setdefault(value.index, f"d_{variables.get(name, name)}")
    return wished


def _is_target(value: Value) -> bool:
    return given(value) is not None and name_of(value) == "targets"


def objective(network: Network, lowered: Lowered) -> Value:
    """Append the loss, and return it with the penalties; outputs `loss` and `penalty`."""
    graph, loss = lowered.graph, network.spec.loss
    data = ops.mean_all(lowered.elements) if loss.reduction == "mean" else ops.sum_all(lowered.elements)
    total = graph.outputs["loss"] = data * loss.scale
    if lowered.builder.penalties:
        penalty, *others = lowered.builder.penalties
        for other in others:
            penalty = penalty + other
        graph.outputs["penalty"] = penalty
        total = total + penalty
    return total


def write_figure(network: Network, program: Program, variables: Mapping[str, str], figure: str) -> None:
    """Write the function `FIGURE_of(inputs, targets)`; raises RunError for a figure that has no plain form."""
    lowered = network.lower(training=False)
    wanted = objective(network, lowered) if figure == "loss" else _share(network, lowered, figure)
    graph = lowered.graph
    graph.outputs = {VALUE + name: v for name, v in named_values(network, lowered).items()} | {figure: wanted}
    graph = simplify(graph)
    known = {v.index: variables.get(name, name) for name, v in leaves_of(graph).items()}
    wished = {v.index: k.removeprefix(VALUE) for k, v in graph.outputs.items() if k.startswith(VALUE)}
    printer = NumpyPrinter(graph, Names(["inputs", "targets", "rows", *variables.values()]), known)
    printer.write([graph.outputs[figure]], wished)
    program.helpers |= printer.helpers
    lines = [
        f'"""Return the {figure} of prepared rows."""',
        *(["rows = len(inputs)"] if printer.rows_used else []),
        *(line for line, _ in printer.lines),
        f"return float({printer.expression(graph.outputs[figure])})",
    ]
    program.functions.append([f"def {figure}_of(inputs, targets):", *indented(lines)])


def _share(network: Network, lowered: Lowered, figure: str) -> Value:
    metric = next(metric for metric in network.metrics if metric.label == figure)
    if metric.type not in ("accuracy", "top_k"):
        raise RunError(
            f"a training that watches `validation.{figure}` cannot be exported as NumPy: watch validation.loss "
            "or validation.accuracy"
        )
    return metric.sums(lowered.prediction, lowered.target)["hits"] * constant(
        lowered.graph, 1.0, inverse(count((BATCH,)).powers)
    )
