"""The learning rate of a step as a function that can be read."""

from __future__ import annotations

from textwrap import indent

from specnet.engines.numpy.names import Names
from specnet.engines.numpy.printer import NumpyPrinter
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import CONSTANT, leaves, number
from specnet.passes.simplify import simplify
from specnet.vocabulary.schedules import RunLength, Schedule
from specnet.vocabulary.schedules.schedule import AT


def rate_function(schedule: Schedule, base: float, run: RunLength) -> list[str] | None:
    """Return the function of a step, counted from 0, that gives its learning rate; None where there is no formula.

    The rate that a plateau schedule has come to is its argument `rate`.
    """
    graph = Graph("float64")
    graph.outputs["rate"] = schedule.lower(number(graph, "step"), base, run)
    graph = simplify(graph)
    rate = graph.outputs["rate"]
    if rate.op is CONSTANT or rate.op.leaf:
        return None
    given = leaves(graph)
    printer = NumpyPrinter(graph, Names(given), {leaf.index: name for name, leaf in given.items()})
    printer.count_uses([rate])
    warm = {v.index: "warm_up" for v in graph.values if v.op is ops.where and v.key_path != AT}
    printer.write_below(rate, warm)
    lines = [*(line for line, _ in printer.lines), f"return {printer.expression(rate)}"]
    return [f"def learning_rate_at({', '.join(given)}):", *(indent(line, "    ") for line in lines)]
