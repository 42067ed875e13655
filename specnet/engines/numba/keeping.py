"""Compiled code on disk, in files that nobody but the user can write."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from numba.core import caching
from numba.core.runtime import rtsys

from specnet.engines.cache_folder import Unsafe, cache_folder, check_own
from specnet.engines.notices import notify
from specnet.engines.numpy import erf
from specnet.passes import large_products

MOST = 200
"""Plans that are kept; those that were not used for longest give way."""


def sources() -> list[Path]:
    """Return the files of compiled functions, and of what these take numbers from as they are compiled."""
    others = [Path(module.__file__ or "") for module in (erf, large_products)]
    return [*sorted(Path(__file__).parent.rglob("*.py")), *others]


@cache
def package_digest() -> str:
    """Return what changes with the source of compiled functions, which call each other across files."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()


class KeptCode(caching._Cache):  # type: ignore[misc]  # noqa: SLF001 (what a dispatcher asks has no public name)
    """The versions of one function that were compiled before, by the types of its arguments.

    `source` is the text of a function that was written for a plan: it is kept next to the compiled code, which is used
    only if both texts are equal.
    """

    def __init__(self, function: Callable[..., Any], source: str | None = None) -> None:
        self.function, self.source = function, source
        self._files: _Files | None = None
        self._enabled = True

    @property
    def cache_path(self) -> str | None:
        """The folder, as numba's statistics show it."""
        return None if self._files is None else str(self._files.folder)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for a signature, or None where it has to be compiled."""
        files = self._opened()
        if files is None:
            return None
        try:
            # Numba sets up all that compiling takes first; code that is there needs only its memory management.
            rtsys.initialize(target_context)
            found = files.load(sig, target_context)
        except Unsafe as fault:
            self._files, self._enabled = None, False
            _say_not_kept(fault)
            return None
        except Exception as fault:  # noqa: BLE001  whatever a damaged pickle raises
            # LLVM's messages have several lines.
            why = " ".join(str(fault).split())
            notify(f"compiled code in {files.folder} is damaged ({why}), and is written again")
            files.remove()
            return None
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep compiled code."""
        files = self._opened()
        if files is not None:
            try:
                files.save(sig, data)
            except OSError as error:
                _say_not_kept(Unsafe(f"{files.folder} cannot be written: {error.strerror}"))

    def enable(self) -> None:
        """Look for code from now on."""
        self._enabled = True

    def disable(self) -> None:
        """Compile in memory from now on."""
        self._enabled = False

    def flush(self) -> None:
        """Remove what is kept."""
        if self._files is not None:
            self._files.remove()

    def _opened(self) -> _Files | None:
        if self._files is None and self._enabled:
            try:
                self._files = _Files(cache_folder(), self.function, self.source)
            except Unsafe as fault:
                self._enabled = False
                _say_not_kept(fault)
        return self._files if self._enabled else None


def _say_not_kept(fault: Unsafe) -> None:
    notify(f"compiled code is kept in memory only: {fault}", once=True)


class _Locator(caching._CacheLocator):  # type: ignore[misc]  # noqa: SLF001
    """Puts numba's files into the folder."""

    folder = Path()

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._py_file = file
        self._line = function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> _Locator:
        return cls(py_func, py_file)

    def ensure_cache_path(self) -> None:
        """Do nothing: the folder is there."""

    def get_cache_path(self) -> str:
        return str(self.folder)

    def get_source_stamp(self) -> str:
        return package_digest()

    def get_disambiguator(self) -> str:
        return str(self._line)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder.

    Numba numbers a function's files: of two processes that compiled it for other types at the same time, one would
    find the other's code under the number of its own.
    """
    import fcntl  # which only systems have that say who may write a file

    opened = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # file systems without locks
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        with suppress(OSError):
            # A child that another thread forks meanwhile has it open, too, so that to close it here is not enough.
            fcntl.flock(opened, fcntl.LOCK_UN)
        os.close(opened)


class _Files:
    """The files of one function."""

    def __init__(self, folder: Path, function: Callable[..., Any], source: str | None) -> None:
        self.folder, self.source = folder, source
        self.stem = Path(function.__code__.co_filename).stem
        locator = type("Locator", (_Locator,), {"folder": folder})
        implementation = type(
            "Implementation", (caching.CompileResultCacheImpl,), {"_locator_classes": [locator]}
        )
        kind = type("Kept", (caching.FunctionCache,), {"_impl_class": implementation})
        self.numba = kind(function)
        self.pattern = f"{self.numba._impl.filename_base}.*"  # noqa: SLF001

    @property
    def written(self) -> Path:
        """The file of the source."""
        return self.folder / f"{self.stem}.py"

    def load(self, sig: Any, target_context: Any) -> Any:
        """Return the code for a signature, or None; raise Unsafe where somebody else can write a file."""
        with _alone_in(self.folder):
            check_own([self.folder, *self.folder.glob(self.pattern)])
            if self.source is not None:
                if not self.written.exists():
                    return None
                check_own([self.written])
                if self.written.read_text(encoding="utf-8") != self.source:
                    self.remove()
                    return None
                os.utime(self.written)
            return self.numba._load_overload(sig, target_context)  # noqa: SLF001

    def save(self, sig: Any, data: Any) -> None:
        """Write the source, and the code for a signature."""
        with _alone_in(self.folder):
            if self.source is not None:
                self._make_room()
                unfinished = self.written.with_suffix(f".{os.getpid()}.tmp")
                unfinished.write_text(self.source, encoding="utf-8")
                unfinished.chmod(0o600)
                unfinished.replace(self.written)
            try:
                self.numba.save_overload(sig, data)
            finally:
                # Also after Ctrl-C: files that others can write would keep this function's code from disk for ever.
                for path in self.folder.glob(self.pattern):
                    path.chmod(0o600)

    def remove(self) -> None:
        """Remove the files."""
        for path in self.folder.glob(self.pattern):
            path.unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Remove the plans that were not used for longest, beyond `MOST`."""
        plans = sorted(self.folder.glob("plan_*.py"), key=lambda path: path.stat().st_mtime)
        for path in plans[: max(0, len(plans) - MOST + 1)]:
            for each in self.folder.glob(f"{path.stem}.*"):
                each.unlink(missing_ok=True)
