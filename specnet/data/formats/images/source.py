from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from specnet.data.files import DataContext, FilePlace, larger_than_half, list_digest
from specnet.data.format import BATCHES, Load
from specnet.data.formats.images.folder import Labelled, labelled_images
from specnet.data.formats.images.rows import ImageRows, all_in_order, decoded
from specnet.data.formats.images.stream import ImageStream, processes_for
from specnet.data.rows import ArrayRows, rows_at_once
from specnet.data.sample import BYTES, Cells, Sample
from specnet.data.signature import DataDescription
from specnet.data.source import DataPart, DataSource
from specnet.diagnostics import SpecError
from specnet.installation import install_command

if TYPE_CHECKING:
    from pathlib import Path

    from specnet.data.images.decoders import Decoders
    from specnet.data.images.frame import ImageFrame
    from specnet.data.rows import StoredRows

SAMPLED = 16
"""How many images of a split are decoded for a sample at most."""


def check_pillow(context: DataContext) -> None:
    """Raise SpecError where images cannot be decoded, saying what to install."""
    if find_spec("PIL") is None:
        message = "reading images needs Pillow, which the extra `images` installs"
        raise context.collector.error("SN582", message, "type", help=install_command("images"))


def open_images(
    folders: Mapping[str, str], frame: ImageFrame, load: Load, context: DataContext
) -> ImageSource:
    """Return the images in the folders of a document, by split, their headers checked unless all will be decoded."""
    check_pillow(context)
    parts: dict[str, Labelled] = {}
    places: dict[str, FilePlace] = {}
    with context.collector.together() as faults:
        for name, text in folders.items():
            key = ("path",) if name == "train" else (name, "path")
            with faults.catch():
                folder = context.find(text, *key, what="folder")
                places[name] = FilePlace(folder, text, key, context)
                if name == "train" or "train" in parts:
                    known = parts["train"].classes if name != "train" else None
                    parts[name] = labelled_images(places[name], known, headers=not context.will_read)
    source = ImageSource(parts, places, frame, described(parts, frame, load, context), context)
    if context.will_read:
        source.processes = processes_for(parts["train"].files)
    return source


def described(
    parts: Mapping[str, Labelled], frame: ImageFrame, load: Load, context: DataContext
) -> DataDescription:
    """Return the description of images."""
    train, shape = parts["train"], frame.shape
    counts = Counter(train.labels)
    size = prod(shape)
    rows = {name: len(part.files) for name, part in parts.items()}
    description = DataDescription(
        inputs=shape,
        target=(),
        rows=rows,
        target_kind="class",
        class_count=len(train.classes),
        classes=train.classes,
        per_class=[counts[i] for i in range(len(train.classes))],
        quotable=context.quotable,
    )
    # As bytes, and as float32 beside them.
    if load == "batches" or (load == "auto" and larger_than_half(5 * size * sum(rows.values()))):
        description.batches = ("inputs",)
        description.reading = rows_at_once(shape) * (9 * size + 8)
    else:
        description.help = BATCHES
        description.loading = size * sum(rows.values())
    return description


@dataclass
class ImageSource(DataSource):
    """The images of each split, a class to a folder."""

    parts: Mapping[str, Labelled]
    places: Mapping[str, FilePlace]
    """Each split's folder."""
    frame: ImageFrame
    description: DataDescription
    context: DataContext
    processes: Decoders | None = None
    """What will decode the images, started so that it is there by then."""
    _streams: dict[Path, ImageStream] = field(default_factory=dict)
    """What has read each folder."""

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the images as bytes, or what decodes them when they are asked for, and their classes."""
        found = {}
        with self.context.collector.together() as faults:
            for name, part in self.parts.items():
                place = self.places[name]
                rows: StoredRows | ArrayRows
                with faults.catch():
                    if self.description.batches:
                        rows = ImageRows(part.files, self.frame, self.context.collector, place.key)
                        stream = rows.stream
                        stream.want_sums()
                    else:
                        stream = all_in_order(part.files, self.frame, sums=True)
                        rows = ArrayRows(decoded(part.files, self.frame, place, stream))
                    self._streams[place.path] = stream
                    found[name] = DataPart(rows, np.array(part.labels, np.int64))
        return found

    def digests(self) -> dict[Path, str]:
        """Return the SHA-256 of the list of each folder's files, whose own come from their decoding."""
        found = {}
        for name, part in self.parts.items():
            folder = self.places[name].path
            if folder in self._streams:
                ways = ["/".join(file.path.rsplit(os.sep, 2)[-2:]) for file in part.files]
                order = sorted(range(len(ways)), key=ways.__getitem__)
                sums = self._streams.pop(folder).sums(order)
                found[folder] = list_digest(zip((ways[place] for place in order), sums, strict=True))
        return found

    def decoded(self) -> int:
        """Return how many numbers the images hold in the sizes of their files."""
        return sum(3 * file.pixels for part in self.parts.values() for file in part.files)

    def samples(self) -> dict[str, Sample]:
        """Return a few images of each split, evenly spread.

        Where all images will be read, which names the damaged ones together, a split has no sample if one of its few
        is damaged.
        """
        samples = {}
        with self.context.collector.together() as faults:
            for name, part in self.parts.items():
                count = len(part.files)
                maximum = max(1, min(SAMPLED, BYTES // prod(self.frame.shape), count))
                chosen = range(count // (2 * maximum), count, -(-count // maximum))
                labels = np.array([part.labels[i] for i in chosen], np.int64)
                with suppress(SpecError) if self.context.will_read else faults.catch():
                    pixels = decoded([part.files[i] for i in chosen], self.frame, self.places[name])
                    inputs = (Cells("input", "number", pixels.reshape(-1)),)
                    samples[name] = Sample(
                        inputs, (Cells("class", "text", labels, part.classes),), table=False
                    )
        return samples
