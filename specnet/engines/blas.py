"""The threads of the matrix library beneath NumPy, which must rest while several workers call it at once."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from specnet.engines.sharing import Shared

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


class _Hold(Shared):
    """Who holds the library to one thread at the moment, and what it was set to before the first of them."""

    def __init__(self) -> None:
        self.before: int | None = None
        super().__init__()

    def reset(self) -> None:
        """Begin without holders; a child gets back what was set before its parent's took hold."""
        super().reset()
        self.holders: set[object] = set()
        self._restore()

    def take(self, holder: object) -> None:
        """Set the library to one thread, also where the host has set it to more since the first holder came."""
        known = setting()
        if known is None:
            return
        get, put = known
        with self.lock:
            self.holders.add(holder)
            now = get()
            if now != 1:
                self.before = now
                put(1)

    def release(self, holder: object) -> None:
        """Forget a holder, and restore what was set if it is the last; again is no more than once."""
        with self.lock:
            self.holders.discard(holder)
            if not self.holders:
                self._restore()

    def _restore(self) -> None:
        known = setting() if self.before is not None else None
        if known is None or self.before is None:
            return
        get, put = known
        if get() == 1:  # else the host has set it in the meantime, and means what it says
            put(self.before)
        self.before = None


_hold = _Hold()


@contextmanager
def one_thread() -> Iterator[None]:
    """Have matrix products run on the calling thread alone; the last of several users restores what was.

    The setting is the whole process's: OpenBLAS's `openblas_set_num_threads_local` sets it for all threads, too,
    in builds with threads of its own such as NumPy's. A number that the host sets while some thread is in here
    stays after the last has left; only a 1 cannot be distinguished from ours.
    """
    holder = object()
    try:
        try:
            _hold.take(holder)
            yield
        finally:
            _hold.release(holder)
    except BaseException:
        _hold.release(holder)  # again, since Ctrl-C may have kept the first call from doing it
        raise
