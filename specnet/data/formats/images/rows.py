from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.formats.images.stream import ImageStream
from specnet.data.images.frame import ImageFrame
from specnet.data.images.header import ImageError
from specnet.data.rows import AnyOrder
from specnet.diagnostics import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.files import FilePlace
    from specnet.data.formats.images.folder import ImageFile
    from specnet.data.rows import Index
    from specnet.diagnostics import KeyPath

AT_ONCE = 64
"""How many images are decoded ahead of time at least where all are."""


class ImageRows(AnyOrder):
    """Rows that stay in their files, an image each, and are decoded when they are asked for."""

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        files: Sequence[ImageFile],
        frame: ImageFrame,
        collector: Collector,
        key: KeyPath,
        stream: ImageStream | None = None,
    ) -> None:
        self._files, self._frame = files, frame
        self.stream = stream or ImageStream(files, frame)
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
        for place, damage in self.stream.read(places, out):
            if place not in self._noted:
                self._noted.add(place)
                note(self._faults, self._files[place], damage, self._key)
        return out

    def apart(self, chosen: NDArray[np.intp] | None) -> ImageRows:
        """Return the same rows, of which others are expected."""
        return ImageRows(self._files, self._frame, self._faults, self._key, self.stream.apart())

    def expect(self, parts: Iterable[NDArray[np.intp]]) -> None:
        """Have the images at these places decoded ahead of time, in this order."""
        self.stream.expect(parts)

    def begin(self, *, shuffled: bool = False) -> None:
        """Do nothing: any image can be read at any time."""

    def read(self, places: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Put the images at these places into `out` (places, ...); raise RunError if one is no longer sound."""
        for place, damage in self.stream.read(places, out):
            raise RunError(
                f"`{self._files[place].name}` has changed while it was being used: it {damage}. Images that are "
                "read in batches must stay unchanged; restore it, and resume from the run's latest checkpoint"
            )


def all_in_order(files: Sequence[ImageFile], frame: ImageFrame, *, sums: bool = False) -> ImageStream:
    """Return what reads all images, which will be asked for in their order; with `sums`, it has their SHA-256 then."""
    stream = ImageStream(files, frame)
    if sums:
        stream.want_sums()
    places = np.arange(len(files))
    stream.expect(places[start : start + AT_ONCE] for start in range(0, len(files), AT_ONCE))
    return stream


def decoded(
    files: Sequence[ImageFile],
    frame: ImageFrame,
    place: FilePlace,
    stream: ImageStream | None = None,
    start: int = 0,
) -> NDArray[np.uint8]:
    """Return images (images, height, width, channels); raise SpecError naming those that are damaged.

    With a `stream`, they are its images from `start` on.
    """
    out = np.zeros((len(files), *frame.shape), np.uint8)
    stream = stream or all_in_order(files, frame)
    with place.context.collector.together() as faults:
        for number, damage in stream.read(np.arange(start, start + len(files)), out):
            note(faults, files[number - start], damage, place.key)
    return out


def note(collector: Collector, file: ImageFile, damage: ImageError, key: KeyPath) -> None:
    """Note that an image cannot be read."""
    collector.add("SN584", f"`{file.name}` {damage}", *key, help=damage.help)
