"""Images in the order in which they are asked for, decoded ahead of time by other processes where that pays."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.files import sha256
from specnet.data.images.decoders import Ahead, Decoders, GoneError, decoders
from specnet.data.images.header import ImageError
from specnet.passes.cores import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.formats.images.folder import ImageFile
    from specnet.data.images.frame import ImageFrame

    Faults = list[tuple[int, ImageError]]
    """Damaged images, each with what ails it."""

SUM = 32
"""Bytes of a SHA-256."""

WORTH = 1 << 24
"""Pixels in all from which processes pay: so many take a quarter of a second on one core, and a process, which is there
in a twentieth, halves that."""

EACH = 1 << 12
"""How many pixels take as long to decode as all else that an image takes."""

PIECE = 1 << 18
"""Bytes of pixels that a process is asked for at once, and up to 64 images."""

PARTS = 4
"""Runs of images that each thread decodes: handing over each image takes a third of decoding a small one."""

LARGE = 1 << 16
"""Pixels of an image from which threads pay: of a smaller one, most of the time is spent within the interpreter's
lock, and threads that wait for each other took twice the time of one."""


class ImageStream:
    """The images of a folder, which are decoded here unless it is known in which order they will be asked for."""

    def __init__(
        self, files: Sequence[ImageFile], frame: ImageFrame, decoders: Decoders | None = None
    ) -> None:
        self._files, self._frame = files, frame
        self._rows = max(1, min(64, PIECE // prod(frame.shape)))
        self._decoders = decoders
        """What decodes ahead of time; it ends once nothing refers to it."""
        self._coming: Iterator[NDArray[np.intp]] = iter(())
        self._asked: deque[tuple[NDArray[np.intp], Ahead]] = deque()
        """What has been asked for and not been given out, in order, with the places of all of it."""
        self._most = 0
        """How many times processes are asked ahead of time."""
        self._sums: NDArray[np.uint8] | None = None
        """The SHA-256 of each file that has been decoded, and zeros for the others; None if nobody wants to know."""

    def apart(self) -> ImageStream:
        """Return the same images, of which others are expected."""
        return ImageStream(self._files, self._frame, self._decoders)

    def want_sums(self) -> None:
        """Compute the SHA-256 of each file when it is decoded, until all have been asked for."""
        self._sums = np.zeros((len(self._files), SUM), np.uint8)

    def sums(self, places: Iterable[int]) -> Iterator[str]:
        """Yield the SHA-256 of some files, in hexadecimal: from their decoding, if that was wanted in time."""
        known, self._sums = b"" if self._sums is None else self._sums.tobytes(), None
        for place in places:
            found = known[place * SUM : (place + 1) * SUM]
            yield found.hex() if any(found) else sha256(self._files[place].path)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out what is under way."""
        return ImageStream, (self._files, self._frame)

    def expect(self, parts: Iterable[NDArray[np.intp]]) -> None:
        """Have images decoded ahead of time, in the order of these places, if there are enough of them.

        About as many are under way as the first part has, which is the size of a batch, and no fewer than keep all
        processes busy.
        """
        self._forget()
        self._decoders = processes_for(self._files)
        if self._decoders is None:
            return
        parts = iter(parts)
        first = next(parts, np.empty(0, np.intp))
        self._most = self._decoders.count + max(self._decoders.count, -(-len(first) // self._rows))
        self._coming = _cut(chain([first], parts), self._rows)
        self._ask()

    def read(self, places: NDArray[np.intp], out: NDArray[Any]) -> Faults:
        """Put images into `out` (places, height, width, channels), which is contiguous; return those that are damaged.

        Raises RunError where a process that decodes has been killed.
        """
        faults: Faults = []
        done = 0
        while done < len(places) and self._asked:
            expected, ahead = self._asked[0]
            start = len(expected) - ahead.left
            wanted = places[done : done + ahead.left]
            stop = start + len(wanted)
            if self._decoders is None or not np.array_equal(wanted, expected[start:stop]):
                break
            try:
                found = self._decoders.receive(ahead, out[done : done + len(wanted)].data.cast("B"))
            except GoneError:
                self._forget()
                break
            faults += [
                (int(expected[n]), ImageError(why, help))
                for n, why, help in found.faults
                if start <= n < stop
            ]
            if found.sums and self._sums is not None:
                self._sums[wanted] = np.frombuffer(found.sums, np.uint8).reshape(-1, SUM)[start:stop]
            done += len(wanted)
            if not ahead.left:
                self._asked.popleft()
                self._ask()
        return faults + self._decoded(places[done:], out[done:]) if done < len(places) else faults

    def _forget(self) -> None:
        """Expect nothing any more."""
        for _, ahead in self._asked:
            ahead.wanted = False
        self._asked.clear()
        self._coming = iter(())

    def _ask(self) -> None:
        """Have more images decoded."""
        while self._decoders is not None and len(self._asked) < self._most:
            places = next(self._coming, None)
            if places is None:
                return
            sums = self._sums is not None and not self._sums[places].any(1).all()
            paths = [self._files[place].path for place in places.tolist()]
            try:
                self._asked.append((places, self._decoders.ask(self._frame, paths, sums=sums)))
            except GoneError:
                self._forget()

    def _decoded(self, places: NDArray[np.intp], out: NDArray[Any]) -> Faults:
        """Do as `read` does, in this process."""
        from specnet.data.images.decoding import decode

        files, frame, sums = self._files, self._frame, self._sums

        def one(number: int) -> tuple[int, ImageError] | None:
            place = int(places[number])
            own: list[bytes] | None = None if sums is None else []
            try:
                pixels = decode(files[place].path, frame, own)
            except ImageError as damage:
                return place, damage
            if sums is not None and own:
                sums[place] = np.frombuffer(own[0], np.uint8)
            out[number] = np.frombuffer(pixels, np.uint8).reshape(frame.shape)
            return None

        def some(part: range) -> Faults:
            return [damaged for number in part if (damaged := one(number)) is not None]

        workers = min(len(places), share())
        if workers < 2 or sum(files[place].pixels for place in places.tolist()) < LARGE * len(places):
            return some(range(len(places)))
        count = min(len(places), PARTS * workers)
        ends = [len(places) * part // count for part in range(count + 1)]
        with ThreadPoolExecutor(workers) as pool:
            return [each for found in pool.map(some, map(range, ends, ends[1:])) for each in found]


def processes_for(files: Sequence[ImageFile]) -> Decoders | None:
    """Return the processes that decode images, started if there are none; None where there are too few images."""
    least = len(files) * EACH
    # To ask for its pixels is to read a file's header.
    is_worth = least >= WORTH or least + sum(file.pixels for file in files) >= WORTH
    return decoders() if is_worth else None


def _cut(parts: Iterator[NDArray[np.intp]], rows: int) -> Iterator[NDArray[np.intp]]:
    """Yield the same places in parts of so many, copied; the last one may have fewer."""
    held: list[NDArray[np.intp]] = []
    count = 0
    for part in parts:
        held.append(part)
        count += len(part)
        if count >= rows:
            joined = np.concatenate(held)
            for start in range(0, count - count % rows, rows):
                yield joined[start : start + rows]
            held, count = [joined[count - count % rows :]], count % rows
    if count:
        yield np.concatenate(held)
