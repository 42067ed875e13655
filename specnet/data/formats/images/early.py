"""Images that are decoded by other processes while this one still looks at their headers."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.files import is_litter
from specnet.data.images.decoders import Ahead, Decoders, GoneError, decoders

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from specnet.data.images.frame import ImageFrame

EACH = 1 << 12
"""How many pixels take as long to decode as all else that an image takes."""

WORTH = 1 << 24
"""Pixels in all from which processes pay: so many take a quarter of a second on one core, and a process, which is there
in a twentieth, halves that."""

PIECE = 1 << 18
"""Bytes of pixels that a process is asked for at once, and up to 64 images."""

PIXELS = 1 << 24
"""Bytes of pixels that wait for this process at most."""

PATHS = 1 << 15
"""Bytes of paths that a process is sent: a pipe takes in twice as many before the process reads them."""


def at_once(frame: ImageFrame) -> int:
    """Return how many images a process is asked for at once."""
    return max(1, min(64, PIECE // prod(frame.shape)))


class EarlyImages:
    """The first images of a folder of classes, which are being decoded in order."""

    def __init__(self, folder: Path, ways: Sequence[str], frame: ImageFrame, processes: Decoders) -> None:
        self._folder, self._ways, self._frame, self.decoders = str(folder), ways, frame, processes
        self.asked: deque[tuple[NDArray[np.intp], Ahead]] = deque()
        """What has been asked for, in order, with the places of all of it."""
        self.count = 0
        """How many images have been asked for."""

    @classmethod
    def of(cls, folder: Path, frame: ImageFrame, *, in_order: bool) -> EarlyImages | None:
        """Start the processes that decode a folder, and have the first images decoded if all are wanted in order.

        None where there are too few images, or no processes. Nothing is said of what is wrong in the folder: that is
        found when it is looked at.
        """
        try:
            ways = list(_ways(folder))
        except OSError:
            return None
        if len(ways) * EACH < WORTH:
            return None
        processes = decoders()
        if processes is None:
            return None
        early = cls(folder, ways, frame, processes)
        try:
            if in_order:
                early._ask()
        except GoneError:
            return None
        return early

    def _ask(self) -> None:
        rows, size, text = at_once(self._frame), prod(self._frame.shape), 0
        while self.count < len(self._ways) and self.count * size < PIXELS:
            ways = self._ways[self.count : self.count + rows]
            text += sum(map(len, ways))
            if text > PATHS * self.decoders.count:
                return
            ahead = self.decoders.ask(self._frame, ways, sums=True, folder=self._folder)
            self.asked.append((np.arange(self.count, self.count + len(ways)), ahead))
            self.count += len(ways)

    def are(self, paths: Iterable[str], places: NDArray[Any]) -> bool:
        """Return whether what has been asked for are the images of a folder at these places, in this order."""
        return np.array_equal(places, np.arange(self.count)) and all(
            path == f"{self._folder}{os.sep}{way}" for path, way in zip(paths, self._ways, strict=False)
        )

    def forget(self) -> None:
        """Want none of the images any more."""
        for _, ahead in self.asked:
            ahead.wanted = False
        self.asked.clear()


def _ways(folder: Path) -> Iterator[str]:
    """Yield the way from a folder to each image in its folders, in order; links are left out."""
    for name in _names(folder, folders=True):
        for own in _names(folder / name, folders=False):
            yield f"{name}{os.sep}{own}"


def _names(folder: Path, *, folders: bool) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in entries
            if not entry.is_symlink() and entry.is_dir() is folders and not is_litter(entry)
        )
