"""How kernels are compiled: as loops over arrays that do not overlap.

The compiler may rely on that. Without it, it would check before each inner loop whether a row that is written is also
one that is read, and would compute one number at a time where there are more than a few of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.core.compiler import Compiler

from specnet.engines.numba.compiling import OPTIONS
from specnet.engines.numba.keeping import KeptCode

F = TypeVar("F", bound=Callable[..., Any])


class _Distinct(Compiler):  # type: ignore[misc]
    """A compiler that takes arrays of different names to be different memory."""

    def __init__(self, *given: Any) -> None:
        *_, flags, _ = given
        flags.noalias = True
        super().__init__(*given)


def loops(function: F) -> F:
    """Return a kernel as compiled code, with a version for each combination of types, kept on disk."""
    made = numba.njit(**OPTIONS, pipeline_class=_Distinct)(function)
    made._cache = KeptCode(function)  # noqa: SLF001  what `cache=True` sets, with numba's own folders
    return made  # type: ignore[no-any-return]


def inner(function: F) -> F:
    """Return a part of kernels, which only compiled functions call."""
    made: F = numba.njit(**OPTIONS, pipeline_class=_Distinct, no_cpython_wrapper=True, no_cfunc_wrapper=True)(
        function
    )
    return made
