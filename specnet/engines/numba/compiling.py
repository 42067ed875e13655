"""How functions are compiled, and how the code of a plan is loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

from specnet.engines.numba.keeping import KeptCode

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    # Sums may be added in another order, but NaN and infinity stay what they are.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}
"""How what works on arrays is compiled."""


def kernel(function: F) -> F:
    """Return a function of arrays as compiled code, with a version for each combination of types, kept on disk."""
    made = numba.njit(**OPTIONS)(function)
    made._cache = KeptCode(function)  # noqa: SLF001  what `cache=True` sets, with numba's own folders
    return made  # type: ignore[no-any-return]


def inner(function: F) -> F:
    """Return a function that only compiled functions call."""
    return numba.njit(**OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)  # type: ignore[no-any-return]
