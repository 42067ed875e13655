"""The ways to open a file that a document or a user names, without waiting for one that never comes."""

from __future__ import annotations

import errno
import os
import re
import stat
from io import BufferedReader, FileIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import StrPath


class NotRegularError(OSError):
    """A path leads to a pipe, a socket or a device."""

    def __init__(self, path: StrPath) -> None:
        super().__init__(errno.EINVAL, "not a regular file", os.fspath(path))


STREAM = re.compile(r"/dev/(stdin|fd/\d+)")

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: StrPath) -> BufferedReader:
    """Open a regular file for reading, and never wait for it.

    Raises NotRegularError for a pipe, a socket or a device, and OSError as `open` does.
    """
    return BufferedReader(open_unbuffered(path))


def open_given(path: StrPath) -> BufferedReader:
    """Open a file that a user has named for reading: a regular one, or a stream that the caller holds open.

    Such a stream is `/dev/stdin` or `/dev/fd/N`, as a shell writes for `<(command)`. Raises errors as `open_regular`.
    """
    if STREAM.fullmatch(os.fspath(path)):
        return open(path, "rb")  # noqa: PTH123  the caller closes it
    return open_regular(path)


def open_unbuffered(path: StrPath) -> FileIO:
    """Open a regular file as `open_regular` does, to be read straight from the system."""
    handle, _ = _opened(path)
    try:
        return FileIO(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def opened_or_whole(path: StrPath, most: int) -> BufferedReader | bytes:
    """Open a regular file as `open_regular` does; of one of at most so many bytes, return them: that is quicker."""
    handle, size = _opened(path)
    try:
        whole = os.read(handle, size + 1) if size <= most else None
    finally:
        os.close(handle)
    # A file that is written to meanwhile is read as it is then.
    return whole if whole is not None and len(whole) == size else open_regular(path)


def start_of(path: StrPath, size: int) -> bytes:
    """Return the first bytes of a regular file, all of them if it has fewer; raises errors as `open_regular` does."""
    handle, _ = _opened(path)
    try:
        return os.read(handle, size)
    finally:
        os.close(handle)


def _opened(path: StrPath) -> tuple[int, int]:
    """Open a regular file for reading, and return its handle and its size.

    The type is checked before opening, since opening a device may act on it, and again after: in between, the
    path may have come to lead elsewhere. A pipe without a writer is opened without waiting for one.
    """
    _check(path, os.stat(path))  # noqa: PTH116  an empty path is no folder
    handle = os.open(path, _FLAGS)
    try:
        found = os.fstat(handle)
        _check(path, found)
    except BaseException:
        os.close(handle)
        raise
    return handle, found.st_size


def _check(path: StrPath, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(found.st_mode):
        raise NotRegularError(path)
