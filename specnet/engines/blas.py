"""The matrix library beneath NumPy: which it is, and its threads, which rest while several workers call it at once."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import TypeVar

from specnet.engines.holding import Hold, Setting

T = TypeVar("T")

_NAMES = (
    "scipy_openblas_{}_num_threads64_",
    "scipy_openblas_{}_num_threads",
    "openblas_{}_num_threads64_",
    "openblas_{}_num_threads",
)
"""What OpenBLAS's functions are called in NumPy's wheels (64-bit and 32-bit indices), and in builds of systems."""

_FLAGS = {"USE64BITINT", "DYNAMIC_ARCH", "NO_AFFINITY", "NO_LAPACK", "NO_LAPACKE", "USE_OPENMP"}
"""Words in the library's description that say how it was built, not which version or processor it is for."""


@cache
def setting() -> Setting | None:
    """Return how to read and set the number of threads, or None where the library is not known."""
    for library, name in _candidates():
        get, put = (getattr(library, name.format(verb), None) for verb in ("get", "set"))
        if get is not None and put is not None:
            get.restype, get.argtypes = ctypes.c_int, ()
            put.restype, put.argtypes = None, (ctypes.c_int,)
            return get, put
    return None


def _candidates() -> Iterator[tuple[ctypes.CDLL, str]]:
    """Yield each library that can be loaded with each form that its functions' names may have."""
    for path in _libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in _NAMES:
            yield library, name


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


_hold = Hold(lambda: setting())  # noqa: PLW0108 (whatever `setting` is by then)


def limited(threads: int) -> AbstractContextManager[None]:
    """Have matrix products run on so many threads; of several users the fewest, and the last restores what was.

    The setting is the whole process's: OpenBLAS's `openblas_set_num_threads_local` sets it for all threads, too,
    in builds with threads of its own such as NumPy's. A number that the host sets while some thread is in here
    stays after the last has left; only one that is ours as well cannot be distinguished from it.
    """
    return _hold.at(threads)


def limiting(threads: int, function: Callable[..., T]) -> Callable[..., T]:
    """Return a function whose matrix products run on so many threads; `limited` takes a microsecond more."""
    return _hold.within(threads, function)


@cache
def version() -> str | None:
    """Return the library's version and the processor whose kernels it runs: `OpenBLAS 0.3.31 Haswell`."""
    for library, name in _candidates():
        # `openblas_get_config`, after `openblas_get_num_threads`.
        config = getattr(library, name.replace("num_threads", "config").format("get"), None)
        if config is not None:
            config.restype, config.argtypes = ctypes.c_char_p, ()
            words = config().decode(errors="replace").split()
            return " ".join(w for w in words if w not in _FLAGS and not w.startswith("MAX_THREADS"))
    return None


@cache
def product_addresses() -> tuple[int, int] | None:
    """Return where the products of float32 and of float64 lie, `cblas_?gemm` with 64-bit sizes; None where unknown."""
    for library, name in _candidates():
        if not name.endswith("64_") or getattr(library, name.format("get"), None) is None:
            continue
        prefix = name.partition("openblas")[0]
        products = [getattr(library, f"{prefix}cblas_{kind}gemm64_", None) for kind in "sd"]
        found = [ctypes.cast(product, ctypes.c_void_p).value for product in products if product is not None]
        if len(found) == 2 and all(found):
            return found[0], found[1]  # type: ignore[return-value]
    return None
