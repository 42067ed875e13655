"""The operators of ONNX that an op's record names, written as nodes."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from specnet.diagnostics import RunError
from specnet.engines.numpy.preparing import prepare
from specnet.graph.expressions import FIELD
from specnet.graph.graph import Value
from specnet.graph.record import LETTERS, Unexportable
from specnet.interchange.onnx.writer import OnnxWriter

SINGLE = {
    "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Conv", "ConvTranspose", "Cosh", "Erf", "Sinh", "Tan",
}  # fmt: skip
"""The operators that the widespread runtime knows in single precision alone."""


def write_operators(writer: OnnxWriter, value: Value, operands: list[str]) -> str:
    """Append the operators of an application, and return the name of its result.

    Raises RunError where it cannot be exported.
    """
    op = value.op
    try:
        text = op.onnx(value) if callable(op.onnx) else op.onnx
        if isinstance(text, Unexportable):
            raise text
    except Unexportable as reason:
        raise RunError(f"the operation `{op}` cannot be exported to ONNX: {reason}") from None
    if op.elementwise and value.dtype.startswith("float"):
        # The operators do not mix integers and floats, as element-wise ops do.
        operands = [
            writer.cast(name, value.dtype) if source.dtype.startswith("int") else name
            for name, source in zip(operands, value.inputs, strict=True)
        ]
    settings = {"dtype": value.dtype, **value.attributes.named()}
    text = FIELD.sub(lambda match: repr(settings[match[1]]), text)
    operators = _Operators(writer, value, operands)
    result = ""
    for line in ast.parse(text).body:
        assert isinstance(line, ast.Assign | ast.Expr), f"{op}: {ast.unparse(line)}"
        result = operators.operand(line.value)
        if isinstance(line, ast.Assign):
            operators.names[ast.unparse(line.targets[0])] = result
    return result


class _Operators:
    """Writes the operators of one application."""

    def __init__(self, writer: OnnxWriter, value: Value, operands: list[str]) -> None:
        self.writer, self.value = writer, value
        self.operands = operands
        self.dtype = value.graph.dtype
        self.names = dict(zip(LETTERS, operands, strict=False))

    def operand(self, tree: ast.expr) -> str:
        """Return the name of an operand: it is known, held, or written first."""
        match tree:
            case ast.Call(func=ast.Name(id=operator)):
                return self._operator(operator, tree)
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.Name(id=name) if self.value.op.prepare is not None:
                return self.writer.hold(
                    prepare(self.value.op.prepare(self.value)[name], {}), self.value.dtype
                )
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return self._tensor(parts)
        return self.writer.hold(float(ast.unparse(tree)), self.dtype)

    def _operator(self, operator: str, call: ast.Call) -> str:
        operands: list[str] = []
        for part in call.args:
            operands += self.operands if isinstance(part, ast.Starred) else [self.operand(part)]
        attributes = {str(word.arg): _attribute(ast.literal_eval(word.value)) for word in call.keywords}
        if operator == "Cast":
            return self.writer.cast(operands[0], attributes["to"])
        if operator not in SINGLE or self.dtype == "float32":
            return self.writer.node(operator, operands, **attributes)
        single = [self.writer.cast(name, "float32") for name in operands]
        return self.writer.cast(self.writer.node(operator, single, **attributes), self.dtype)

    def _tensor(self, parts: list[ast.expr]) -> str:
        """Return a vector: of int64, in which sizes of axes may be named, or of the model's dtype."""
        if not any(isinstance(part, ast.Name | ast.BinOp) for part in parts):
            numbers = [ast.literal_eval(part) for part in parts]
            return self.writer.hold(numbers, self.dtype if float in map(type, numbers) else np.int64)
        sizes = [self._size(part) for part in parts]
        return self.writer.node("Concat", sizes, axis=0) if len(sizes) > 1 else sizes[0]

    def _size(self, tree: ast.expr) -> str:
        match tree:
            case ast.Name(id="batch"):
                return self.writer.rows()
            case ast.BinOp(left=ast.Constant(value=int(times)), right=ast.Name(id="batch")):
                return self.writer.node("Mul", [self.writer.rows(), self.writer.hold([times], np.int64)])
            case ast.Constant(value=int(size)) | ast.UnaryOp(operand=ast.Constant(value=int(size))):
                return self.writer.hold([ast.literal_eval(tree) if size else 0], np.int64)
        raise RunError(f"an axis of {ast.unparse(tree)} places cannot be exported to ONNX")


def _attribute(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
