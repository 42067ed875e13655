"""What a training measures of a split, as a function of prepared rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from specnet.diagnostics import RunError
from specnet.engines.numpy.names import Names
from specnet.engines.numpy.printer import NumpyPrinter
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaves
from specnet.interchange.numpy.forward import array_expressions, named_values, target_names
from specnet.interchange.numpy.layout import indented, without_unused
from specnet.interchange.numpy.program import Program
from specnet.interchange.numpy.sources import Sources
from specnet.model.compiled import CompiledModel
from specnet.model.evaluator import data_units
from specnet.model.figures import OutputFigure
from specnet.model.naming import VALUE
from specnet.model.programs import evaluation_graph
from specnet.passes.simplify import simplify


def write_measure(
    model: CompiledModel, program: Program, variables: Mapping[str, str], needed: Collection[str]
) -> tuple[str, list[str]]:
    """Write a function `(inputs, targets...)` that returns the figures of prepared rows by name, such as `loss`.

    Returns the name of the function, and those of the figures. A metric of the user's own whose source is no plain
    NumPy is left out; where it is `needed`, RunError is raised.
    """
    targets, sources = target_names(model.network), Sources(program)
    variables = {**variables, **array_expressions(model.network)}
    finishes: dict[str, Callable[..., str]] = {}
    for figure in model.network.figures:
        if not _is_number(figure):
            continue
        try:
            finishes[figure.label] = sources.call(figure.finish)
        except RunError:
            if figure.label in needed:
                raise
    outputs_of = {figure.label: model.network.outputs[figure.output] for figure in model.network.figures}
    units = data_units(model.network, model.encoding)
    graph = evaluation_graph(model.network, units=bool(units), naming=named_values, loss=True)
    own = {
        label: [n for n in graph.outputs if n.startswith((f"{label}/", f"{label}:"))] for label in finishes
    }
    wanted = ["loss", *(name for names in own.values() for name in names)]
    wanted += [output.steps for output in model.network.outputs.values() if output.is_masked]
    graph.outputs = {name: v for name, v in graph.outputs.items() if name in wanted or name.startswith(VALUE)}
    graph = simplify(graph)
    used = {name: array for name, array in units.items() if name in leaves(graph)}
    scaling = {name: program.names.new(f"target_{name.removeprefix('units/')}") for name in used}
    scaled = {scaling[name]: np.asarray(array) for name, array in used.items()}
    program.hold(scaled, "What makes the network's numbers those of the data.")
    lines, results = _measured(graph, program, {**variables, **scaling}, wanted)
    found = dict(zip(wanted, results, strict=True))
    entries = [f'"loss": float({found["loss"]}),']
    for label, finish in finishes.items():
        totals = {name[len(label) + 1 :]: found[name] for name in own[label]}
        rows = "float(weights.sum())" if model.network.weighted else "rows"
        output = outputs_of[label]
        if output.is_masked:
            rows = f"float({found[output.steps]})"
        entries.append(f'"{label}": {finish(totals, rows)},')
    name = program.names.new("measure")
    doc = '"""Return the loss and the metrics of prepared rows."""'
    head = f"def {name}({', '.join(['inputs', *targets.values()])}):"
    body = [doc, "rows = len(inputs)", *lines, "return {", *indented(entries), "}"]
    program.functions.append([head, *indented(without_unused(body, ["rows"]))])
    return name, ["loss", *finishes]


def _is_number(figure: OutputFigure) -> bool:
    """Whether a figure is one number: a confusion matrix is none."""
    return figure.metric is None or figure.metric.type != "confusion"


def _measured(
    graph: Graph, program: Program, variables: Mapping[str, str], wanted: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the lines that compute some outputs of a graph, and the expressions of these."""
    known = {v.index: variables.get(name, name) for name, v in leaves(graph).items()}
    wished = {graph.outputs[name].index: name.rpartition("/")[2] for name in wanted}
    wished |= {v.index: k.removeprefix(VALUE) for k, v in graph.outputs.items() if k.startswith(VALUE)}
    printer = NumpyPrinter(graph, Names(["inputs", "rows", *variables.values()]), known)
    values = [graph.outputs[name] for name in wanted]
    printer.write(values, wished)
    program.helpers |= printer.helpers
    return [line for line, _ in printer.lines], [printer.expression(value) for value in values]
