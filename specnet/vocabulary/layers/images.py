"""What layers share that slide windows over sequences and images."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import PositiveInt

from specnet.graph import ops
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import at, show
from specnet.vocabulary.kind import Words

Length = Annotated[PositiveInt | tuple[PositiveInt], Words("a whole number above 0, or an array of one")]
Lengths = Annotated[
    PositiveInt | tuple[PositiveInt, PositiveInt],
    Words("a whole number above 0, or an array of two: height and width"),
]
Padding = Literal["valid", "same"]
Pair = tuple[int, int]
"""Height and width, or before and behind."""

T = TypeVar("T")


def pair(value: int | tuple[int, ...]) -> Pair:
    """Return height and width of a field; one number is both, and a length goes along the width."""
    if isinstance(value, int):
        return value, value
    return (value[0], value[1]) if len(value) == 2 else (1, value[0])


def along(value: int | tuple[int, ...]) -> Pair:
    """Return a field of a layer of sequences as height and width: sequences are images of one row."""
    return (1, value) if isinstance(value, int) else (1, value[0])


def images(kind: str, x: Value) -> Value:
    """Return an input (batch, height, width, channels); raise ShapeFault for any other."""
    if x.rank != 4:
        _refuse(kind, "images, (batch, height, width, channels)", x, 3)
    return x


def rows(kind: str, x: Value) -> Value:
    """Return an input (batch, steps, channels) as images of one row; raise ShapeFault for any other."""
    if x.rank != 3:
        _refuse(kind, "sequences, (batch, steps, channels)", x, 2)
    return ops.reshape(x, shape=(x.shape[0], 1, *x.shape[1:]))


def sequences(x: Value) -> Value:
    """Return images of one row as sequences (batch, steps, channels)."""
    return ops.reshape(x, shape=(x.shape[0], *x.shape[2:]))


def _refuse(kind: str, wanted: str, x: Value, rank: int) -> None:
    shape = at(x.shape[1:], 1)
    help_ = None
    if len(shape) == rank - 1:
        help_ = f"a `reshape` transform, or layer, to {[*shape, 1]} gives one channel"
    raise ShapeFault(f"{kind} needs {wanted}, got {show(x.shape)}", x, help=help_)


def padded(padding: str, size: Pair, kernel: Pair, strides: Pair, dilation: Pair) -> tuple[Pair, Pair]:
    """Return the zeros before and behind each axis for `padding`; "causal" lets no step see what comes after it."""
    if padding == "causal":
        return (0, 0), ((kernel[1] - 1) * dilation[1], 0)
    if padding == "valid":
        return (0, 0), (0, 0)
    down, right = (ops.same_padding(*axis) for axis in zip(size, kernel, strides, dilation, strict=True))
    return down, right


def around(
    padding: str, x: Value, kernel: Pair, strides: Pair, dilation: Pair, *, steps: bool = False
) -> tuple[Pair, Pair]:
    """Return the zeros before and behind each axis of images; raise ShapeFault where no window fits.

    `steps` says that the images are sequences, and are to be spoken of as such.
    """
    size = size_of(x)
    zeros = padded(padding, size, kernel, strides, dilation)
    down, right = ((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    if down > size[0] + sum(zeros[0]) or right > size[1] + sum(zeros[1]):
        reach = extent((down, right), steps=steps)
        spread = f", dilated to {reach}," if (down, right) != kernel else ""
        raise ShapeFault(
            f"a kernel of {extent(kernel, steps=steps)}{spread} is larger than the inputs of "
            f"{extent(size, steps=steps)}",
            x,
            help='a smaller kernel_size, or padding = "same"',
        )
    return zeros


def extent(size: Pair, *, steps: bool) -> str:
    """Write height and width, or the length of a sequence, as a reader sees it."""
    return f"{size[1]} steps" if steps else f"{size[0]} x {size[1]}"


def places(x: Value) -> tuple[int, ...]:
    """Return the sizes of all axes but those of batch and channels."""
    return at(x.shape[1:-1], 1)


def size_of(x: Value) -> Pair:
    """Return height and width of images."""
    _, height, width, _ = x.shape
    assert isinstance(height, int)
    assert isinstance(width, int)
    return height, width
