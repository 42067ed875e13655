"""What the text of a compiled loop names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from specnet.engines.numba.compiling import inner
from specnet.engines.numba.mathematics import erf, exp, expm1, log, log1p, tanh

__all__ = [
    "cos",
    "erf",
    "exp",
    "expm1",
    "float32",
    "float32_at",
    "float64",
    "float64_at",
    "inner",
    "int32",
    "int32_at",
    "int64",
    "int64_at",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "sign",
    "sin",
    "sqrt",
    "tanh",
    "uint8",
    "uint8_at",
    "where",
]

float32, float64, int32, int64, uint8 = np.float32, np.float64, np.int32, np.int64, np.uint8

sqrt, sin, cos, sign = math.sqrt, math.sin, math.cos, np.sign


def _pointer(kind: Any) -> Any:
    """Return a function that takes an address for that of elements of a type."""

    @intrinsic  # type: ignore[untyped-decorator]
    def pointer_at(typing_context: Any, address: Any) -> Any:  # noqa: ARG001  numba reads the names
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(kind)(types.int64), generate

    return pointer_at


float32_at, float64_at = _pointer(types.float32), _pointer(types.float64)
int32_at, int64_at, uint8_at = _pointer(types.int32), _pointer(types.int64), _pointer(types.uint8)


@intrinsic  # type: ignore[untyped-decorator]
def numbers_at(typing_context: Any, like: Any, address: Any) -> Any:  # noqa: ARG001
    """Take an address for that of elements of a number's type."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[1], context.get_value_type(signature.return_type))

    return types.CPointer(like)(like, types.int64), generate


@inner
def maximum(a: Any, b: Any) -> Any:
    """Return the larger of two numbers, or NaN if one of them is."""
    return a if a > b or a != a else b  # noqa: PLR0124 (NaN alone is not itself)


@inner
def minimum(a: Any, b: Any) -> Any:
    """Return the smaller of two numbers, or NaN if one of them is."""
    return a if a < b or a != a else b  # noqa: PLR0124


@inner
def where(condition: Any, a: Any, b: Any) -> Any:
    """Return the first number where a condition holds, else the second."""
    return a if condition else b
