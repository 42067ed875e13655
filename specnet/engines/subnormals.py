"""Numbers too small for full precision, which steps of a training flush to zero.

What decays by a factor from step to step, as Adam's slots do once a unit gives no gradient any more, arrives at
numbers below 1.2e-38 (float32), and stays there: the smallest of them times 0.9 is rounded to itself. Processors of
Intel take 30 to 40 times as long for an operation that meets one.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MODES = 0x8040
"""The bits of MXCSR that flush results to zero (FTZ) and take operands for zero (DAZ)."""

_X86 = {"x86_64", "amd64"}
_PLACES = {"linux": 7, "darwin": 1}
"""Where MXCSR lies in C's `fenv_t`, counted in 4 bytes."""


class _Mode(NamedTuple):
    """How a thread's floating-point environment is read and set."""

    get: Callable[[Any], int]
    put: Callable[[Any], int]
    place: int


Environment = ctypes.c_uint32 * 16
"""Memory for C's `fenv_t`, which takes 32 bytes at most."""


def flushing(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function during which its thread flushes subnormal results and operands to zero.

    What was set before is set again at its end. Nothing changes on processors that do not need it, or where it is not
    known how.
    """
    return _in_mode(function, MODES)


def keeping(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function during which its thread keeps subnormal numbers, though it may flush them around it."""
    return _in_mode(function, 0)


def begin_thread() -> None:
    """Have this thread keep subnormal numbers: systems start threads in the mode of the thread that starts them."""
    mode = _mode()
    if mode is not None:
        mode.put(_changed(mode, _now(mode), 0))


def flushed() -> bool:
    """Return whether this thread flushes subnormal numbers to zero."""
    mode = _mode()
    return mode is not None and bool(_now(mode)[mode.place] & MODES == MODES)


def _in_mode(function: Callable[P, T], bits: int) -> Callable[P, T]:
    """Return a function during which `MODES` are these bits."""

    @wraps(function)
    def run(*arguments: P.args, **named: P.kwargs) -> T:
        mode = _mode()
        if mode is None:
            return function(*arguments, **named)
        before = _now(mode)
        changed = _changed(mode, before, bits)
        try:
            try:
                mode.put(changed)
                return function(*arguments, **named)
            finally:
                mode.put(before)
        except BaseException:
            mode.put(before)  # again, since Ctrl-C may have kept the first call from doing it
            raise

    return run


def _now(mode: _Mode) -> Any:
    """Return the environment of this thread."""
    found = Environment()
    mode.get(found)
    return found


def _changed(mode: _Mode, environment: Any, bits: int) -> Any:
    """Return an environment in which `MODES` are these bits."""
    found = Environment.from_buffer_copy(environment)
    found[mode.place] = found[mode.place] & ~MODES | bits
    return found


@cache
def _mode() -> _Mode | None:
    """Return how to set the mode, or None where that is not known."""
    place = _PLACES.get(sys.platform)
    if place is None or platform.machine().lower() not in _X86 or sys.maxsize < 2**32:
        return None
    for name in None, "libm.so.6":
        try:
            # They take less time than to let go of the interpreter.
            library = ctypes.PyDLL(name)
            get, put = library.fegetenv, library.fesetenv
        except (OSError, AttributeError):
            continue
        for function in get, put:
            function.restype, function.argtypes = ctypes.c_int, (ctypes.c_void_p,)
        return _Mode(get, put, place)
    return None
