from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from specnet.data.augmentation import (
    ImageAugmentation,
    ScratchShapes,
    Sizes,
    Work,
    image_shape,
    images_at_once,
)
from specnet.data.transform import Finite, Shape, TransformError


class Cutout(ImageAugmentation):
    """Blank out a rectangle of each image (DeVries and Taylor, 2017).

    Inputs (height, width, channels) or (height, width). Every pixel is equally likely to be the rectangle's
    centre, so parts of it may be outside the image: then less is blanked out, as in the paper. For an
    even size, the centre is the pixel after the middle. All channels are blanked out.
    """

    by_row: ClassVar[bool] = True

    type: Literal["cutout"] = "cutout"
    size: PositiveInt | tuple[PositiveInt, PositiveInt] = Field(examples=[8])
    """The rectangle's size in pixels: one number for a square, or [height, width]."""
    fill: Finite = 0.0
    """The value of blanked-out pixels, as the network sees it."""

    @property
    def _sides(self) -> tuple[int, int]:
        return self.size if isinstance(self.size, tuple) else (self.size, self.size)

    def check(self, shape: Shape) -> None:
        """Raise TransformError where inputs are no images, or a rectangle can hide a whole one from any centre."""
        super().check(shape)
        if all(side >= 2 * size for side, size in zip(self._sides, shape, strict=False)):
            raise TransformError(
                f"a rectangle of {list(self._sides)} pixels hides all of every image of {list(shape[:2])}",
                "size",
                "half the size of an image is usual",
            )

    def scratch(self, sizes: Sizes) -> ScratchShapes:
        """Return which lines and columns the rectangles cover, and which pixels of some images."""
        height, width, _ = image_shape(sizes.inputs)
        longest = max(height, width)
        pixels = min(sizes.rows, images_at_once(sizes.inputs)) * height * width
        return {
            "drawn": ((sizes.rows,), "float64"),
            "number": ((sizes.rows,), "intp"),
            "own": ((sizes.rows, height + width), "intp"),
            "places": ((sizes.rows, longest), "intp"),
            "covered_lines": ((sizes.rows, height), "bool"),
            "covered_columns": ((sizes.rows, width), "bool"),
            "covered": ((pixels,), "bool"),
            "covered_too": ((pixels,), "bool"),
        }

    def bind(self, work: Work) -> Callable[[], None]:
        """Return the blanking out."""
        import numpy as np

        scratch, x = work.scratch, work.images
        rows, height, width, _ = x.shape
        drawn, number = scratch["drawn"], scratch["number"]
        sides, own = [], scratch["own"].reshape(-1)
        for size, side, start, covered in (
            (height, self._sides[0], 0, scratch["covered_lines"]),
            (width, self._sides[1], rows * height, scratch["covered_columns"]),
        ):
            places = scratch["places"].reshape(-1)[: rows * size].reshape(rows, size)
            # A pixel is covered where 0 <= its own place - centre + side // 2 < side.
            line = own[start : start + rows * size].reshape(rows, size)
            line[...] = np.arange(size)
            sides.append((size, side, line, places, covered))
        several, blocks = images_at_once((height, width)), []
        for start in range(0, rows, several):
            part = slice(start, min(rows, start + several))
            count = part.stop - start
            pixels, shape = count * height * width, (count, height, width)
            mask, other = (scratch[name][:pixels].reshape(shape) for name in ("covered", "covered_too"))
            lines = scratch["covered_lines"][part, :, np.newaxis]
            blocks.append((x[part], mask, other, lines, scratch["covered_columns"][part, np.newaxis, :]))

        def blank() -> None:
            for size, side, line, places, covered in sides:
                work.draw.random(out=drawn)
                np.multiply(drawn, size, out=drawn)
                np.copyto(number, drawn, casting="unsafe")
                np.copyto(places, number[:, np.newaxis])
                np.subtract(line, places, out=places)
                np.add(places, side // 2, out=places)
                np.less(places.view(np.uintp), side, out=covered)
            for images, mask, other, lines, columns in blocks:
                np.copyto(mask, lines)
                np.copyto(other, columns)
                np.logical_and(mask, other, out=mask)
                np.copyto(images, self.fill, where=mask[..., np.newaxis])

        return blank
