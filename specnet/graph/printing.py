"""Graphs as text, an application a line, with the regions that it runs below it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specnet.graph.graph import Graph, Node, Region, Value
from specnet.graph.leaves import ARGUMENT, name_of
from specnet.graph.sizes import Size, show


def text(graph: Graph) -> str:
    """Return a graph as text. Settings that are their default are left out."""
    return "\n".join(_lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        if node.op is ARGUMENT:
            continue
        yield f"{', '.join(map(_typed, node.results))} = {_call(node)}"
        for region in node.regions:
            yield f"    ({', '.join(map(_typed, region.arguments))}):"
            yield from (f"        {line}" for line in _lines(region))
    yield from (f"return {name} = {value}" for name, value in graph.outputs.items())
    yield from (f"assign {name_of(leaf)} = {value}" for leaf, value in graph.assignments)
    if isinstance(graph, Region):
        yield f"return {', '.join(map(str, graph.returns))}"


def _typed(value: Value) -> str:
    return f"{value}: {value.dtype}{show(value.shape)}"


def _call(node: Node) -> str:
    settings = node.attributes.changed().items()
    written = [f"{name}={_written(setting)}" for name, setting in settings if not isinstance(setting, Region)]
    return f"{node.op}({', '.join([*map(str, node.inputs), *written])})"


def _written(setting: Any) -> str:
    if isinstance(setting, tuple) and all(isinstance(part, int | Size) for part in setting):
        return show(setting)
    return str(setting) if isinstance(setting, Size) else repr(setting)
