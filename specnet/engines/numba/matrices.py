"""Products of matrices by functions that lie at addresses, the matrix library's and blocks, and of vectors by loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from specnet.engines.numba.compiling import inner
from specnet.engines.numba.language import float32_at, float64_at, int64_at

__all__ = ["gemm32", "gemm64"]

BY_BLOCKS = 2
"""What is added to how the matrices of a product lie, see `multiplying`, if blocks compute it; without it, that is how
the first one lies, and the next entry says how the second one does."""

_I32, _I64, _VOID = ir.IntType(32), ir.IntType(64), ir.VoidType()


def _gemm(real: Any) -> Callable[..., Any]:
    """Return a call of the matrix library's product at an address, as BLAS's C interface has it with 64-bit sizes."""

    @intrinsic  # type: ignore[untyped-decorator]
    def call(
        typing_context: Any,  # noqa: ARG001
        function: Any,  # noqa: ARG001
        a_t: Any,  # noqa: ARG001
        b_t: Any,  # noqa: ARG001
        n: Any,  # noqa: ARG001
        m: Any,  # noqa: ARG001
        k: Any,  # noqa: ARG001
        a: Any,  # noqa: ARG001
        a_step: Any,  # noqa: ARG001
        b: Any,  # noqa: ARG001
        b_step: Any,  # noqa: ARG001
        out: Any,  # noqa: ARG001
        step: Any,  # noqa: ARG001
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            function, a_t, b_t, n, m, k, a, a_step, b, b_step, out, step = arguments
            pointer = _I64
            kinds = [_I32] * 3 + [_I64] * 3 + [real, pointer, _I64, pointer, _I64, real, pointer, _I64]
            kind = ir.FunctionType(_VOID, kinds)
            # 101 is row by row, 111 as it lies, 112 transposed.
            turned = [builder.trunc(builder.add(t, ir.Constant(_I64, 111)), _I32) for t in (a_t, b_t)]
            given = [ir.Constant(_I32, 101), *turned, n, m, k]
            given += [ir.Constant(real, 1.0), a, a_step, b, b_step, ir.Constant(real, 0.0), out, step]
            builder.call(builder.inttoptr(function, kind.as_pointer()), given)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 12), generate

    return call  # type: ignore[no-any-return]


_gemm_of_floats, _gemm_of_doubles = _gemm(ir.FloatType()), _gemm(ir.DoubleType())


@intrinsic  # type: ignore[untyped-decorator]
def _by_blocks(
    typing_context: Any,  # noqa: ARG001
    function: Any,  # noqa: ARG001
    a_t: Any,  # noqa: ARG001
    n: Any,  # noqa: ARG001
    m: Any,  # noqa: ARG001
    k: Any,  # noqa: ARG001
    a: Any,  # noqa: ARG001
    a_step: Any,  # noqa: ARG001
    b: Any,  # noqa: ARG001
    b_step: Any,  # noqa: ARG001
    out: Any,  # noqa: ARG001
    step: Any,  # noqa: ARG001
) -> Any:
    """Call a compiled product by blocks at its address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        function, *given = arguments
        kind = ir.FunctionType(_VOID, [_I64] * len(given))
        builder.call(builder.inttoptr(function, kind.as_pointer()), given)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 11), generate


@inner
def gemm32(t: Any, functions: int, at: int) -> None:
    """Write a product of matrices of float32, or of a part of their rows or columns, as a table says from a place on.

    It has how both lie, sizes (n, m, k), and addresses and steps from row to row of both and of the result. The
    library copies matrices before it multiplies, which takes longer than the product with a single row or column.
    `functions` is where its address lies, and that of the product by blocks.
    """
    if t[at] >= BY_BLOCKS:
        _blocks(t, functions, at)
    elif _is_large(t, at):
        function = int64_at(functions)[0]
        a_t, b_t, n, m, k = t[at], t[at + 1], t[at + 2], t[at + 3], t[at + 4]
        _gemm_of_floats(
            function, a_t, b_t, n, m, k, t[at + 5], t[at + 6], t[at + 7], t[at + 8], t[at + 9], t[at + 10]
        )
    else:
        _by_vectors(float32_at(t[at + 5]), float32_at(t[at + 7]), float32_at(t[at + 9]), t, at)


@inner
def gemm64(t: Any, functions: int, at: int) -> None:
    """Do what `gemm32` does for matrices of float64."""
    if t[at] >= BY_BLOCKS:
        _blocks(t, functions, at)
    elif _is_large(t, at):
        function = int64_at(functions)[0]
        a_t, b_t, n, m, k = t[at], t[at + 1], t[at + 2], t[at + 3], t[at + 4]
        _gemm_of_doubles(
            function, a_t, b_t, n, m, k, t[at + 5], t[at + 6], t[at + 7], t[at + 8], t[at + 9], t[at + 10]
        )
    else:
        _by_vectors(float64_at(t[at + 5]), float64_at(t[at + 7]), float64_at(t[at + 9]), t, at)


@inner
def _blocks(t: Any, functions: int, at: int) -> None:
    n, m, k, a, a_step = t[at + 2], t[at + 3], t[at + 4], t[at + 5], t[at + 6]
    b, b_step, out, step = t[at + 7], t[at + 8], t[at + 9], t[at + 10]
    _by_blocks(int64_at(functions)[1], t[at] - BY_BLOCKS, n, m, k, a, a_step, b, b_step, out, step)


@inner
def _is_large(t: Any, at: int) -> Any:
    """Return whether the matrix library computes a product: of several rows and columns, or a column lying apart."""
    return t[at + 2] > 1 and (t[at + 3] > 1 or (t[at + 3] == 1 and t[at + 10] > 1))


@inner
def _by_vectors(a: Any, b: Any, out: Any, t: Any, at: int) -> None:
    """Write a product with a single row or column, if it has any."""
    a_t, b_t, n, m, k = t[at], t[at + 1], t[at + 2], t[at + 3], t[at + 4]
    a_step, b_step, step = t[at + 6], t[at + 8], t[at + 10]
    if n == 0 or m == 0:
        return
    if m == 1 and step == 1:
        _by_vector(a, a_step, a_t, b, 1 if b_t else b_step, out, n, k)
    else:
        _by_vector(b, b_step, 1 - b_t, a, a_step if a_t else 1, out, m, k)


@inner
def _by_vector(a: Any, step: int, turned: int, x: Any, apart: int, out: Any, n: int, k: int) -> None:
    """Write the product of an n x k matrix, which may lie column by column, and a vector, whose elements lie apart."""
    if turned:
        # Four columns at once, so that what is added up is loaded and stored once for them.
        first = (k - 1) % 4 + 1
        for i in range(n):
            out[i] = a[i] * x[0]
        for j in range(1, first):
            factor = x[j * apart]
            for i in range(n):
                out[i] += a[j * step + i] * factor
        for j in range(first, k, 4):
            place = j * step
            p, q, r, s = x[j * apart], x[(j + 1) * apart], x[(j + 2) * apart], x[(j + 3) * apart]
            for i in range(n):
                out[i] += (a[place + i] * p + a[place + step + i] * q) + (
                    a[place + 2 * step + i] * r + a[place + 3 * step + i] * s
                )
    else:
        for i in range(n):
            total = a[i * step] * x[0]
            for j in range(1, k):
                total += a[i * step + j] * x[j * apart]
            out[i] = total
