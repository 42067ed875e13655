"""Writing what must survive: whole files or none, and errors that name the path."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from specnet.diagnostics import RunError
from specnet.diagnostics.segments import escaped
from specnet.storage.system_lock import take

_STRAY = re.compile(r"\..+\.(\d+)\.specnet\.tmp")

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system refuses while a path is written into a RunError that names it."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[IO[bytes]]:
    """Open a file so that a reader finds the old one or the new one, whole, whatever happens meanwhile.

    The content goes to a temporary file beside it, is flushed to disk, and is renamed at last, with the
    permissions `mode`. Where anything fails, the temporary file is removed. Raises OSError; also for a path that no
    file can have, and for a device or a pipe, which the new file would remove.
    """
    _check_regular(path)
    remove_strays(path.parent)
    beside = path.with_name(f".{path.name}.{os.getpid()}.specnet.tmp")
    beside.unlink(missing_ok=True)
    try:
        # A file of its own, never one that somebody else has put or linked there.
        handle = os.open(beside, _NEW, 0o666 if mode is None else mode)
        with os.fdopen(handle, "wb") as file:
            with suppress(BlockingIOError):
                take(handle)  # by which others see that the file has an owner
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            beside.chmod(mode)
        beside.replace(path)
        _bring_name_to_disk(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def remove_strays(folder: Path) -> None:
    """Remove the temporary files that processes which were killed have left in a folder.

    A file is one if it has the name that `replacing` gives, the process in the name is not alive, and nobody holds
    its lock: the number may be that of a process on another machine.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in list(entries):
            owner = _STRAY.fullmatch(entry.name)
            if owner is not None and not _alive(int(owner[1])) and entry.is_file(follow_symlinks=False):
                _remove_unlocked(entry.path)


def _remove_unlocked(path: str) -> None:
    with suppress(OSError):  # somebody's, or gone meanwhile
        file = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            take(file)
            if os.name == "posix":
                os.unlink(path)  # noqa: PTH108  as the folder's entry names it
        finally:
            os.close(file)
        if os.name != "posix":  # which removes no open file
            os.unlink(path)  # noqa: PTH108


def _alive(process: int) -> bool:
    if process == os.getpid():
        return True
    if os.name != "posix":
        return False  # where signal 0 would end it; a file that is open cannot be removed anyway
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _check_regular(path: Path) -> None:
    """Raise OSError where a path leads to a device, a pipe or a socket, which a file would take the place of."""
    try:
        path.with_name(path.name)  # which refuses an empty one
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except ValueError as error:
        raise OSError(errno.EINVAL, "this is not a file's name") from error
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "this is not a regular file", str(path))


def write_whole(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write a file whole or not at all; raise RunError where the system refuses."""
    with writing(path), replacing(path) as file:
        write(file)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that holds this content, whole or not at all; raise RunError as `write_whole` does."""
    with writing(path), replacing(path) as file:
        file.write(content)


def _bring_name_to_disk(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened, and need not be
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json(path: Path, data: Any) -> None:
    """Write plain data as indented JSON; numbers that JSON does not have become null."""
    text = _laid_out(finite(data), "")
    write_bytes(path, f"{escaped(text)}\n".encode())


def finite(data: Any) -> Any:
    """Return plain data with null in the place of NaN and infinities, which JSON does not have."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {key: finite(item) for key, item in data.items()}
    if isinstance(data, list | tuple):
        return [finite(item) for item in data]
    return data


def _laid_out(data: Any, lead: str) -> str:
    """Return JSON with one entry a line, but a row of numbers on one: matrices stay readable."""
    deeper = lead + "  "
    if isinstance(data, dict) and data:
        lines = [f"{deeper}{_flat(key)}: {_laid_out(item, deeper)}" for key, item in data.items()]
        return "{\n" + ",\n".join(lines) + f"\n{lead}}}"
    if isinstance(data, list) and any(isinstance(item, dict | list) for item in data):
        lines = [deeper + _laid_out(item, deeper) for item in data]
        return "[\n" + ",\n".join(lines) + f"\n{lead}]"
    return _flat(data)


def _flat(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False)
