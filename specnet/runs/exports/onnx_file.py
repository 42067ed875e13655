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
from specnet.graph.graph import Value
from specnet.graph.leaves import name_of
from specnet.graph.sizes import at
from specnet.passes.simplify import simplify
from specnet.runs.exports.onnx_writer import OnnxWriter
from specnet.runs.extras import needed
from specnet.runs.files import write_bytes

Array = np.ndarray[Any, Any]

OPSET = 18
"""The version of the operators: of 2022, which every runtime of the last years knows."""

IR_VERSION = 9


def write_onnx(path: Path, model: Model) -> None:
    """Write a model as ONNX: `inputs` (rows, ...) raw, as the data hold them, to `predictions` (rows, ...).

    Several outputs go by their names.

    Tables enter as the numbers that their cells become. Both are in the document's dtype; transforms are
    computed in double precision, as specnet does. Raises RunError where the extra `onnx` is not installed, or the
    model has something that ONNX cannot say.
    """
    onnx = needed("onnx", "onnx", "an export to ONNX")
    made = _ModelWriter(onnx, model).model()
    onnx.checker.check_model(made, full_check=True)
    content = made.SerializeToString(deterministic=True)
    write_bytes(path, content)


class _ModelWriter(OnnxWriter):
    """Writes a model: what prepares its inputs, its layers, and what brings its outputs back."""

    def __init__(self, onnx: Any, model: Model) -> None:
        super().__init__(onnx)
        self.network, self.encoding = model.network, model.encoding
        self.parameters, self.way_back = model.parameters, model.way_back
        self.dtype = np.dtype(model.network.spec.dtype)

    def model(self) -> Any:
        """Return the model as ONNX has it."""
        network, helper = self.network, self.onnx.helper
        raw = network.signature.inputs if self.encoding is None else self.encoding.raw_shape
        lowered = network.lower(training=False)
        graph = lowered.graph
        made = {output.name or "predictions": output for output in network.outputs.values()}
        graph.outputs = {name: lowered.outputs[output.name].prediction for name, output in made.items()}
        graph = simplify(graph)
        inputs = self._prepared("inputs")

        def leaf(value: Value) -> str:
            name = name_of(value)
            return inputs if name == "inputs" else self.hold(self.parameters[name], self.dtype, name)

        names = self.write(graph, leaf)
        kind = self.kind(self.dtype)
        outputs = []
        for name, value in graph.outputs.items():
            way = self.way_back(made[name])
            self.node("Identity", [self._restored(names[value.index], way)], name=name)
            shape = at(value.shape[1:], 1) if way is None else self._shape_after(way, value)
            outputs.append(helper.make_tensor_value_info(name, kind, ["rows", *shape]))
        written = helper.make_graph(
            self.nodes,
            network.spec.name,
            [helper.make_tensor_value_info("inputs", kind, ["rows", *raw])],
            outputs,
            list(self.held.values()),
        )
        result = helper.make_model(
            written,
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

    # Transforms

    def reshaped(self, x: str, sizes: tuple[int, ...]) -> str:
        """Append another shape (rows, *sizes)."""
        return self.node("Reshape", [x, self.hold([-1, *sizes], np.int64)])

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
