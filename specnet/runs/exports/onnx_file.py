"""A model as an ONNX file: transforms, layers, and back to the units of the data; the batch axis is free."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from specnet._version import __version__
from specnet.compiler.model import Model
from specnet.data.pipeline import Pipeline
from specnet.data.tables.scaling import ColumnScale
from specnet.data.transforms import Flatten, MinMax, OneHot, Reshape, Scale, Standardize, Transform
from specnet.diagnostics import RunError
from specnet.graph import ops
from specnet.graph.graph import Node, Value
from specnet.graph.leaves import given, name_of
from specnet.graph.sizes import Size, at
from specnet.passes.simplify import simplify
from specnet.runs.exports.onnx_text import write_operators
from specnet.runs.extras import needed
from specnet.runs.files import write_bytes

Array = np.ndarray[Any, Any]

OPSET = 18
"""The version of the operators: of 2022, which every runtime of the last years knows."""

IR_VERSION = 9

SINGLE = {"Conv", "ConvTranspose", "Erf"}
"""The operators that the widespread runtime knows in single precision alone."""


def write_onnx(path: Path, model: Model) -> None:
    """Write a model as ONNX: `inputs` (rows, ...) raw, as the data hold them, to `predictions` (rows, ...).

    Several outputs go by their names.

    Tables enter as the numbers that their cells become. Both are in the document's dtype; transforms are
    computed in double precision, as specnet does. Raises RunError where the extra `onnx` is not installed, or the
    model has something that ONNX cannot say.
    """
    onnx = needed("onnx", "onnx", "an export to ONNX")
    made = Writer(onnx, model).model()
    onnx.checker.check_model(made, full_check=True)
    content = made.SerializeToString(deterministic=True)
    write_bytes(path, content)


class Writer:
    """Writes a model's values as nodes, one after the other, and what they hold."""

    def __init__(self, onnx: Any, model: Model) -> None:
        self.onnx, self.network, self.encoding = onnx, model.network, model.encoding
        self.parameters, self.way_back = model.parameters, model.way_back
        self.dtype = np.dtype(model.network.spec.dtype)
        self.nodes: list[Any] = []
        self.held: dict[str, Any] = {}
        self.names: dict[int, str] = {}
        """What values are called, by their index."""
        self.written = 0

    def model(self) -> Any:
        """Return the model as ONNX has it."""
        network, helper = self.network, self.onnx.helper
        raw = network.signature.inputs if self.encoding is None else self.encoding.raw_shape
        lowered = network.lower(training=False)
        graph = lowered.graph
        parts = {part.name: part for part in lowered.parts}
        graph.outputs = {name: part.prediction(lowered.prediction) for name, part in parts.items()}
        graph.outputs = graph.outputs or {"predictions": lowered.prediction}
        graph = simplify(graph)
        inputs = self._prepared("inputs")
        for node in graph:
            if node.op is ops.SCAN:
                self._loop(node)
            else:
                value = node.value
                self.names[value.index] = inputs if _is_input(value) else self._value(value)
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        outputs = []
        for name, value in graph.outputs.items():
            way = self.way_back(parts.get(name))
            self.node("Identity", [self._restored(self.names[value.index], way)], name=name)
            shape = at(value.shape[1:], 1) if way is None else self._shape_after(way, value)
            outputs.append(helper.make_tensor_value_info(name, kind, ["rows", *shape]))
        made = helper.make_graph(
            self.nodes,
            network.spec.name,
            [helper.make_tensor_value_info("inputs", kind, ["rows", *raw])],
            outputs,
            list(self.held.values()),
        )
        result = helper.make_model(
            made,
            producer_name="specnet",
            producer_version=__version__,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        signature = network.signature
        notes = {"features": signature.features, "classes": signature.classes}
        helper.set_model_props(result, {k: "\n".join(map(str, v)) for k, v in notes.items() if v})
        return result

    def _shape_after(self, way: Pipeline, value: Value) -> tuple[int, ...]:
        return tuple(way.invert(np.zeros((1, *at(value.shape[1:], 1)))).shape[1:])

    # Pieces

    def node(self, operator: str, inputs: list[str], *, name: str | None = None, **attributes: Any) -> str:
        """Append an application of an operator, and return its result's name."""
        if operator in SINGLE and self.dtype != np.float32:
            inputs = [self.cast(x, np.float32) for x in inputs]
            found = f"{operator.lower()}_{self.written}"
            self.append(operator, inputs, [found], **attributes)
            return self.cast(found, self.dtype)
        name = name or f"{operator.lower()}_{self.written}"
        self.append(operator, inputs, [name], **attributes)
        return name

    def append(self, operator: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        """Append an application of an operator with these results."""
        self.written += 1
        name = f"{outputs[0]}_node"
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, outputs, name=name, **attributes))

    def hold(self, array: Any, dtype: Any = None, name: str | None = None) -> str:
        """Keep an array in the file, and return its name."""
        array = np.ascontiguousarray(array, self.dtype if dtype is None else dtype).reshape(np.shape(array))
        name = name or f"constant_{len(self.held)}"
        self.held[name] = self.onnx.numpy_helper.from_array(array, name)
        return name

    def rows(self) -> str:
        """Append how many rows there are, as a vector of one number."""
        return self.node("Shape", ["inputs"], start=0, end=1)

    def cast(self, x: str, dtype: Any) -> str:
        """Append a conversion to another dtype."""
        return self.node("Cast", [x], to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def reshaped(self, x: str, sizes: tuple[int, ...]) -> str:
        """Append another shape (rows, *sizes)."""
        return self.node("Reshape", [x, self.hold([-1, *sizes], np.int64)])

    # Transforms

    def _prepared(self, x: str) -> str:
        if self.encoding is None or not self.encoding.inputs.transforms:
            return x
        x = self.cast(x, np.float64)
        shape = self.encoding.raw_shape
        for transform, state in self.encoding.inputs.steps:
            shape = transform.output_shape(shape)
            x = self._applied(transform, state, x, shape)
        return self.cast(x, self.dtype)

    def _applied(self, transform: Transform, state: Any, x: str, shape: tuple[int, ...]) -> str:
        if isinstance(transform, Standardize):
            return self.double("Div", self.double("Sub", x, state["mean"]), state["std"])
        if isinstance(transform, ColumnScale):
            return self.double("Div", self.double("Sub", x, state["center"]), state["span"])
        if isinstance(transform, MinMax):
            low, high = transform.range
            x = self.double("Div", self.double("Sub", x, state["min"]), state["span"])
            return self.double("Add", self.double("Mul", x, high - low), low)
        if isinstance(transform, Scale):
            return self.double("Add", self.double("Mul", x, transform.factor), transform.offset)
        if isinstance(transform, Flatten | Reshape):
            return self.reshaped(x, shape)
        if isinstance(transform, OneHot):
            depth, values = self.hold(transform.classes, np.int64), self.hold([0.0, 1.0], np.float64)
            return self.node("OneHot", [self.cast(x, np.int64), depth, values], axis=-1)
        raise RunError(f"the transform `{transform.type}` cannot be exported to ONNX")

    def double(self, operator: str, x: str, number: Any) -> str:
        """Append an operator over a value and a number in double precision."""
        return self.node(operator, [x, self.hold(number, np.float64)])

    def _restored(self, x: str, way: Pipeline | None) -> str:
        if way is None:
            return x
        x = self.cast(x, np.float64)
        for transform, state in reversed(way.steps):
            x = self._inverted(transform, state, x)
        return self.cast(x, self.dtype)

    def _inverted(self, transform: Transform, state: Any, x: str) -> str:
        if isinstance(transform, Standardize):
            return self.double("Add", self.double("Mul", x, state["std"]), state["mean"])
        if isinstance(transform, ColumnScale):
            return self.double("Add", self.double("Mul", x, state["span"]), state["center"])
        if isinstance(transform, MinMax):
            low, high = transform.range
            x = self.double("Div", self.double("Sub", x, low), high - low)
            return self.double("Add", self.double("Mul", x, state["span"]), state["min"])
        if isinstance(transform, Scale):
            return self.double("Div", self.double("Sub", x, transform.offset), transform.factor)
        if isinstance(transform, Flatten | Reshape):
            return self.reshaped(x, tuple(state["shape"].tolist()))
        raise RunError(f"the transform `{transform.type}` of targets cannot be exported to ONNX")

    # Loops

    def _loop(self, node: Node) -> None:
        """Append a loop as `Scan`, whose body names what stays the same as it is called around it."""
        loop, number = ops.SCAN.of(node), self.written
        around, names = self.nodes, self.names
        taken = [names[value.index] for value in node.inputs]
        arguments = loop.body.arguments
        given = [f"loop_{number}_{n}" for n in range(loop.states + loop.arrays)]
        self.nodes = []
        self.names = dict(zip([v.index for v in arguments], [*given, *taken[len(given) :]], strict=True))
        for each in loop.body:
            if each.op is ops.SCAN:
                self._loop(each)
            elif each.value.index not in self.names:
                self.names[each.value.index] = self._value(each.value)
        returns = [self.node("Identity", [self.names[v.index]]) for v in loop.body.returns]
        body = self.onnx.helper.make_graph(
            self.nodes,
            f"loop_{number}",
            [self._info(name, v) for name, v in zip(given, arguments, strict=False)],
            [self._info(name, v) for name, v in zip(returns, loop.body.returns, strict=True)],
        )
        self.nodes, self.names = around, names
        results = [f"scan_{number}_{n}" for n in range(len(node.results))]
        direction = int(loop.reverse)
        self.append(
            "Scan",
            taken[: len(given)],
            results,
            body=body,
            num_scan_inputs=loop.arrays,
            scan_input_directions=[direction] * loop.arrays,
            scan_output_directions=[direction] * (len(results) - loop.states),
        )
        names.update(zip([v.index for v in node.results], results, strict=True))

    def _info(self, name: str, value: Value) -> Any:
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
        shape = [str(dim) if isinstance(dim, Size) else dim for dim in value.shape]
        return self.onnx.helper.make_tensor_value_info(name, kind, shape)

    # Values

    def _value(self, value: Value) -> str:
        if given(value) is not None:
            return self.hold(self.parameters[name_of(value)], name=name_of(value))
        return write_operators(self, value, [self.names[i.index] for i in value.inputs])


def _is_input(value: Value) -> bool:
    return given(value) is not None and name_of(value) == "inputs"
