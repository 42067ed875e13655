"""Random numbers within one compiled function for all of a step, by the functions of NumPy's bit generators.

A generator's function lies at an address, and changes the state at another. So a compiled step draws the same numbers
from a stream as `numpy.random.Generator.random` does, and leaves it as that would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from specnet.engines.numba.compiling import inner
from specnet.engines.numba.language import float32

__all__ = ["at_least", "converted", "drawn32", "drawn64", "scaled"]

_I64 = ir.IntType(64)


def _next(drawn: Any, kind: Any) -> Callable[..., Any]:
    """Return a call of a bit generator's function at an address, with the address of its state."""

    @intrinsic  # type: ignore[untyped-decorator]
    def call(typing_context: Any, function: Any, state: Any) -> Any:  # noqa: ARG001  numba reads the names
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            function, state = arguments
            made = ir.FunctionType(kind, [_I64])
            return builder.call(builder.inttoptr(function, made.as_pointer()), [state])

        return drawn(types.int64, types.int64), generate

    return call  # type: ignore[no-any-return]


_next_bits, _next_double = _next(types.uint32, ir.IntType(32)), _next(types.float64, ir.DoubleType())

STEP = np.float32(2.0**-24)


@inner
def drawn32(out: Any, t: Any, at: int) -> None:
    """Draw numbers of float32, uniform in [0, 1)."""
    for i in range(t[at + 3]):
        out[i] = float32(_next_bits(t[at + 1], t[at]) >> 8) * STEP


@inner
def drawn64(out: Any, t: Any, at: int) -> None:
    """Draw numbers of float64, uniform in [0, 1)."""
    for i in range(t[at + 3]):
        out[i] = _next_double(t[at + 2], t[at])


@inner
def at_least(a: Any, bound: Any, out: Any, t: Any, at: int) -> None:
    """Write where an array's elements are no less than a bound of their type."""
    for i in range(t[at]):
        out[i] = a[i] >= bound


@inner
def converted(truths: Any, out: Any, t: Any, at: int) -> None:
    """Write 1 where a condition holds, else 0."""
    for i in range(t[at]):
        out[i] = truths[i]


@inner
def scaled(a: Any, factor: Any, out: Any, t: Any, at: int) -> None:
    """Write an array's elements times a number of their type."""
    for i in range(t[at]):
        out[i] = a[i] * factor
