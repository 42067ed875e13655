"""Augmentations after which each pixel is one of the image's own, or the fill: gathers from drawn places."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.data.augmentation import (
    ImageAugmentation,
    ScratchShapes,
    Sizes,
    Work,
    image_shape,
    images_at_once,
)
from specnet.data.transform import Finite, Shape, TransformError
from specnet.vocabulary.kind import fault, table_check

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

OUTSIDE = 1 << 29
"""A place beyond every image: a gather that clips places reads the fill there, which lies behind the last image."""

Fraction = Annotated[float, Field(ge=0, lt=1)]


class _Move(ImageAugmentation):
    """Pixel (i, j) becomes pixel (a(i), b(j)), the lines a and the columns b drawn for each image."""

    moves: ClassVar[bool] = True
    by_row: ClassVar[bool] = True

    def _background(self) -> float:
        return 0.0

    @abstractmethod
    def _numbers(self, axis: int, size: int, draw: Array) -> bool:
        """Turn numbers drawn from [0, 1) into what is drawn along an axis; return false where it stays as it is."""

    def _place(self, places: Array, line: Array) -> None:
        """Turn what is drawn into where each pixel comes from; `line` holds the pixels' own places."""
        import numpy as np

        np.add(line, places, out=places)

    def scratch(self, sizes: Sizes) -> ScratchShapes:
        """Return places of a batch's lines and columns, and some images with their pixels' places."""
        height, width, channels = image_shape(sizes.inputs)
        pixels = min(sizes.rows, images_at_once(sizes.inputs)) * height * width
        scratch: ScratchShapes = {
            "drawn": ((sizes.rows,), "float64"),
            "number": ((sizes.rows,), "intp"),
            "own_lines": ((sizes.rows, height), "intp"),
            "own_columns": ((sizes.rows, width), "intp"),
            "first": ((sizes.rows, height), "intp"),
            "lines": ((sizes.rows, height), "intp"),
            "columns": ((sizes.rows, width), "intp"),
            "outside": ((sizes.rows, max(height, width)), "bool"),
            "index": ((pixels,), "intp"),
            "across": ((pixels,), "intp"),
            "spare": ((pixels + 1, channels), sizes.dtype),
        }
        if sizes.masks is not None:
            scratch["spare_masks"] = ((pixels + 1, prod(sizes.targets[2:])), sizes.masks)
        return scratch

    def bind(self, work: Work) -> Callable[[], None]:
        """Return the gather."""
        import numpy as np

        scratch, x = work.scratch, work.images
        rows, height, width, _ = x.shape
        several = images_at_once((height, width))
        drawn, number, index = scratch["drawn"], scratch["number"], scratch["index"]
        moved = _moved(work, self._background())
        scratch["own_lines"][...] = np.arange(height)
        scratch["own_columns"][...] = np.arange(width)
        # Where each image begins among those that are worked on at once.
        scratch["first"][...] = (np.arange(rows) % several * (height * width))[:, np.newaxis]
        sides = [
            (0, height, width, scratch["own_lines"], scratch["lines"], scratch["first"]),
            (1, width, 1, scratch["own_columns"], scratch["columns"], None),
        ]
        masks = [_part(scratch["outside"], (rows, size)) for size in (height, width)]
        blocks = []
        for start in range(0, rows, several):
            part = slice(start, min(rows, start + several))
            count = part.stop - start
            pixels = count * height * width
            blocks.append(
                (
                    [(own[part].reshape(pixels, -1), spare[:pixels], spare) for own, spare, _ in moved],
                    scratch["lines"][part, :, np.newaxis],
                    scratch["columns"][part, np.newaxis, :],
                    scratch["across"][:pixels].reshape(count, height, width),
                    index[:pixels].reshape(count, height, width),
                    index[:pixels],
                )
            )

        def move() -> None:
            for (axis, size, step, line, places, first), mask in zip(sides, masks, strict=True):
                work.draw.random(out=drawn)
                if self._numbers(axis, size, drawn):
                    np.copyto(number, drawn, casting="unsafe")
                    np.copyto(places, number[:, np.newaxis])
                    self._place(places, line)
                    # A place before the first one is a very large one without its sign.
                    np.greater_equal(places.view(np.uintp), size, out=mask)
                    np.multiply(places, step, out=places)
                    if first is not None:
                        np.add(places, first, out=places)
                    np.copyto(places, OUTSIDE, where=mask)
                else:
                    np.multiply(line, step, out=places)
                    if first is not None:
                        np.add(places, first, out=places)
            for _, spare, outside in moved:
                spare[-1] = outside
            for arrays, lines, columns, across, grid, flat in blocks:
                np.copyto(grid, lines)
                np.copyto(across, columns)
                np.add(grid, across, out=grid)
                for images, copied, spare in arrays:
                    np.copyto(copied, images)
                    np.take(spare, flat, 0, images, "clip")

        return move


def _moved(work: Work, background: float) -> list[tuple[Array, Array, float]]:
    """Return what moves, images and masks, each with its memory for copies and what is outside of it."""
    moved = [(work.images, work.scratch["spare"], background)]
    if work.masks is not None:
        moved.append((work.masks, work.scratch["spare_masks"], work.outside))
    return moved


