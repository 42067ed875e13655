"""Inputs that are images, and images side by side."""

from __future__ import annotations

import base64
import io
import math
import re
from typing import Any

import numpy as np

from specnet.data import Encoding
from specnet.runs.extras import needed

Array = np.ndarray[Any, Any]

SMALLEST = 4
"""Pixels on a side, below which an array is not an image."""


def image_shape(encoding: Encoding) -> tuple[int, ...] | None:
    """Return the shape of the image that a raw input is, (height, width) or (height, width, 3); None if it is none.

    Rows of pixels are images where the names of their columns, `pixel_ROW_COLUMN`, say that they are.
    """
    shape = _unrolled(encoding.raw_shape, encoding.signature.features or ())
    if len(shape) == 3 and shape[2] == 1:
        shape = shape[:2]
    fits = len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)
    return shape if fits and min(shape[:2]) >= SMALLEST else None


def _unrolled(shape: tuple[int, ...], names: tuple[str, ...]) -> tuple[int, ...]:
    places = [re.fullmatch(r"pixel_(\d+)_(\d+)", name) for name in names]
    found = [(int(place[1]), int(place[2])) for place in places if place is not None]
    if len(shape) != 1 or not found or len(found) != shape[0]:
        return shape
    height, width = (max(ends) + 1 for ends in zip(*found, strict=True))
    return (height, width) if found == [(y, x) for y in range(height) for x in range(width)] else shape


def as_images(raw: Array, shape: tuple[int, ...], like: Array | None = None) -> Array:
    """Return raw rows as images of a shape with values from 0 to 1, of the range that the rows `like` have."""
    given = raw if like is None else like
    low, high = float(given.min()), float(given.max())
    scaled = (raw - low) / (high - low) if high > low else np.zeros_like(raw)
    return np.clip(scaled, 0.0, 1.0).reshape(len(raw), *shape)


def mosaic(images: Array, columns: int | None = None) -> Array:
    """Return images (count, height, width[, 3]) side by side with NaN between them, as near to a square as can be."""
    count, height, width = images.shape[:3]
    across = columns or math.ceil(math.sqrt(count * height / width))
    down = math.ceil(count / across)
    gap = 1 if max(height, width) < 32 else 2
    whole = np.full((down * (height + gap) - gap, across * (width + gap) - gap, *images.shape[3:]), np.nan)
    for n, image in enumerate(images):
        y, x = n // across * (height + gap), n % across * (width + gap)
        whole[y : y + height, x : x + width] = image
    return whole


def png_address(image: Array) -> str:
    """Return an image with values from 0 to 1 as a PNG in a data address."""
    writer = needed("matplotlib.image", "report", "a report")
    pixels = np.round(image * 255).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    file = io.BytesIO()
    writer.imsave(file, pixels, format="png", metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
