"""PNG files from arrays, written without the library that reads them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""The PNG colour type for so many channels."""


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bytes(pixels: Any, more: bytes = b"", colour: int | None = None) -> bytes:
    """Return a PNG of pixels (height, width[, channels]), uint8 or uint16, with further chunks before the data."""
    array = np.asarray(pixels)
    array = array[..., None] if array.ndim == 2 else array
    depth = 8 * array.dtype.itemsize
    lines = array.astype(array.dtype.newbyteorder(">")).reshape(len(array), -1)
    raw = b"".join(b"\0" + line.tobytes() for line in lines)
    kind = TYPES[array.shape[2]] if colour is None else colour
    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], depth, kind, 0, 0, 0)
    body = chunk(b"IHDR", header) + more + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def write_png(path: Path, pixels: Any, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png_bytes(pixels, **options))
    return path


def write_classes(folder: Path, count: int = 6, shape: tuple[int, ...] = (6, 5, 3), seed: int = 0) -> Path:
    """Write as many images of each of three classes, light above, below, or in the middle."""
    random = np.random.default_rng(seed)
    for number, name in enumerate(("above", "below", "middle")):
        for n in range(count):
            pixels = random.integers(0, 80, shape)
            start = (0, shape[0] // 2, shape[0] // 4)[number]
            pixels[start : start + shape[0] // 2] += 150
            write_png(folder / name / f"{n}.png", pixels.astype(np.uint8))
    return folder