def _part(array: Array, shape: Shape) -> Array:
    """Return the beginning of an array's memory in another shape."""
    size = shape[0] * shape[1]
    return array.reshape(-1)[:size].reshape(shape)


class Flip(_Move):
    """Mirror each image with a probability, left to right or top to bottom.

    Inputs (height, width, channels) or (height, width). Like torchvision's RandomHorizontalFlip and
    RandomVerticalFlip, for each image independently. Targets that are masks are mirrored alike.
    """

    type: Literal["flip"] = "flip"
    direction: Literal["horizontal", "vertical"] = "horizontal"
    """Whether to swap left and right, or top and bottom."""
    probability: Annotated[float, Field(gt=0, le=1)] = 0.5
    """The probability that an image is mirrored."""

    def _numbers(self, axis: int, size: int, draw: Array) -> bool:
        import numpy as np

        if axis != (1 if self.direction == "horizontal" else 0):
            return False
        np.subtract(self.probability, draw, out=draw)
        np.heaviside(draw, 0.0, out=draw)
        np.multiply(draw, size - 1, out=draw)
        return True

    def _place(self, places: Array, line: Array) -> None:
        import numpy as np

        # |j - 0| is j, and |j - (width - 1)| counts from the other end.
        np.subtract(line, places, out=places)
        np.abs(places, out=places)


class PadCrop(_Move):
    """Add `padding` pixels around each image, and crop it to its size at a random position (He et al., 2016).

    Inputs (height, width, channels) or (height, width). All positions are equally likely, drawn for each image
    independently: it moves by -padding to padding pixels along each axis, as with torchvision's
    RandomCrop(size, padding). Targets that are masks are cropped alike.
    """

    type: Literal["pad_crop"] = "pad_crop"
    padding: PositiveInt | tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] = Field(
        examples=[4]
    )
    """How many pixels to add on each side: one number, or [above and below, left and right]."""
    fill: Finite = 0.0
    """The value of pixels outside the image, as the network sees it."""

    @table_check()
    def _moves(self) -> Iterator[PydanticCustomError]:
        if self.padding == (0, 0):
            message = "a `padding` of 0 on all sides would leave every image unchanged"
            yield fault(message, key="padding")

    def check(self, shape: Shape) -> None:
        """Raise TransformError where inputs are no images, or have nothing left in a crop of the padding."""
        super().check(shape)
        for size, padding, side in zip(shape, self._sides, ("high", "wide"), strict=False):
            if padding >= size:
                raise TransformError(
                    f"a padding of {padding} could leave nothing of images {size} {side}",
                    "padding",
                    f"a padding of at most {size - 1}",
                )

    @property
    def _sides(self) -> tuple[int, int]:
        return self.padding if isinstance(self.padding, tuple) else (self.padding, self.padding)

    def _background(self) -> float:
        return self.fill

    def _numbers(self, axis: int, size: int, draw: Array) -> bool:
        import numpy as np

        padding = self._sides[axis]
        np.multiply(draw, 2 * padding + 1, out=draw)
        np.floor(draw, out=draw)
        np.subtract(draw, padding, out=draw)
        return padding > 0


class Shift(_Move):
    """Move each image by a random whole number of pixels along each axis.

    Inputs (height, width, channels) or (height, width). An axis of n pixels moves by round(u), u uniform in
    [-fraction · n, fraction · n], as with torchvision's RandomAffine(0, translate). Keras's RandomTranslation also
    moves by fractions of a pixel, and fills by reflection by default. Targets that are masks move alike.
    """

    type: Literal["shift"] = "shift"
    vertical: Fraction = 0.1
    """The maximum move up or down, as a fraction of the height."""
    horizontal: Fraction = 0.1
    """The maximum move to the left or right, as a fraction of the width."""
    fill: Finite = 0.0
    """The value of pixels outside the image, as the network sees it."""

    @table_check()
    def _moves(self) -> Iterator[PydanticCustomError]:
        if self.vertical == self.horizontal == 0:
            message = "fractions of 0 would leave every image unchanged"
            yield fault(message, key="horizontal" if "horizontal" in self.model_fields_set else "vertical")

    def check(self, shape: Shape) -> None:
        """Raise TransformError where inputs are no images, or too small to move at all."""
        super().check(shape)
        for key, fraction, size in (
            ("vertical", self.vertical, shape[0]),
            ("horizontal", self.horizontal, shape[1]),
        ):
            if 0 < fraction * size <= 0.5:
                raise TransformError(
                    f"{fraction:g} of {size} pixels is less than half a pixel: no image would move",
                    key if key in self.model_fields_set else None,
                    f"a fraction above {0.5 / size:g}, or 0",
                )

    def _background(self) -> float:
        return self.fill

    def _numbers(self, axis: int, size: int, draw: Array) -> bool:
        import numpy as np

        maximum = (self.horizontal if axis else self.vertical) * size
        np.multiply(draw, 2 * maximum, out=draw)
        np.subtract(draw, maximum, out=draw)
        np.rint(draw, out=draw)
        return maximum > 0
