from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from specnet.data.transform import Shape, TransformError
from specnet.vocabulary.kind import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

# Operands are spread to one shape by `copyto` before they meet in these packages: a ufunc that has to spread one
# itself allocates buffers for it, at every call, and is no faster.

PIXELS = 1 << 14
"""About how many pixels are worked on at once: what is held for them stays in a core's cache."""


@dataclass(frozen=True, slots=True)
class Work:
    """One batch's memory, in which an augmentation changes the rows at every step."""

    inputs: Array
    """(rows, ...), as the network sees them."""
    targets: Array
    """(rows, ...), as the loss takes them."""
    draw: np.random.Generator
    scratch: Mapping[str, Array]
    """The arrays that `scratch` asked for."""
    masks: Array | None = None
    """The targets as (rows, height, width, channels) where they are masks, which move with their images."""
    outside: float = 0.0
    """What a mask holds where its image has no pixel."""

    @property
    def images(self) -> Array:
        """The inputs as (rows, height, width, channels)."""
        return self.inputs.reshape(len(self.inputs), *image_shape(self.inputs.shape[1:]))


@dataclass(frozen=True, slots=True)
class Sizes:
    """What determines how much memory an augmentation needs besides a batch."""

    rows: int
    inputs: Shape
    """The shape of one input as the network sees it."""
    targets: Shape
    """The shape of one target as the loss takes it."""
    dtype: str
    masks: str | None = None
    """The dtype of targets that are masks, (height, width, ...), which move with their images; None of others."""


ScratchShapes = dict[str, tuple[Shape, str]]
"""Arrays by name, each with its shape and dtype; augmentations of one training share what has one name."""


class Augmentation(Kind):
    """A random change of each training batch, to show the network more variation than the data contain.

    It acts on the inputs as the network sees them, after all transforms, and only on the training split during
    training. Losses and metrics are measured on unchanged rows, those of the training split at the end included. Each
    augmentation has its own stream of random numbers, named `augment/flip_1` after its type and its index among its
    type.
    """

    mixes: ClassVar[bool] = False
    """Whether targets become means of several rows' targets."""
    moves: ClassVar[bool] = False
    """Whether pixels change their places, so that masks have to move with them."""
    by_row: ClassVar[bool] = False
    """Whether each row is changed by itself, by one number of each `draw.random(out=...)` for all rows: then a process
    that has some rows of a batch can pass over the numbers of the others."""

    @abstractmethod
    def check(self, shape: Shape) -> None:
        """Raise TransformError where it cannot be applied to inputs of this shape."""

    @abstractmethod
    def scratch(self, sizes: Sizes) -> ScratchShapes:
        """Return what it needs beside a batch."""

    @abstractmethod
    def bind(self, work: Work) -> Callable[[], None]:
        """Return what changes the rows that lie in a batch's memory, and allocates nothing."""


class ImageAugmentation(Augmentation):
    """Base of augmentations of images: inputs (height, width, channels), or (height, width) for grey images."""

    def check(self, shape: Shape) -> None:
        """Raise TransformError where inputs are no images."""
        if len(shape) not in (2, 3):
            raise TransformError(
                f"{self.type} takes images, (height, width) or (height, width, channels); "
                f"the inputs have shape {list(shape)}",
                help="a `reshape` transform before the network makes images of rows of pixels",
            )


def image_shape(shape: Shape) -> tuple[int, int, int]:
    """Return (height, width, channels) of an input that is an image."""
    return shape[0], shape[1], shape[2] if len(shape) == 3 else 1


def images_at_once(shape: Shape) -> int:
    """Return how many images of a shape make about PIXELS pixels."""
    return max(1, PIXELS // (shape[0] * shape[1]))


def scratch_bytes(scratch: ScratchShapes) -> dict[str, int]:
    """Return the size of each array in bytes."""
    return {name: prod(shape) * ITEMS[dtype] for name, (shape, dtype) in scratch.items()}


ITEMS = {"bool": 1, "intp": 8, "int64": 8, "float32": 4, "float64": 8}
"""The size of an element in bytes."""
