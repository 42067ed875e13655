"""Compressed files as the bytes that were compressed, read piece by piece."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    import zipfile

    from _typeshed import WriteableBuffer

Compression = Literal["auto", "none", "gzip", "bz2", "xz", "zip"]

STARTS = {"gzip": b"\x1f\x8b", "bz2": b"BZh", "xz": b"\xfd7zXZ\0", "zip": b"PK\x03\x04"}
"""The bytes that files of each kind begin with."""

EXPANSION = 5
"""How many times as large as a compressed file its text is taken to be, where that must be estimated."""

PIECE = 1 << 16
"""Bytes that are decompressed at once."""


class CompressionError(OSError):
    """A compressed file is damaged, or not what it is said to be; the message says how."""


class MemberError(CompressionError):
    """A zip archive does not hold the one file that is meant."""

    def __init__(self, message: str, names: list[str]) -> None:
        super().__init__(message)
        self.names = names


class TooLargeError(CompressionError):
    """A compressed file holds more than may be read of it."""


def found_compression(start: bytes) -> Compression:
    """Return how a file is compressed that begins with these bytes."""
    return next(
        (cast("Compression", kind) for kind, sign in STARTS.items() if start.startswith(sign)), "none"
    )


def is_workbook(file: IO[bytes]) -> bool:
    """Return whether a file is a workbook of Excel or of LibreOffice, which are zip archives, too."""
    import zipfile

    with (
        suppress(zipfile.BadZipFile, OSError, NotImplementedError, ValueError),
        zipfile.ZipFile(file) as archive,
    ):
        names = set(archive.namelist())
        return "[Content_Types].xml" in names or {"content.xml", "mimetype"} <= names
    return False


def unpacked(
    file: io.BufferedReader[Any],
    how: Compression,
    member: str | None = None,
    *,
    strict: bool = True,
    limit: int | None = None,
) -> IO[bytes]:
    """Return the bytes of a file, decompressed as they are read: the file itself where it is not compressed.

    With `auto`, its first bytes show how it is compressed. `member` is the file meant of a zip archive; without it,
    the only one is, and unless `strict`, that of an archive of one file always is. Raises CompressionError, also while
    it is read: TooLargeError after more than `limit` bytes.
    """
    found = found_compression(file.peek(8)[:8])
    if how == "auto":
        how = found
    elif how not in ("none", found):
        raise CompressionError(f"is not a {how} file")
    if how == "none":
        return file
    return io.BufferedReader(_Unpacked(_opened(file, how, member, strict=strict), how, limit), PIECE)


def _opened(file: IO[bytes], how: str, member: str | None, *, strict: bool) -> IO[bytes]:
    # Each of them is an extension module that some builds of Python lack, and few files need.
    if how == "gzip":
        import gzip

        return cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb"))
    if how == "bz2":
        import bz2

        return cast("IO[bytes]", bz2.BZ2File(file))
    if how == "xz":
        import lzma

        return cast("IO[bytes]", lzma.LZMAFile(file))
    import zipfile

    if not file.seekable():
        raise CompressionError("is a zip archive, which cannot be read from a pipe")
    try:
        archive = zipfile.ZipFile(file)
        return archive.open(_member(archive, member, strict=strict))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
        # A RuntimeError says that the member is encrypted.
        raise CompressionError(f"is a zip archive that cannot be unpacked: {error}") from None


def _member(archive: zipfile.ZipFile, wanted: str | None, *, strict: bool) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/") and not _is_litter(name)]
    if wanted is not None and (strict or len(names) != 1):
        if wanted in names:
            return wanted
        raise MemberError(f"holds no file `{wanted}`", names)
    if len(names) != 1:
        raise MemberError(f"holds {len(names)} files" if names else "holds no file", names)
    return names[0]


def _is_litter(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] in (".DS_Store", "Thumbs.db")


class _Unpacked(io.RawIOBase):
    """Reads a compressed stream; whatever its module raises becomes a CompressionError."""

    def __init__(self, inner: IO[bytes], how: str, limit: int | None) -> None:
        self._inner, self._how, self._limit = inner, how, limit
        self._read = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Put the next bytes into a buffer; return how many there are."""
        view = memoryview(buffer).cast("B")
        try:
            piece = self._inner.read(len(view))
        except Exception as error:
            # Of four modules, these are EOFError, OSError, zlib.error, LZMAError, BadZipFile and RuntimeError.
            raise CompressionError(f"is a damaged {self._how} file: {str(error).rstrip('.')}") from error
        self._read += len(piece)
        if self._limit is not None and self._read > self._limit:
            raise TooLargeError(f"holds more than {self._limit} bytes")
        view[: len(piece)] = piece
        return len(piece)
