"""Graphs as nodes of ONNX, one after the other, and the arrays that they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Value
from specnet.graph.sizes import Size
from specnet.interchange.onnx.text import write_operators

Array = np.ndarray[Any, Any]


class OnnxWriter:
    """The nodes of a file that are written so far, and its arrays."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.held: dict[str, Any] = {}
        self.written = 0

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

    def node(
        self, operator: str, operands: Sequence[str], *, name: str | None = None, **attributes: Any
    ) -> str:
        """Append an application of an operator, and return its result's name."""
        name = name or f"{operator.lower()}_{self.written}"
        self.append(operator, operands, [name], **attributes)
        return name

    def append(
        self, operator: str, operands: Sequence[str], results: Sequence[str], **attributes: Any
    ) -> None:
        """Append an application of an operator with these results."""
        self.written += 1
        name = f"{results[0]}_node"
        self.nodes.append(self.onnx.helper.make_node(operator, operands, results, name=name, **attributes))

    def hold(self, array: Any, dtype: Any, name: str | None = None) -> str:
        """Keep an array in the file, and return its name."""
        array = np.ascontiguousarray(array, dtype).reshape(np.shape(array))
        name = name or f"constant_{len(self.held)}"
        self.held[name] = self.onnx.numpy_helper.from_array(array, name)
        return name

    def rows(self) -> str:
        """Append how many rows there are, as a vector of one number."""
        return self.node("Shape", ["inputs"], start=0, end=1)

    def cast(self, x: str, dtype: Any) -> str:
        """Append a conversion to another dtype."""
        return self.node("Cast", [x], to=self.kind(dtype))

    def kind(self, dtype: Any) -> int:
        """Return the number that a dtype has in ONNX."""
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

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
        direction = int(loop.reverse)
        self.append(
            "Scan",
            operands[: len(given)],
            results,
            body=body,
            num_scan_inputs=loop.arrays,
            scan_input_directions=[direction] * loop.arrays,
            scan_output_directions=[direction] * (len(results) - loop.states),
        )
        return results

    def _info(self, name: str, value: Value) -> Any:
        shape = [str(dim) if isinstance(dim, Size) else dim for dim in value.shape]
        return self.onnx.helper.make_tensor_value_info(name, self.kind(value.dtype), shape)
