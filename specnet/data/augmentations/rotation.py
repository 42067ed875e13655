from __future__ import annotations

from collections.abc import Callable
from math import pi, prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from specnet.data.augmentation import (
    ImageAugmentation,
    ScratchShapes,
    Sizes,
    Work,
    image_shape,
    images_at_once,
)
from specnet.data.transform import Finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

RING = 3
"""How many lines and columns of fill surround an image: one before it, and two behind."""


class Rotate(ImageAugmentation):
    """Rotate each image about its centre by a random angle.

    Inputs (height, width, channels) or (height, width). The angle is uniform in [-degrees, degrees], drawn for
    each image independently. With the origin at the centre and a the angle, counter-clockwise, the pixel at (x, y)
    becomes the value of the image at (x · cos a - y · sin a, x · sin a + y · cos a): interpolated from the four pixels
    around it (bilinear), or the nearest one, where pixels outside are `fill`. Like torchvision's
    RandomRotation; Keras's RandomRotation takes a fraction of a full turn instead of degrees. Targets that are masks
    are turned alike, and take the nearest pixel.
    """

    moves: ClassVar[bool] = True
    by_row: ClassVar[bool] = True

    type: Literal["rotate"] = "rotate"
    degrees: Annotated[float, Field(gt=0, le=180)] = Field(examples=[15])
    """The maximum angle, in either direction."""
    interpolation: Literal["bilinear", "nearest"] = "bilinear"
    """Whether a pixel is interpolated from the four around its source position, or is the nearest of them."""
    fill: Finite = 0.0
    """The value of pixels outside the image, as the network sees it."""

    def scratch(self, sizes: Sizes) -> ScratchShapes:
        """Return angles, and for some images their places, weights and surrounded copies."""
        height, width, channels = image_shape(sizes.inputs)
        several = min(sizes.rows, images_at_once(sizes.inputs))
        pixels = several * height * width
        scratch: ScratchShapes = {
            "drawn": ((sizes.rows,), "float64"),
            "cosine": ((sizes.rows,), "float64"),
            "sine": ((sizes.rows,), "float64"),
            "from_left": ((several, width), "float64"),
            "from_top": ((several, height), "float64"),
            "along": ((several, width), "float64"),
            "down": ((several, height), "float64"),
            "x": ((pixels,), "float64"),
            "y": ((pixels,), "float64"),
            "spread": ((pixels,), "float64"),
            "index": ((pixels,), "intp"),
            "ringed": ((several, height + RING, width + RING, channels), sizes.dtype),
        }
        if sizes.masks is not None:
            each = prod(sizes.targets[2:])
            scratch |= {
                "near_x": ((pixels,), "float64"),
                "near_y": ((pixels,), "float64"),
                "ringed_masks": ((several, height + RING, width + RING, each), sizes.masks),
            }
        if self.interpolation == "bilinear":
            scratch |= {
                "floor_x": ((pixels,), "float64"),
                "floor_y": ((pixels,), "float64"),
                "weight": ((pixels, channels), sizes.dtype),
                "lower": ((pixels, channels), sizes.dtype),
                "step": ((pixels, channels), sizes.dtype),
            }
        return scratch

    def bind(self, work: Work) -> Callable[[], None]:
        """Return the turning."""
        import numpy as np

        scratch = work.scratch
        rows, height, width, _ = work.images.shape
        several = images_at_once((height, width))
        drawn, cosine, sine = scratch["drawn"], scratch["cosine"], scratch["sine"]
        nearest = self.interpolation == "nearest"
        blocks = [
            _Block(work, slice(start, min(rows, start + several)), nearest=nearest)
            for start in range(0, rows, several)
        ]
        largest = self.degrees * pi / 180

        def turn() -> None:
            work.draw.random(out=drawn)
            np.multiply(drawn, 2 * largest, out=drawn)
            np.subtract(drawn, largest, out=drawn)
            np.cos(drawn, out=cosine)
            np.sin(drawn, out=sine)
            scratch["ringed"].fill(self.fill)
            if work.masks is not None:
                scratch["ringed_masks"].fill(work.outside)
            for block in blocks:
                block.turn()

        return turn


