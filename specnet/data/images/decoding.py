"""The pixels of an image, by Pillow."""

from __future__ import annotations

import hashlib
from io import BytesIO
from struct import error as struct_error
from typing import IO, TYPE_CHECKING

from PIL import Image, ImageOps, UnidentifiedImageError

from specnet.data.images.frame import ImageFrame
from specnet.data.images.header import ImageError, opened_image

if TYPE_CHECKING:
    from _typeshed import StrPath

_GREY_16 = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I"})
_ORIENTING = frozenset({"exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"})
"""Where Pillow finds an orientation, if there is one; to look there takes it as long as a tenth of a small image."""

_STUMBLES = (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, struct_error)
"""What Pillow's readers raise where a file is not what its beginning promises."""


def decode(path: StrPath, frame: ImageFrame, sums: list[bytes] | None = None) -> bytes:
    """Return the pixels of an image line by line, a byte for each channel; raise ImageError where they are damaged.

    The SHA-256 of the file is appended to `sums`, if there are any.
    """
    try:
        with opened_image(path) as file, Image.open(file, formats=("PNG", "JPEG")) as image:
            if sums is not None:
                sums.append(_sum(file))
            image.load()
            if not _ORIENTING.isdisjoint(image.info):
                ImageOps.exif_transpose(image, in_place=True)
            return _fitted(_plain(image, frame), frame).tobytes()
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"is refused: {error}") from None
    except UnidentifiedImageError:
        raise ImageError("is damaged: nothing after its header is image data") from None
    except _STUMBLES as error:
        raise ImageError(f"is damaged: {str(error) or type(error).__name__}") from None


def _sum(file: IO[bytes]) -> bytes:
    """Return the SHA-256 of a file that is read from somewhere in it, and stays there."""
    if isinstance(file, BytesIO):
        return hashlib.sha256(file.getbuffer()).digest()
    place = file.tell()
    file.seek(0)
    found = hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]
    file.seek(place)
    return found


def _plain(image: Image.Image, frame: ImageFrame) -> Image.Image:
    """Return an image of 8 bits a channel, without palette and without transparency."""
    if image.mode in _GREY_16:
        # Pillow's own conversion to 8 bits cuts off at 255.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        image.info.pop("transparency", None)
    if image.has_transparency_data:
        below = Image.new("RGBA", image.size, (*[frame.background] * 3, 255))
        image = Image.alpha_composite(below, image.convert("RGBA"))
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    mode = "L" if frame.channels == 1 else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _fitted(image: Image.Image, frame: ImageFrame) -> Image.Image:
    """Return an image of the frame's size."""
    size, method = (frame.width, frame.height), Image.Resampling.BILINEAR
    if image.size == size:
        return image
    if frame.resize == "stretch":
        return image.resize(size, method)
    if frame.resize == "crop":
        return ImageOps.fit(image, size, method)
    grey = frame.background
    return ImageOps.pad(image, size, method, color=grey if frame.channels == 1 else (grey, grey, grey))
