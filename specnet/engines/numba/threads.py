"""What compiled functions share work by: numbers that several threads change, and functions at an address.

A team's numbers lie at one address, each in a cache line of its own: the ticket, which says what part of what is next,
and how many parts are done. Whoever raises the ticket has taken a part. The thread that makes the steps never waits
for one that has taken none, so that it goes on alone where no other thread runs.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from specnet.engines.numba.compiling import inner

__all__ = ["done", "finish", "gemm32", "gemm64", "helps", "offer", "take"]

DONE, OPEN = 64, 128
"""Bytes from the ticket to the number of parts that are done, and to whether helpers may take any."""

NUMBERS = 24
"""Numbers of 8 bytes that a team takes."""

STAGE = 1 << 16
"""What the number of a stage is multiplied by in the ticket, to which the number of the next part is added."""

PATIENCE = 4_000
"""Looks at a number before a thread that waits for another sleeps: about 100 µs."""

INTEREST = 40_000
"""Looks at the ticket before a thread that finds no part stops looking: about 1 ms, longer than a batch is fetched."""

NAP = 50
"""Microseconds of sleep. A core that is idle for them is where the system puts a thread that waits for one."""

_X86: tuple[str, tuple[int, ...]] = ("llvm.x86.sse2.pause", ())
_ARM: tuple[str, tuple[int, ...]] = ("llvm.aarch64.hint", (1,))
_PAUSES = {"x86_64": _X86, "amd64": _X86, "arm64": _ARM, "aarch64": _ARM}
"""LLVM's functions for a moment's wait, with their arguments, by processor."""

_I32, _I64, _VOID = ir.IntType(32), ir.IntType(64), ir.VoidType()


def _at(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, _I64.as_pointer())


@intrinsic  # type: ignore[untyped-decorator]
def _load(typing_context: Any, address: Any) -> Any:  # noqa: ARG001  numba reads the names
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.load_atomic(_at(builder, arguments[0]), "seq_cst", 8)

    return types.int64(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def _store(typing_context: Any, address: Any, number: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        builder.store_atomic(arguments[1], _at(builder, arguments[0]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def _add(typing_context: Any, address: Any, number: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.atomic_rmw("add", _at(builder, arguments[0]), arguments[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def _pause(typing_context: Any) -> Any:  # noqa: ARG001
    """Wait a moment, and let the core's other thread have it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        name, given = _PAUSES.get(platform.machine().lower(), ("", ()))
        if name:
            kind = ir.FunctionType(_VOID, [_I32] * len(given))
            pause = cgutils.get_or_insert_function(builder.module, kind, name)
            builder.call(pause, [ir.Constant(_I32, number) for number in given])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic  # type: ignore[untyped-decorator]
def _sleep(typing_context: Any, function: Any, microseconds: Any) -> Any:  # noqa: ARG001
    """Call the system's `usleep`, which lies at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        kind = ir.FunctionType(_I32, [_I32])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [builder.trunc(arguments[1], _I32)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


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


@inner
def gemm32(t: Any, function: int, at: int) -> None:
    """Write a product of matrices of float32, or of a part of their rows or columns, as a table says from a place on.

    It has how both lie, sizes (n, m, k), and addresses and steps from row to row of both and of the result.
    """
    if t[at + 2] and t[at + 3]:
        _gemm_of_floats(
            function,
            t[at],
            t[at + 1],
            t[at + 2],
            t[at + 3],
            t[at + 4],
            t[at + 5],
            t[at + 6],
            t[at + 7],
            t[at + 8],
            t[at + 9],
            t[at + 10],
        )


@inner
def gemm64(t: Any, function: int, at: int) -> None:
    """Do what `gemm32` does for matrices of float64."""
    if t[at + 2] and t[at + 3]:
        _gemm_of_doubles(
            function,
            t[at],
            t[at + 1],
            t[at + 2],
            t[at + 3],
            t[at + 4],
            t[at + 5],
            t[at + 6],
            t[at + 7],
            t[at + 8],
            t[at + 9],
            t[at + 10],
        )


@inner
def offer(team: int, stage: int) -> None:
    """Let threads take the parts of a stage, after all of the one before are done."""
    _store(team + DONE, 0)
    _store(team, stage * STAGE)


@inner
def take(team: int, parts: int) -> int:
    """Return a part that no thread had taken, as its stage and number in one; -1 where there is none.

    With none, the ticket stands at the number of parts or above it.
    """
    if _load(team) % STAGE >= parts:
        return -1
    taken = _add(team, 1)
    return taken if taken % STAGE < parts else -1


@inner
def done(team: int) -> None:
    """Take note that a part is done."""
    _add(team + DONE, 1)


@inner
def finish(team: int, parts: int, sleep: int) -> None:
    """Wait until all parts are done; `sleep` is the address of `usleep`."""
    looks = 0
    while _load(team + DONE) < parts:
        looks += 1
        if looks > PATIENCE and sleep:
            _sleep(sleep, NAP)
        else:
            _pause()


@inner
def helps(team: int, idle: int) -> bool:
    """Wait a moment; return whether a thread that has found no part so often in turn goes on looking."""
    _pause()
    return idle < INTEREST and _load(team + OPEN) != 0
