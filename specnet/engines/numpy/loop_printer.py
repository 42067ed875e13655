"""Loops as lines that a person can read: a `for` over the steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from specnet.graph.expressions import ATOM
from specnet.graph.graph import Node, Value
from specnet.graph.ops.scan import SCAN

if TYPE_CHECKING:
    from specnet.engines.numpy.printer import NumpyPrinter


def write_loop(printer: NumpyPrinter, node: Node, name: Callable[[Value], str]) -> None:
    """Append the lines of a loop; `name` gives each of its results a new name."""
    loop, body = SCAN.of(node), SCAN.of(node).body
    phase = node.phase
    length = printer.size(loop.length)
    results = [name(value) for value in node.results]

    def line(text: str) -> None:
        printer.lines.append((text, phase))

    for result, source in zip(results[: loop.states], node.inputs, strict=False):
        line(f"{result} = {printer.operand(source).text}")
    for result, value in zip(results[loop.states :], node.results[loop.states :], strict=True):
        line(f"{result} = np.empty({printer.shape(value)}, np.{value.dtype})")
    given = list(results[: loop.states])
    step = printer.names.new("step")
    arrays = node.inputs[loop.states : loop.states + loop.arrays]
    given += [f"{_named(printer, source, line)}[{step}]" for source in arrays]
    given += [_named(printer, source, line) for source in node.inputs[loop.states + loop.arrays :]]
    order = f"reversed(range({length}))" if loop.reverse else f"range({length})"
    line(f"for {step} in {order}:")
    known = {value.index: text for value, text in zip(body.arguments, given, strict=True)}
    within = replace(printer, graph=body, known=known, lines=[], uses={}, final=set())
    within.write(body.returns, {})
    for text, _ in within.lines:
        line(f"    {text}")
    new = [within.operand(value).text for value in body.returns]
    for result, text in zip(results[loop.states :], new[loop.states :], strict=True):
        line(f"    {result}[{step}] = {text}")
    states = [(a, b) for a, b in zip(results[: loop.states], new, strict=False) if a != b]
    if states:
        line(f"    {', '.join(a for a, _ in states)} = {', '.join(b for _, b in states)}")
    printer.rows_used |= within.rows_used
    for value, text in zip(node.results, results, strict=True):
        printer.known[value.index] = text


def _named(printer: NumpyPrinter, value: Value, line: Callable[[str], None]) -> str:
    """Return a value as something short that may be used at every step."""
    expression = printer.operand(value)
    if expression.binds >= ATOM and expression.text.isidentifier():
        return expression.text
    if not value.shape:
        return expression.at(ATOM)
    name = printer.names.new("given")
    line(f"{name} = {expression.text}")
    printer.known[value.index] = name
    return name
