"""One process at a time in a run's directory, by a lock that the system takes from a process that dies."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from specnet.data.opening import open_regular
from specnet.diagnostics import RunError
from specnet.storage.files import writing

LOCK = ".lock"

_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems answer that know no locks; there, nothing guards a run's directory."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's directory for this process alone.

    The lock is one on the file `.lock` in it, which is removed when the lock is released. Raises RunError
    where another process, or another thread of this one, holds it, or where the file cannot be written.
    """
    file = _take(folder / LOCK)
    try:
        yield
    finally:
        # Windows removes no open file; there, an unlocked one stays behind, which harms nothing.
        with suppress(OSError):
            (folder / LOCK).unlink(missing_ok=True)
        os.close(file)


def held(folder: Path) -> bool:
    """Return whether a process is at work in a run's directory."""
    try:
        file = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False  # nobody has locked it, or that cannot be seen from here
    try:
        _lock(file)
    except BlockingIOError:
        return True
    finally:
        os.close(file)  # which gives the lock back
    return False


def _take(path: Path) -> int:
    while True:
        with writing(path):
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file)
            # Whoever held it may have removed the file meanwhile, and a lock on a removed one guards nothing.
            if _is(file, path):
                with writing(path):
                    os.ftruncate(file, 0)
                    os.write(file, str(os.getpid()).encode())
                return file
        except BlockingIOError:
            holder = _holder(path)
            os.close(file)
            raise RunError(f"{path.parent} is in use by {holder}") from None
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _is(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    try:
        with open_regular(path) as file:
            number = file.read(20).decode("ascii")
    except (OSError, ValueError):
        number = ""
    return f"process {number}" if number.isdecimal() else "another process"


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error

else:
    import fcntl

    def _lock(file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
