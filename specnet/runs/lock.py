"""One process at a time in a run's directory, by a lock that the system takes from a process that dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from specnet.data.opening import open_regular
from specnet.diagnostics import RunError
from specnet.storage.files import writing
from specnet.storage.system_lock import take

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's directory for this process alone.

    The lock is one on the file `.lock` in it, which is removed when the lock is released. Raises RunError
    where another process, or another thread of this one, holds it, or where the file cannot be written.
    """
    path = (folder / LOCK).absolute()  # where it is, even if the working directory changes meanwhile
    file = _take(folder / LOCK)
    try:
        yield
    finally:
        # Windows removes no open file; there, an unlocked one stays behind, which harms nothing.
        with suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(file)


def held(folder: Path) -> bool:
    """Return whether a process is at work in a run's directory."""
    try:
        file = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False  # nobody has locked it, or that cannot be seen from here
    try:
        take(file)
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
            take(file)
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
