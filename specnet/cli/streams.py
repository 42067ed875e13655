"""The process's standard streams, whatever the caller made of them: closed, full, a pipe that nobody reads."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PIPE_CLOSED = 141
"""The exit code of a command whose output nobody reads on, as a shell shows it of others: 128 + SIGPIPE."""

UNWRITABLE = 1


class OutputError(Exception):
    """Standard output takes no more.

    It is no OSError: nothing that handles those of files may take it for one.
    """

    def __init__(self, error: OSError) -> None:
        self.closed = error.errno == errno.EPIPE
        super().__init__(f"standard output cannot be written: {error.strerror or error}")


class ResultFile(io.FileIO):
    """Standard output: what the system refuses is raised as OutputError."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write bytes."""
        try:
            return super().write(data)
        except OSError as error:
            raise OutputError(error) from None


class NoteFile(io.FileIO):
    """Standard error: what the system refuses is lost, since no training may end for want of a reader."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write bytes, or drop them where that is impossible."""
        try:
            while (count := super().write(data)) is None:  # a terminal that does not block
                select.select([], [self], [])
        except (OSError, ValueError):
            return memoryview(data).nbytes
        return count


def prepare() -> None:
    """Replace the standard streams by ones that behave as this module says.

    A closed one gets its number's place taken, so that no file that is opened later is written to in its stead.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given. A reader in the place of standard output refuses all that is written.
            os.open(os.devnull, flags)
    sys.stdout = _replaced(sys.stdout, ResultFile(1, "wb", closefd=False))
    sys.stderr = _replaced(sys.stderr, NoteFile(2, "wb", closefd=False))


def _replaced(stream: TextIO | None, file: io.FileIO) -> TextIO:
    """Return a text stream onto a file, with the encoding of an earlier one."""
    encoding, line_buffering, write_through = "utf-8", True, False
    if isinstance(stream, io.TextIOWrapper):
        if sys.platform == "win32" and stream.isatty():
            stream.reconfigure(errors="replace")
            return stream  # which writes Unicode by calls of its own
        stream.flush()
        encoding, line_buffering = stream.encoding, stream.line_buffering
        write_through = stream.write_through
    elif stream is not None:
        return stream  # a program's own, which knows what to do
    # What the terminal's encoding lacks is shown as `?`: no name in a file may stop a command.
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=encoding,
        errors="replace",
        line_buffering=line_buffering,
        write_through=write_through,
    )


@contextmanager
def guarded_output() -> Iterator[None]:
    """Bring what is printed to standard output; end with one line, or quietly for a closed pipe, where that fails."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OutputError as error:
        # What is left must not be tried again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.closed:
            sys.exit(PIPE_CLOSED)
        sys.stderr.write(f"error: {error}\n")
        sys.exit(UNWRITABLE)
