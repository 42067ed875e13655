"""What the places of a convolution's output see, row by row, without patches: an image with what is around it."""

from __future__ import annotations

from dataclasses import dataclass

FRAME = 256 * 1024
"""Bytes of a frame: some of a core's L2 cache, which the kernel is in as well."""

LARGEST = 2 * 1024 * 1024
"""Bytes of a kernel for which there are frames: it is read again for each image, and for each block of its places."""

WIDEST_STRIDE = 16
"""The largest stride for which there are frames of what flows back: each phase takes a product of its own."""


@dataclass(frozen=True)
class ConvolutionFrame:
    """Rows of an image with what is around them, of which each row of places sees some."""

    rows: int
    """Rows of places."""
    lead: int
    """Rows of the frame from what one row of places sees to what the next one sees."""
    extent: int
    """Rows of the frame that a row of places sees."""
    top: int
    """Rows above the image."""
    left: int
    """Places before it."""
    line: int
    """Numbers of a row."""
    copied: bool
    """Whether there is something around the image, so that it has to be copied, and else is read where it is."""

    def band(self, numbers: int) -> int:
        """Return for how many rows of places there is space."""
        if not self.copied:
            return self.rows
        return max(1, min(self.rows, (numbers // self.line - self.extent) // self.lead + 1))

    def numbers(self, band: int) -> int:
        """Return how many numbers the frame of so many rows of places has."""
        return ((band - 1) * self.lead + self.extent) * self.line if self.copied else 0


@dataclass(frozen=True)
class Taps:
    """Which taps of an axis send something to the places of a phase: one in as many places as the stride is."""

    chosen: slice
    """Of the kernel, from the last one to the first."""
    count: int
    first: int
    """The place of the output from which the last one sends to the first place."""
    step: int
    """Places of the output from one to the next."""


def taps_of(phase: int, kernel: int, stride: int, dilation: int, before: int) -> Taps:
    """Return the taps of a kernel that send to a phase, with so many zeros before the axis."""
    own = [tap for tap in range(kernel) if (phase + before - tap * dilation) % stride == 0]
    if not own:
        return Taps(slice(0, 0), 0, 0, 1)
    apart = own[1] - own[0] if len(own) > 1 else stride
    chosen = slice(own[-1], own[0] - 1 if own[0] else None, -apart)
    return Taps(chosen, len(own), (phase + before - own[-1] * dilation) // stride, apart * dilation // stride)
