"""The text of a file in blocks of whole lines, decoded as it is read."""

from __future__ import annotations

import codecs
import csv
import os
import stat
from io import BufferedReader, FileIO
from typing import IO, Protocol, TypeGuard, cast

from specnet.data.formats.csv.reader import UndecodableError, line_ends

BLOCK = 1 << 19
"""Bytes that are read at once: what is computed of them stays in the processor's cache."""

FIRST = 1 << 13
"""Bytes that are read first: the header need not wait for what is wrong further on."""

LINE = 1 << 14
"""Bytes at the end of a block in which an end of a line is looked for, so that the block can end there."""

LONGEST = 64 << 20
"""Bytes of a line above which a file is taken for one that is made to fill the memory."""

BOM = b"\xef\xbb\xbf"


class EndlessLineError(csv.Error):
    """A line is so long that it would fill the memory."""


class _Reads(Protocol):
    def read1(self, size: int, /) -> bytes: ...


class TextBlocks:
    """The text of a file as blocks of whole lines, in UTF-8, whatever its encoding.

    A mark at the start of UTF-8 is left out. A part of a file has a number of `lines` before it. Raises
    UndecodableError where the file is not text in its encoding, and EndlessLineError at a line that would fill the
    memory.
    """

    def __init__(self, file: IO[bytes], encoding: str, lines: int | None = None) -> None:
        self._file = cast("_Reads", file)
        self._decoder = None
        if codecs.lookup(encoding).name != "utf-8":
            self._decoder = codecs.getincrementaldecoder(encoding)()
        self._regular = file if _is_regular(file) else None
        self.whole = 0 if self._regular is None else os.fstat(self._regular.fileno()).st_size
        """How many bytes the file has, where that is known."""
        self._rest = b""
        """The beginning of the next line."""
        self._started, self._ended = lines is not None, False
        self.block = BLOCK
        """How many bytes are read at once."""
        self.size = 0
        """How many bytes have been given, in UTF-8."""
        self.lines = lines or 0
        """How many lines have been given, with those before."""
        self.latest = 0
        """How many of them are in the last block."""

    def next(self) -> bytes:
        """Return the next lines; nothing at the end of the file."""
        pieces, size = [self._rest], len(self._rest)
        while not self._ended:
            piece = self._piece()
            cut = _end_of_lines(piece)
            if not cut and pieces[-1].endswith(b"\r") and piece:
                # Only what comes next tells whether this was the end of a line.
                cut = 1 if piece.startswith(b"\n") else 0
            pieces.append(piece)
            size += len(piece)
            if cut and not self._ended:
                self._rest = piece[cut:]
                if size == cut:
                    return self._given(piece)
                return self._given(b"".join([*pieces[:-1], memoryview(piece)[:cut]]))
            if size >= LONGEST:
                block = b"".join(pieces)
                begun = _end_of_lines(block)
                if len(block) - begun >= LONGEST:
                    line = self.lines + line_ends(block[:begun]) + 1
                    raise EndlessLineError(f"line {line} is longer than {LONGEST >> 20} MiB")
        self._rest = b""
        return self._given(b"".join(pieces))

    def _given(self, block: bytes) -> bytes:
        if not self._started:
            self._started = True
            if self._decoder is None:
                block = block.removeprefix(BOM)
        if self._decoder is None and not block.isascii():
            try:
                block.decode()
            except UnicodeDecodeError as error:
                raise self._undecodable(error, b"") from error
        self.latest = line_ends(block)
        self.lines += self.latest
        self.size += len(block)
        return block

    def _piece(self) -> bytes:
        size = self._up_to_line(self.block) if self._started else FIRST
        data = b""
        while len(data) < size and not self._ended:
            # Until it is known whether more comes, so that a small file is one block.
            more = self._file.read1(size - len(data))
            data += more
            self._ended = not more
        if self._decoder is None:
            return data
        try:
            return self._decoder.decode(data, final=self._ended).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise self._undecodable(error, self._rest) from error
        except UnicodeError as error:
            raise UndecodableError(" from its start") from error

    def _up_to_line(self, size: int) -> int:
        """Return how many bytes to read, at most `size`, for a block that need not be joined of two pieces.

        Where a line ends is looked at beforehand. Should it end elsewhere by the time that the bytes are read, that is
        seen then.
        """
        if self._regular is None or self._decoder is not None or size <= LINE:
            return size
        start = size - LINE
        cut = os.pread(self._regular.fileno(), LINE, self._regular.tell() + start).rfind(b"\n") + 1
        return start + cut if cut else size

    def _undecodable(self, error: UnicodeDecodeError, before: bytes) -> UndecodableError:
        there = error.object[: error.start].decode(error.encoding, errors="replace")
        line = self.lines + 1 + line_ends(before) + line_ends(there.encode("utf-8", "replace"))
        return UndecodableError(f": line {line} has the byte 0x{error.object[error.start]:02x}")


def _is_regular(file: IO[bytes]) -> TypeGuard[BufferedReader]:
    """Return whether bytes come from a regular file as they are, of which others can be looked at."""
    if not isinstance(file, BufferedReader) or not isinstance(file.raw, FileIO) or not hasattr(os, "pread"):
        return False
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _end_of_lines(text: bytes) -> int:
    """Return where the last line in a text ends; 0 where none does for sure."""
    end = text.rfind(b"\n") + 1
    # At the very end, a carriage return may be the first half of an end of line.
    return end or text.rfind(b"\r", 0, -1) + 1