class _Block:
    """Some images of a batch, turned at once."""

    def __init__(self, work: Work, part: slice, *, nearest: bool) -> None:
        import numpy as np

        scratch, images = work.scratch, work.images[part]
        count, height, width, channels = images.shape
        pixels, size = count * height * width, (count, height, width)
        self.nearest = nearest
        self.images, self.out = images, images.reshape(pixels, channels)
        ringed = scratch["ringed"]
        self.inner = ringed[:count, 1 : height + 1, 1 : width + 1]
        self.source = ringed.reshape(-1, channels)
        self.cosine, self.sine = scratch["cosine"][part, np.newaxis], scratch["sine"][part, np.newaxis]
        self.from_left, self.from_top = scratch["from_left"][:count], scratch["from_top"][:count]
        self.from_left[...] = np.arange(width) - (width - 1) / 2
        self.from_top[...] = np.arange(height) - (height - 1) / 2
        self.along, self.down = scratch["along"][:count], scratch["down"][:count]
        self.height, self.width = height, width
        self.stride = width + RING
        # Where the pixel at (0, 0) of each image lies in the surrounded copies.
        first = np.arange(count, dtype=np.float64) * ((height + RING) * self.stride) + self.stride + 1
        self.first = first[:, np.newaxis, np.newaxis]
        self.x, self.y, self.spread = (scratch[name][:pixels].reshape(size) for name in ("x", "y", "spread"))
        self.index = scratch["index"][:pixels]
        self.places = self.index.reshape(size)
        if not self.nearest:
            self.floor_x, self.floor_y = (
                scratch[name][:pixels].reshape(size) for name in ("floor_x", "floor_y")
            )
            self.weight = scratch["weight"][:pixels]
            self.weights = self.weight.reshape(*size, channels)
            self.lower, self.step = scratch["lower"][:pixels], scratch["step"][:pixels]
        self.masks = None if work.masks is None else work.masks[part]
        if self.masks is not None:
            ringed = scratch["ringed_masks"]
            self.masks_out = self.masks.reshape(pixels, -1)
            self.masks_inner = ringed[:count, 1 : height + 1, 1 : width + 1]
            self.masks_source = ringed.reshape(-1, ringed.shape[-1])
            self.near_x, self.near_y = (scratch[name][:pixels].reshape(size) for name in ("near_x", "near_y"))

    def turn(self) -> None:
        """Put the turned images in the place of the images."""
        import numpy as np

        np.copyto(self.inner, self.images)
        self._find(self.x, self.cosine, self.sine, self.width, subtract=True)
        self._find(self.y, self.sine, self.cosine, self.height, subtract=False)
        if self.masks is not None:
            self._turn_masks()
        if self.nearest:
            np.rint(self.x, out=self.x)
            np.rint(self.y, out=self.y)
            self._place(self.x, self.y)
            np.take(self.source, self.index, 0, self.out, "clip")
            return
        np.floor(self.x, out=self.floor_x)
        np.subtract(self.x, self.floor_x, out=self.x)
        np.floor(self.y, out=self.floor_y)
        np.subtract(self.y, self.floor_y, out=self.y)
        self._place(self.floor_x, self.floor_y)
        np.copyto(self.weights, self.x[..., np.newaxis], casting="same_kind")
        self._between(self.out)
        np.add(self.index, self.stride - 1, out=self.index)
        self._between(self.lower)
        np.copyto(self.weights, self.y[..., np.newaxis], casting="same_kind")
        np.subtract(self.lower, self.out, out=self.lower)
        np.multiply(self.lower, self.weight, out=self.lower)
        np.add(self.out, self.lower, out=self.out)

    def _turn_masks(self) -> None:
        """Put the turned masks in the place of the masks, each pixel the nearest one: classes have no means."""
        import numpy as np

        assert self.masks is not None
        np.copyto(self.masks_inner, self.masks)
        np.rint(self.x, out=self.near_x)
        np.rint(self.y, out=self.near_y)
        self._place(self.near_x, self.near_y)
        np.take(self.masks_source, self.index, 0, self.masks_out, "clip")

    def _find(self, out: Array, of_x: Array, of_y: Array, size: int, *, subtract: bool) -> None:
        """Put one coordinate of the place that each pixel comes from into `out`, at most a pixel outside."""
        import numpy as np

        np.copyto(self.along, of_x)
        np.multiply(self.from_left, self.along, out=self.along)
        np.add(self.along, (size - 1) / 2, out=self.along)
        np.copyto(self.down, of_y)
        np.multiply(self.from_top, self.down, out=self.down)
        np.copyto(out, self.along[:, np.newaxis, :])
        np.copyto(self.spread, self.down[:, :, np.newaxis])
        join = np.subtract if subtract else np.add
        join(out, self.spread, out=out)
        np.maximum(out, -1.0, out=out)
        np.minimum(out, float(size), out=out)

    def _place(self, x: Array, y: Array) -> None:
        """Turn whole coordinates into places in the surrounded copies; changes `y`."""
        import numpy as np

        np.multiply(y, self.stride, out=y)
        np.add(y, x, out=y)
        np.copyto(self.spread, self.first)
        np.add(y, self.spread, out=y)
        np.copyto(self.places, y, casting="unsafe")

    def _between(self, out: Array) -> None:
        """Put what lies between the pixels at the places and their right neighbours into `out`; moves the places."""
        import numpy as np

        np.take(self.source, self.index, 0, out, "clip")
        np.add(self.index, 1, out=self.index)
        np.take(self.source, self.index, 0, self.step, "clip")
        np.subtract(self.step, out, out=self.step)
        np.multiply(self.step, self.weight, out=self.step)
        np.add(out, self.step, out=out)
