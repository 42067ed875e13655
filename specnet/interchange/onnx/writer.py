"""Nodes of ONNX, one after the other, and the arrays that they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class OnnxWriter:
    """The nodes of a file that are written so far, and its arrays."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.held: dict[str, Any] = {}
        self.written = 0

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
