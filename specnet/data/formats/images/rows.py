from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.formats.images.frame import ImageFrame
from specnet.data.formats.images.header import ImageError
from specnet.data.rows import AnyOrder
from specnet.diagnostics import RunError
from specnet.passes.cores import allowed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.files import FilePlace
    from specnet.data.formats.images.folder import ImageFile
    from specnet.data.rows import Index
    from specnet.diagnostics import KeyPath

PARTS = 4
"""Runs of images that each thread decodes of a batch: handing over each image takes a third of decoding a small one."""

LARGE = 1 << 16
"""Pixels of an image from which threads pay: of a smaller one, most of the time is spent within the interpreter's
lock, and threads that wait for each other took twice the time of one."""


class ImageRows(AnyOrder):
    """Rows that stay in their files, an image each, and are decoded when they are asked for."""

    dtype = np.dtype(np.uint8)

    def __init__(
        self, files: Sequence[ImageFile], frame: ImageFrame, collector: Collector, key: KeyPath
    ) -> None:
        self._files, self._frame = files, frame
        self._faults, self._key, self._noted = collector, key, set[int]()

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width, channels)."""
        return self._frame.shape

    def __len__(self) -> int:
        return len(self._files)

    def take(self, rows: Index) -> NDArray[Any]:
        """Return the chosen images, in memory of their own; damaged ones are noted, each once, and come black."""
        places = np.arange(len(self))[rows]
        out = np.zeros((len(places), *self.shape), np.uint8)
        for place, damage in _decoded(self._files, self._frame, places, out):
            if place not in self._noted:
                self._noted.add(place)
                note(self._faults, self._files[place], damage, self._key)
        return out

    def begin(self, *, shuffled: bool = False) -> None:
        """Do nothing: any image can be read at any time."""

    def read(self, places: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Put the images at these places into `out` (places, ...); raise RunError if one is no longer sound."""
        for place, damage in _decoded(self._files, self._frame, places, out):
            raise RunError(
                f"`{self._files[place].name}` has changed while it was being used: it {damage}. Images that are "
                "read in batches must stay unchanged; restore it, and resume from the run's latest checkpoint"
            )


def decoded(files: Sequence[ImageFile], frame: ImageFrame, place: FilePlace) -> NDArray[np.uint8]:
    """Return all images (images, height, width, channels); raise SpecError naming those that are damaged."""
    out = np.zeros((len(files), *frame.shape), np.uint8)
    with place.context.collector.together() as faults:
        for number, damage in _decoded(files, frame, np.arange(len(files)), out):
            note(faults, files[number], damage, place.key)
    return out


def note(collector: Collector, file: ImageFile, damage: ImageError, key: KeyPath) -> None:
    """Note that an image cannot be read."""
    collector.add("SN584", f"`{file.name}` {damage}", *key, help=damage.help)


def _decoded(
    files: Sequence[ImageFile], frame: ImageFrame, places: NDArray[np.intp], out: NDArray[Any]
) -> list[tuple[int, ImageError]]:
    """Put images into `out`, and return the places of those that are damaged, each with what ails it."""
    from specnet.data.formats.images.decoding import decode

    def one(number: int) -> tuple[int, ImageError] | None:
        place = int(places[number])
        try:
            pixels = decode(files[place].path, frame)
        except ImageError as damage:
            return place, damage
        out[number] = np.frombuffer(pixels, np.uint8).reshape(frame.shape)
        return None

    def some(part: range) -> list[tuple[int, ImageError]]:
        return [damaged for number in part if (damaged := one(number)) is not None]

    workers = min(len(places), allowed())
    if workers < 2 or sum(files[place].pixels for place in places.tolist()) < LARGE * len(places):
        return some(range(len(places)))
    count = min(len(places), PARTS * workers)
    ends = [len(places) * part // count for part in range(count + 1)]
    with ThreadPoolExecutor(workers) as pool:
        return [each for found in pool.map(some, map(range, ends, ends[1:])) for each in found]
