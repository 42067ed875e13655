"""What a training watches, as functions of prepared rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from specnet.engines.numpy.names import Names
from specnet.engines.numpy.printer import NumpyPrinter
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaves
from specnet.interchange.numpy.forward import array_expressions, named_values, target_names
from specnet.interchange.numpy.layout import indented, without_unused
from specnet.interchange.numpy.program import Program
from specnet.interchange.numpy.sources import Sources
from specnet.model.model import Model
from specnet.model.programs import VALUE, evaluation_graph, loss_graph
from specnet.passes.simplify import simplify
from specnet.training.evaluation import data_units


def write_figure(model: Model, program: Program, variables: Mapping[str, str], figure: str) -> str:
    """Write a function `(inputs, targets...)` that measures a figure, such as `loss` or `f1`, and return its name.

    Raises RunError for a metric of the user's own whose source is no plain NumPy.
    """
    called, targets = figure.replace(".", "_"), target_names(model.network)
    variables = {**variables, **array_expressions(model.network)}
    if figure == "loss":
        lines, (loss,) = _measured(loss_graph(model.network, named_values), program, variables, ("loss",))
        result = f"float({loss})"
    else:
        units = data_units(model)
        graph = evaluation_graph(model.network, units=bool(units), naming=named_values)
        used = {name: array for name, array in units.items() if name in leaves(graph)}
        scaling = {name: program.names.new(f"target_{name.removeprefix('units/')}") for name in used}
        scaled = {scaling[name]: np.asarray(array) for name, array in used.items()}
        program.hold(scaled, "What makes the network's numbers those of the data.")
        finish = next(each.finish for each in model.network.figures if each.label == figure)
        own = [name for name in graph.outputs if name.startswith((f"{figure}/", f"{figure}:"))]
        lines, results = _measured(graph, program, {**variables, **scaling}, own)
        pairs = ", ".join(
            f'"{name[len(figure) + 1 :]}": {result}' for name, result in zip(own, results, strict=True)
        )
        result = f"{Sources(program).copy(finish)}({{{pairs}}}, len(inputs))"
    name = program.names.new(f"{called}_of")
    doc = f'"""Return the {figure} of prepared rows."""'
    head = f"def {name}({', '.join(['inputs', *targets.values()])}):"
    lines = without_unused([doc, "rows = len(inputs)", *lines, f"return {result}"], ["rows"])
    program.functions.append([head, *indented(lines)])
    return name


def _measured(
    graph: Graph, program: Program, variables: Mapping[str, str], wanted: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the lines that compute some outputs of a graph, and the expressions of these."""
    graph.outputs = {name: v for name, v in graph.outputs.items() if name in wanted or name.startswith(VALUE)}
    graph = simplify(graph)
    known = {v.index: variables.get(name, name) for name, v in leaves(graph).items()}
    wished = {v.index: k.removeprefix(VALUE) for k, v in graph.outputs.items() if k.startswith(VALUE)}
    printer = NumpyPrinter(graph, Names(["inputs", "rows", *variables.values()]), known)
    values = [graph.outputs[name] for name in wanted]
    printer.write(values, wished)
    program.helpers |= printer.helpers
    return [line for line, _ in printer.lines], [printer.expression(value) for value in values]
