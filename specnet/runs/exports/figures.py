"""What a training watches, as functions of prepared rows."""

from __future__ import annotations

from collections.abc import Mapping

from specnet.compiler.network import Network
from specnet.compiler.printer import Names, NumpyPrinter
from specnet.compiler.programs import VALUE, evaluation_graph, loss_graph
from specnet.diagnostics import RunError
from specnet.graph.leaves import leaves
from specnet.passes.simplify import simplify
from specnet.runs.exports.forward import named_values
from specnet.runs.exports.layout import indented
from specnet.runs.exports.program import Program


def write_figure(network: Network, program: Program, variables: Mapping[str, str], figure: str) -> None:
    """Write the function `FIGURE_of(inputs, targets)`; raises RunError for a figure that has no plain form."""
    graph = (
        loss_graph(network, named_values)
        if figure == "loss"
        else evaluation_graph(network, naming=named_values)
    )
    own = {figure} if figure == "loss" else {f"{figure}/hits"}
    if own - graph.outputs.keys():
        raise RunError(
            f"a training that watches `validation.{figure}` cannot be exported as NumPy: watch validation.loss "
            "or validation.accuracy"
        )
    graph.outputs = {name: v for name, v in graph.outputs.items() if name in own or name.startswith(VALUE)}
    graph = simplify(graph)
    known = {v.index: variables.get(name, name) for name, v in leaves(graph).items()}
    wished = {v.index: k.removeprefix(VALUE) for k, v in graph.outputs.items() if k.startswith(VALUE)}
    printer = NumpyPrinter(graph, Names(["inputs", "targets", "rows", *variables.values()]), known)
    wanted = [v for name, v in graph.outputs.items() if name in own]
    printer.write(wanted, wished)
    program.helpers |= printer.helpers
    (result,) = map(printer.expression, wanted)
    lines = [
        f'"""Return the {figure} of prepared rows."""',
        *(["rows = len(inputs)"] if printer.rows_used else []),
        *(line for line, _ in printer.lines),
        f"return float({result})" if figure == "loss" else f"return float({result} / len(inputs))",
    ]
    program.functions.append([f"def {figure}_of(inputs, targets):", *indented(lines)])
