"""A step of a training as lines: the run's own graph, forward, backward and update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specnet.engines.numpy.printer import NumpyPrinter
from specnet.graph import ops
from specnet.graph.declarations import DONE
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import CONSTANT, leaves
from specnet.interchange.numpy.forward import array_expressions
from specnet.interchange.numpy.program import Program
from specnet.model.naming import GRADIENT, VALUE
from specnet.model.network import Network
from specnet.model.reading import known_as
from specnet.passes.readable import readable
from specnet.passes.simplify import simplify


@dataclass(frozen=True, slots=True)
class Passes:
    """The two passes of one step."""

    graph: Graph
    known: dict[int, str]
    """The variable of each value that has one, by its index."""
    forward: list[str]
    backward: list[str]
    gradients: list[str]
    """The expression of each parameter's gradient."""
    streams: dict[str, str]
    """The variable of each stream of random numbers, by its name."""

    @property
    def penalised(self) -> bool:
        """Whether there is a `penalty` beside the `loss`."""
        return "penalty" in self.graph.outputs


def passes_of(graph: Graph, network: Network, program: Program, variables: Mapping[str, str]) -> Passes:
    """Return the passes of a network's training graph over the variables of its arrays."""
    graph = readable(simplify(graph))
    arrays = {**variables, **array_expressions(network), DONE: "step"}
    known = {leaf.index: arrays.get(name, name) for name, leaf in leaves(graph).items()}
    streams: dict[str, str] = {}

    def generator(stream: str) -> str:
        if stream not in streams:
            streams[stream] = program.names.new(f"random_{stream.split('/', maxsplit=1)[0]}")
        return streams[stream]

    printer = NumpyPrinter(graph, program.names, known, generator)
    packed = next(value for value in graph.values if value.op is ops.pack)
    trained = {
        f"d_{variables[p.name]}": value for p, value in zip(network.trained, packed.inputs, strict=True)
    }
    ends = [graph.outputs[name] for name in ("loss", "penalty") if name in graph.outputs]
    printer.write([*ends, *packed.inputs, *_handed_on(graph)], _wishes(graph, trained))
    program.helpers |= printer.helpers
    return Passes(
        graph=graph,
        known=printer.known,
        forward=[line for line, phase in printer.lines if phase == "forward"],
        backward=[line for line, phase in printer.lines if phase != "forward"],
        gradients=[printer.expression(value) for value in packed.inputs],
        streams=streams,
    )


def _handed_on(graph: Graph) -> list[Value]:
    """Return what the update reads of the passes before it, beside the gradient."""
    read = (source for node in graph if node.phase == "update" for source in node.inputs)
    return [v for v in read if v.phase != "update" and not v.op.leaf and v.op not in (ops.pack, CONSTANT)]


def _wishes(graph: Graph, gradients: Mapping[str, Value]) -> dict[int, str]:
    """Return the name that each value should have, by its index; the first of several is taken."""
    wished: dict[int, str] = {}
    for key in ("loss", "penalty"):
        if key in graph.outputs:
            wished[graph.outputs[key].index] = key
    for key, value in graph.outputs.items():
        if key.startswith(VALUE):
            wished.setdefault(value.index, key.removeprefix(VALUE))
    for value in graph.values:
        name = known_as(value, wished)
        if name:
            wished.setdefault(value.index, name)
    for name, value in gradients.items():
        wished.setdefault(value.index, name)
    for key, value in graph.outputs.items():
        if key.startswith(GRADIENT):
            wished.setdefault(value.index, f"d_{key.removeprefix(GRADIENT)}")
    return wished
