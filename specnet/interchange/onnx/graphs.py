"""Graphs as nodes of ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Value
from specnet.graph.sizes import Size
from specnet.interchange.onnx.text import write_operators
from specnet.interchange.onnx.writer import OnnxWriter


class GraphWriter(OnnxWriter):
    """Writes the operators of graphs, loops among them."""

    def write(self, graph: Graph, leaf: Callable[[Value], str]) -> dict[int, str]:
        """Append what a graph computes, and return the name of each value, by its index.

        `leaf` gives the names of what comes from outside. Raises RunError where something cannot be exported.
        """
        names: dict[int, str] = {}
        for node in graph:
            operands = [names[value.index] for value in node.inputs]
            if node.op is ops.SCAN:
                results = self._loop(node, operands)
                names.update(zip([value.index for value in node.results], results, strict=True))
            else:
                value = node.value
                names[value.index] = leaf(value) if node.op.leaf else write_operators(self, value, operands)
        return names

    def _loop(self, node: Node, operands: list[str]) -> list[str]:
        """Append a loop as `Scan`, whose body names what stays the same as it is called around it."""
        loop, number = ops.SCAN.of(node), self.written
        arguments = loop.body.arguments
        given = [f"loop_{number}_{n}" for n in range(loop.states + loop.arrays)]
        known = dict(zip([v.index for v in arguments], [*given, *operands[len(given) :]], strict=True))
        around, self.nodes = self.nodes, []
        names = self.write(loop.body, lambda value: known[value.index])
        returns = [self.node("Identity", [names[v.index]]) for v in loop.body.returns]
        body = self.onnx.helper.make_graph(
            self.nodes,
            f"loop_{number}",
            [self._info(name, v) for name, v in zip(given, arguments, strict=False)],
            [self._info(name, v) for name, v in zip(returns, loop.body.returns, strict=True)],
        )
        self.nodes = around
        results = [f"scan_{number}_{n}" for n in range(len(node.results))]
        # Both directions are forward by default; an empty list of them has no type.
        ways = {"input": loop.arrays, "output": len(results) - loop.states} if loop.reverse else {}
        directions = {f"scan_{name}_directions": [1] * count for name, count in ways.items() if count}
        self.append(
            "Scan",
            operands[: len(given)],
            results,
            body=body,
            num_scan_inputs=loop.arrays,
            **directions,
        )
        return results

    def _info(self, name: str, value: Value) -> Any:
        shape = [str(dim) if isinstance(dim, Size) else dim for dim in value.shape]
        return self.onnx.helper.make_tensor_value_info(name, self.kind(value.dtype), shape)
