"""A model as an ONNX file: transforms, layers, and back to the units of the data; the batch axis is free."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from specnet._version import __version__
from specnet.compiler.model import Model
from specnet.compiler.simplify import simplify
from specnet.data.transforms import Flatten, MinMax, OneHot, Reshape, Scale, Standardize, Transform
from specnet.diagnostics import RunError
from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.op import CONSTANT
from specnet.graph.ops.sampling import mixture
from specnet.runs.extras import needed
from specnet.runs.files import write_whole
from specnet.runtime.shapes import Batch

Array = np.ndarray[Any, Any]

OPSET = 18
"""The version of the operators: of 2022, which every runtime of the last years knows."""

IR_VERSION = 9

_ONE = {
    "absolute": "Abs",
    "add": "Add",
    "divide": "Div",
    "equal": "Equal",
    "erf": "Erf",
    "exp": "Exp",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "log": "Log",
    "maximum": "Max",
    "minimum": "Min",
    "multiply": "Mul",
    "negative": "Neg",
    "power": "Pow",
    "relu": "Relu",
    "select": "Where",
    "sigmoid": "Sigmoid",
    "sign": "Sign",
    "sqrt": "Sqrt",
    "subtract": "Sub",
    "tanh": "Tanh",
}
"""The ops that are one operator of ONNX."""


def write_onnx(path: Path, model: Model) -> None:
    """Write a model as ONNX: `inputs` (rows, ...) raw, as the data hold them, to `predictions` (rows, ...).

    Tables enter as the numbers that their cells become. Both are in the document's dtype; transforms are
    computed in double precision, as specnet does. Raises RunError where the extra `onnx` is not installed, or the
    model has something that ONNX cannot say.
    """
    onnx = needed("onnx", "onnx", "an export to ONNX")
    made = _Writer(onnx, model).model()
    onnx.checker.check_model(made, full_check=True)
    content = made.SerializeToString(deterministic=True)
    write_whole(path, lambda file: _write(file, content))


def _write(file: Any, content: bytes) -> None:
    file.write(content)


class _Writer:
    def __init__(self, onnx: Any, model: Model) -> None:
        self.onnx, self.network, self.encoding = onnx, model.network, model.encoding
        self.parameters = model.parameters
        self.dtype = np.dtype(model.network.spec.dtype)
        self.nodes: list[Any] = []
        self.held: dict[str, Any] = {}
        self.names: dict[int, str] = {}

    def model(self) -> Any:
        network, helper = self.network, self.onnx.helper
        raw = network.signature.inputs if self.encoding is None else self.encoding.raw_shape
        lowered = network.lower(training=False)
        graph = lowered.graph
        graph.outputs = {"predictions": lowered.prediction}
        graph = simplify(graph)
        inputs = self._prepared("inputs")
        for value in graph:
            self.names[value.index] = inputs if _is_input(value) else self._value(value)
        result = self._restored(self.names[graph.outputs["predictions"].index])
        self.node("Identity", [result], name="predictions")
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        made = helper.make_graph(
            self.nodes,
            network.spec.name,
            [helper.make_tensor_value_info("inputs", kind, ["rows", *raw])],
            [helper.make_tensor_value_info("predictions", kind, ["rows", *self._output_shape()])],
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

    def _output_shape(self) -> tuple[int, ...]:
        shape = self.network.prediction_shape
        if self.encoding is None or self._one_hot_targets():
            return shape
        example = np.zeros((1, *shape))
        return tuple(self.encoding.decode(example).shape[1:])

    def _one_hot_targets(self) -> bool:
        return self.encoding is not None and any(
            isinstance(t, OneHot) for t, _ in self.encoding.targets.steps
        )

    # Pieces

    def node(self, operator: str, inputs: list[str], *, name: str | None = None, **attributes: Any) -> str:
        """Append an application of an operator, and return its result's name."""
        name = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(
            self.onnx.helper.make_node(operator, inputs, [name], name=f"{name}_node", **attributes)
        )
        return name

    def hold(self, array: Any, dtype: Any = None, name: str | None = None) -> str:
        """Keep an array in the file, and return its name."""
        array = np.ascontiguousarray(array, self.dtype if dtype is None else dtype).reshape(np.shape(array))
        name = name or f"constant_{len(self.held)}"
        self.held[name] = self.onnx.numpy_helper.from_array(array, name)
        return name

    def cast(self, x: str, dtype: Any) -> str:
        return self.node("Cast", [x], to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def reshaped(self, x: str, sizes: tuple[int, ...]) -> str:
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
        return self.node(operator, [x, self.hold(number, np.float64)])

    def _restored(self, x: str) -> str:
        if self.encoding is None or not self.encoding.targets.transforms or self._one_hot_targets():
            return x
        x = self.cast(x, np.float64)
        for transform, state in reversed(self.encoding.targets.steps):
            x = self._inverted(transform, state, x)
        return self.cast(x, self.dtype)

    def _inverted(self, transform: Transform, state: Any, x: str) -> str:
        if isinstance(transform, Standardize):
            return self.double("Add", self.double("Mul", x, state["std"]), state["mean"])
        if isinstance(transform, MinMax):
            low, high = transform.range
            x = self.double("Div", self.double("Sub", x, low), high - low)
            return self.double("Add", self.double("Mul", x, state["span"]), state["min"])
        if isinstance(transform, Scale):
            return self.double("Div", self.double("Sub", x, transform.offset), transform.factor)
        if isinstance(transform, Flatten | Reshape):
            return self.reshaped(x, tuple(state["shape"].tolist()))
        raise RunError(f"the transform `{transform.type}` of targets cannot be exported to ONNX")

    # Values

    def _value(self, value: Value) -> str:
        if value.op.leaf:
            return self.hold(self.parameters[value.attributes["name"]], name=value.attributes["name"])
        if value.op is CONSTANT:
            if value.attributes["power"]:
                raise RunError("a number that depends on the size of the batch cannot be exported to ONNX")
            return self.hold(value.attributes["factor"])
        inputs = [self.names[i.index] for i in value.inputs]
        if value.op is ops.erf and self.dtype == np.float64:
            # The widespread runtime knows the error function in single precision alone.
            return self.cast(self.node("Erf", [self.cast(inputs[0], np.float32)]), self.dtype)
        operator = _ONE.get(value.op.name)
        if operator is not None:
            return self.node(operator, inputs)
        rule = _RULES.get(value.op.name)
        if rule is None:
            raise RunError(f"the operation `{value.op.name}` cannot be exported to ONNX")
        return rule(self, value, inputs)


def _is_input(value: Value) -> bool:
    return value.op.leaf and value.attributes["name"] == "inputs"


Rule = Callable[[_Writer, Value, list[str]], str]


def _product(w: _Writer, value: Value, inputs: list[str]) -> str:
    sides = [
        w.node("Transpose", [x], perm=[1, 0]) if value.attributes[turned] else x
        for x, turned in zip(inputs, ("a_t", "b_t"), strict=True)
    ]
    return w.node("MatMul", sides)


def _reshape(w: _Writer, value: Value, inputs: list[str]) -> str:
    sizes = [-1 if isinstance(dim, Batch) else dim for dim in value.shape]
    return w.node("Reshape", [inputs[0], w.hold(sizes, np.int64)])


def _total(w: _Writer, value: Value, inputs: list[str]) -> str:
    x = w.cast(inputs[0], w.dtype) if value.inputs[0].dtype == "bool" else inputs[0]
    return w.node("ReduceSum", [x, w.hold(list(value.attributes["axes"]), np.int64)], keepdims=0)


def _softplus(w: _Writer, value: Value, inputs: list[str]) -> str:
    del value
    (x,) = inputs
    one, zero = w.hold(1.0), w.hold(0.0)
    small = w.node("Log", [w.node("Add", [w.node("Exp", [w.node("Neg", [w.node("Abs", [x])])]), one])])
    return w.node("Add", [w.node("Max", [x, zero]), small])


def _expm1(w: _Writer, value: Value, inputs: list[str]) -> str:
    del value
    return w.node("Sub", [w.node("Exp", [inputs[0]]), w.hold(1.0)])


def _log1p(w: _Writer, value: Value, inputs: list[str]) -> str:
    del value
    return w.node("Log", [w.node("Add", [inputs[0], w.hold(1.0)])])


def _elu(w: _Writer, value: Value, inputs: list[str]) -> str:
    (x,) = inputs
    zero = w.hold(0.0)
    below = w.node("Sub", [w.node("Exp", [w.node("Min", [x, zero])]), w.hold(1.0)])
    return w.node(
        "Add", [w.node("Max", [x, zero]), w.node("Mul", [below, w.hold(value.attributes["alpha"])])]
    )


def _leaky_relu(w: _Writer, value: Value, inputs: list[str]) -> str:
    (x,) = inputs
    slope = w.node("Mul", [x, w.hold(value.attributes["slope"])])
    return w.node("Where", [w.node("Greater", [x, w.hold(0.0)]), x, slope])


def _clip(w: _Writer, value: Value, inputs: list[str]) -> str:
    low, high = (w.hold(value.attributes[end]) for end in ("low", "high"))
    return w.node("Min", [w.node("Max", [inputs[0], low]), high])


def _softsign(w: _Writer, value: Value, inputs: list[str]) -> str:
    del value
    return w.node("Div", [inputs[0], w.node("Add", [w.node("Abs", inputs), w.hold(1.0)])])


def _softmax(w: _Writer, value: Value, inputs: list[str]) -> str:
    return w.node("Softmax" if value.op is ops.softmax else "LogSoftmax", inputs, axis=-1)


def _masked(w: _Writer, value: Value, inputs: list[str]) -> str:
    del value
    return w.node("Where", [inputs[1], inputs[0], w.hold(0.0)])


def _concat(w: _Writer, value: Value, inputs: list[str]) -> str:
    return w.node("Concat", inputs, axis=value.attributes["axis"])


def _crop(w: _Writer, value: Value, inputs: list[str]) -> str:
    margins = value.attributes["margins"]
    starts = w.hold([before for before, _ in margins], np.int64)
    ends = w.hold([-after if after else np.iinfo(np.int64).max for _, after in margins], np.int64)
    return w.node("Slice", [*inputs, starts, ends])


def _pad(w: _Writer, value: Value, inputs: list[str]) -> str:
    before, after = zip(*value.attributes["margins"], strict=True)
    return w.node("Pad", [*inputs, w.hold([*before, *after], np.int64)])


def _expand(w: _Writer, value: Value, inputs: list[str]) -> str:
    # An axis of size 1 takes on the size that the operand has along it: that of the batch, for one.
    (x,) = value.inputs
    rows = [i for i, dim in enumerate(value.shape) if isinstance(dim, Batch)]
    if any(x.rank <= i or x.shape[i - value.rank] != value.shape[i] for i in rows):
        raise RunError("a value repeated for each row of the batch cannot be exported to ONNX")
    sizes = [1 if isinstance(dim, Batch) else dim for dim in value.shape]
    return w.node("Expand", [*inputs, w.hold(sizes, np.int64)])


def _row_normal(w: _Writer, value: Value, inputs: list[str]) -> str:
    (x,) = inputs
    last = w.hold([1], np.int64)
    if value.attributes["center"]:
        x = w.node("Sub", [x, w.node("ReduceMean", [x, last], keepdims=1)])
    spread = w.node("ReduceMean", [w.node("Mul", [x, x]), last], keepdims=1)
    root = w.node("Sqrt", [w.node("Add", [spread, w.hold(value.attributes["epsilon"])])])
    return w.node("Div", [x, root])


def _group_normal(w: _Writer, value: Value, inputs: list[str]) -> str:
    _, places, features = value.shape
    assert isinstance(features, int)
    groups: int = value.attributes["groups"]
    apart = w.node("Reshape", [*inputs, w.hold([-1, places, groups, features // groups], np.int64)])
    over = w.hold([1, 3], np.int64)
    centered = w.node("Sub", [apart, w.node("ReduceMean", [apart, over], keepdims=1)])
    spread = w.node("ReduceMean", [w.node("Mul", [centered, centered]), over], keepdims=1)
    root = w.node("Sqrt", [w.node("Add", [spread, w.hold(value.attributes["epsilon"])])])
    return w.node("Reshape", [w.node("Div", [centered, root]), w.hold([-1, places, features], np.int64)])


def _resample(w: _Writer, value: Value, inputs: list[str]) -> str:
    size = value.inputs[0].shape[1]
    assert isinstance(size, int)
    return w.node("MatMul", [w.hold(mixture(size, value.attributes["factor"])), *inputs])


_RULES: dict[str, Rule] = {
    "cast": lambda w, value, inputs: w.cast(inputs[0], value.dtype),
    "clip": _clip,
    "concat": _concat,
    "crop": _crop,
    "elu": _elu,
    "expand": _expand,
    "expm1": _expm1,
    "fixed": lambda w, value, _: w.hold(value.attributes["values"], value.dtype),
    "group_normal": _group_normal,
    "indices": lambda w, _, inputs: w.cast(inputs[0], np.int64),
    "largest": lambda w, _, inputs: w.node("ReduceMax", [*inputs, w.hold([-1], np.int64)], keepdims=1),
    "leaky_relu": _leaky_relu,
    "log1p": _log1p,
    "log_softmax": _softmax,
    "lookup": lambda w, _, inputs: w.node("Gather", inputs, axis=0),
    "masked": _masked,
    "pad": _pad,
    "product": _product,
    "resample": _resample,
    "reshape": _reshape,
    "row_normal": _row_normal,
    "softmax": _softmax,
    "softplus": _softplus,
    "softsign": _softsign,
    "square": lambda w, _, inputs: w.node("Mul", [inputs[0], inputs[0]]),
    "total": _total,
    "transpose": lambda w, value, inputs: w.node("Transpose", inputs, perm=list(value.attributes["axes"])),
}
