"""The beginnings of PNG and JPEG files, read without the library that decodes the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING, Literal

from specnet.data.opening import NotRegularError, open_regular, opened_or_whole, start_of

if TYPE_CHECKING:
    from _typeshed import StrPath

Form = Literal["PNG", "JPEG"]

SUFFIXES: dict[str, Form] = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
"""What a file must hold, by the end of its name in small letters."""

MAXIMUM_PIXELS = 1024 * 1024 * 1024 // 4 // 3
"""Pixels above which a file is taken for one that is made to fill the memory: Pillow's own bound."""

SMALL = 1 << 20
"""Bytes of a file up to which it is read at once: Pillow asks for a few bytes at a time."""

START = 24
"""Bytes in which a PNG file gives its size."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The JPEG markers below which an image's size stands."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""The JPEG markers that nothing belongs to."""


class ImageError(ValueError):
    """A file is not an image that can be read; `help` says what helps, if anything does."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What the header of an image file says."""

    form: Form
    width: int
    height: int


def checked_header(path: StrPath) -> ImageHeader:
    """Return the header of an image; raise ImageError if the file is none, or another than its name says."""
    meant = _form_of(path)
    try:
        start = start_of(path, START)
        if start.startswith(_JPEG):
            with open_regular(path) as file:
                return _checked(_header(file), meant)
    except OSError as error:
        raise _unreadable(error) from None
    return _checked(_of_start(start), meant)


def opened_image(path: StrPath) -> IO[bytes]:
    """Open an image, whose header is checked, to be read from the beginning; raise ImageError as `checked_header`."""
    meant = _form_of(path)
    try:
        found = opened_or_whole(path, SMALL)
    except OSError as error:
        raise _unreadable(error) from None
    file: IO[bytes] = BytesIO(found) if isinstance(found, bytes) else found
    try:
        _checked(_header(file), meant)
        file.seek(0)
    except BaseException as error:
        file.close()
        if isinstance(error, OSError):
            raise _unreadable(error) from None
        raise
    return file


def _form_of(path: StrPath) -> Form:
    """Return what a file must hold by its name; raise ImageError where that is no image."""
    form = SUFFIXES.get(os.path.splitext(path)[1].lower())  # noqa: PTH122  a `Path` takes as long to make as to open
    if form is None:
        raise ImageError(
            f"is not an image by its name: it does not end in {', '.join(SUFFIXES)}",
            "PNG and JPEG are read; other images have to be converted",
        )
    return form


def _unreadable(error: OSError) -> ImageError:
    if isinstance(error, NotRegularError):
        return ImageError(f"is {error.strerror}")
    return ImageError(f"cannot be read: {error.strerror}")


def _checked(header: ImageHeader, meant: Form) -> ImageHeader:
    if header.form != meant:
        right = ".png" if header.form == "PNG" else ".jpg"
        raise ImageError(
            f"is a {header.form} file by its contents, not a {meant}", f"a name that ends in {right}"
        )
    if header.width * header.height > MAXIMUM_PIXELS:
        raise ImageError(
            f"declares {header.width} x {header.height} pixels, more than the {MAXIMUM_PIXELS:,} that are decoded",
            "such a file could fill the memory; use a smaller version",
        )
    return header


def _header(file: IO[bytes]) -> ImageHeader:
    start = file.read(START)
    if start.startswith(_JPEG):
        file.seek(2)
        return _jpeg(file)
    return _of_start(start)


def _of_start(start: bytes) -> ImageHeader:
    """Return the header that is in the first bytes of a file that is no JPEG."""
    if not start:
        raise ImageError("is empty")
    if not start.startswith(_PNG):
        raise ImageError("is neither PNG nor JPEG by its contents")
    if len(start) < START or start[12:16] != b"IHDR":
        raise ImageError("is damaged: its header is truncated or missing")
    width, height = int.from_bytes(start[16:20]), int.from_bytes(start[20:24])
    return _sound("PNG", width, height)


def _jpeg(file: IO[bytes]) -> ImageHeader:
    while True:
        lead = file.read(1)
        marker = file.read(1)
        while marker == b"\xff":
            marker = file.read(1)
        if lead != b"\xff" or not marker:
            raise ImageError("is damaged: it ends, or becomes invalid, before it gives its size")
        if marker[0] in _ALONE:
            continue
        length = int.from_bytes(file.read(2))
        if marker[0] in _FRAMES:
            frame = file.read(5)
            if len(frame) < 5:
                raise ImageError("is damaged: its header is truncated")
            return _sound("JPEG", int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3]))
        if length < 2 or marker[0] in (0xD9, 0xDA):
            raise ImageError("is damaged: it does not give its size")
        file.seek(length - 2, 1)


def _sound(form: Form, width: int, height: int) -> ImageHeader:
    if not width or not height:
        raise ImageError(f"is damaged: its header declares {width} x {height} pixels")
    return ImageHeader(form, width, height)
