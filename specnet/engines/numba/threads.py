"""What compiled functions share work by: numbers that several threads change.

A team's numbers lie at one address, each in a cache line of its own: the ticket, which says what part of what is next,
and how many parts are done. Whoever raises the ticket has taken a part. The thread that makes the steps never waits
for one that has taken none, so that it goes on alone where no other thread runs.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from specnet.engines.numba.compiling import inner

__all__ = ["done", "finish", "helps", "offer", "take"]

DONE, OPEN = 64, 128
"""Bytes from the ticket to the number of parts that are done, and to how often helpers may look for one; 0 for not."""

NUMBERS = 24
"""Numbers of 8 bytes that a team takes."""

STAGE = 1 << 16
"""What the number of a stage is multiplied by in the ticket, to which the number of the next part is added."""

PATIENCE = 4_000
"""Looks at a number before a thread that waits for another sleeps: about 100 µs."""

INTEREST = 40_000
"""Looks at the ticket before a thread that finds no part stops looking: about 1 ms, longer than a batch is fetched."""

SHORT_INTEREST = 8_000
"""The same for a plan of predictions, after which there may be none for long: about 0.2 ms."""

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
    return bool(idle < _load(team + OPEN))
