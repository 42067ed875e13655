"""The threads of the matrix library beneath NumPy, which must rest while several workers call it at once."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

Setting = tuple[Callable[[], int], Callable[[int], None]]

_NAMES = (
    "scipy_openblas_{}_num_threads64_",
    "scipy_openblas_{}_num_threads",
    "openblas_{}_num_threads64_",
    "openblas_{}_num_threads",
)
"""What OpenBLAS's functions are called in NumPy's wheels (64-bit and 32-bit indices), and in builds of systems."""


@cache
def setting() -> Setting | None:
    """Return how to read and set the number of threads, or None where the library is not known."""
    for path in _libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in _NAMES:
            get, put = (getattr(library, name.format(verb), None) for verb in ("get", "set"))
            if get is not None and put is not None:
                get.restype, get.argtypes = ctypes.c_int, ()
                put.restype, put.argtypes = None, (ctypes.c_int,)
                return get, put
    return None


def _libraries() -> list[Path]:
    """Return where the library may lie: beside NumPy in its wheels, or among what this process has loaded."""
    import numpy as np

    home = Path(np.__file__).parent
    folders = (home.parent / "numpy.libs", home / ".dylibs")
    found = [path for folder in folders for path in sorted(folder.glob("*openblas*"))]
    maps = Path("/proc/self/maps")
    if not found and sys.platform == "linux" and maps.exists():
        lines = maps.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [
            Path(name)
            for name in sorted({line.split(maxsplit=5)[-1] for line in lines if "openblas" in line})
        ]
    return found


class _Alone:
    """How many users ask for one thread at the moment, and how many threads there were before the first."""

    def __init__(self) -> None:
        self.lock, self.users, self.before = threading.Lock(), 0, 1


_state = _Alone()
if hasattr(os, "register_at_fork"):  # a child has none of its parent's users, and may find the lock taken
    os.register_at_fork(after_in_child=_state.__init__)  # type: ignore[misc]


@contextmanager
def one_thread() -> Iterator[None]:
    """Have matrix products run on the calling thread alone; the last of several users restores what was."""
    known = setting()
    if known is None:
        yield
        return
    get, put = known
    with _state.lock:
        if _state.users == 0:
            _state.before = get()
            put(1)
        _state.users += 1
    try:
        yield
    finally:
        with _state.lock:
            _state.users -= 1
            if _state.users == 0:
                put(_state.before)
