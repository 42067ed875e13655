from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from typing import TYPE_CHECKING

from specnet.data.files import DataContext, FilePlace, larger_than_half
from specnet.data.format import BATCHES, DataPart
from specnet.data.images.folder import Labelled, labelled_images
from specnet.data.images.header import ImageError
from specnet.data.rows import rows_at_once
from specnet.data.sample import BYTES, Cells, Sample
from specnet.data.signature import DataDescription
from specnet.installation import install_command

if TYPE_CHECKING:
    from specnet.data.formats.images import Images
    from specnet.data.images.decoding import Frame
    from specnet.data.rows import ArrayRows, StoredRows
    from specnet.diagnostics import KeyPath

SAMPLED = 16
"""How many images of a split are decoded for a sample at most."""


def pillow_is_there(context: DataContext) -> bool:
    """Return whether images can be decoded; note how, if not."""
    if find_spec("PIL") is not None:
        return True
    message = "reading images needs Pillow, which the extra `images` installs"
    context.collector.add("SN582", message, "type", help=install_command("images"))
    return False


def open_images(data_format: Images, context: DataContext) -> ImageSource | None:
    """Return the images that a format names, their headers read; None where `site` noted why not."""
    if not pillow_is_there(context):
        return None
    tables: dict[str, tuple[KeyPath, str]] = {"train": (("path",), data_format.path)}
    tables |= {name: ((name, "path"), table.path) for name, table in data_format.tables.items()}
    parts: dict[str, Labelled] = {}
    keys = {name: key for name, (key, _) in tables.items()}
    for name, (key, text) in tables.items():
        folder = context.find(text, *key, what="folder")
        if folder is not None and (name == "train" or "train" in parts):
            known = parts["train"].classes if name != "train" else None
            found = labelled_images(FilePlace(folder, text, key, context), known)
            if found is not None:
                parts[name] = found
    if len(parts) < len(tables):
        return None
    return ImageSource(parts, keys, data_format.frame, described(data_format, parts, context), context)


def described(data_format: Images, parts: Mapping[str, Labelled], context: DataContext) -> DataDescription:
    """Return the description of images."""
    train, shape = parts["train"], data_format.frame.shape
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
    if data_format.load == "batches" or (
        data_format.load == "auto" and larger_than_half(5 * size * sum(rows.values()))
    ):
        description.batches = ("inputs",)
        description.reading = rows_at_once(shape) * (9 * size + 8)
    else:
        description.help = BATCHES
    return description


@dataclass
class ImageSource:
    """The images of each split, a class to a folder."""

    parts: Mapping[str, Labelled]
    keys: Mapping[str, KeyPath]
    """Where the document names each split's folder."""
    frame: Frame
    description: DataDescription
    context: DataContext

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the images as bytes, or what decodes them when they are asked for, and their classes."""
        import numpy as np

        from specnet.data.images.rows import ImageRows, decoded
        from specnet.data.rows import ArrayRows

        found = {}
        for name, part in self.parts.items():
            given = part.files, self.frame, self.context.collector, self.keys[name]
            rows: StoredRows | ArrayRows
            rows = ImageRows(*given) if self.description.batches else ArrayRows(decoded(*given))
            found[name] = DataPart(rows, np.array(part.labels, np.int64))
        return found

    def columns(self) -> None:
        """Return None: images have no columns."""
        return

    def samples(self) -> dict[str, Sample]:
        """Return a few images of each split, evenly spread."""
        from array import array

        from specnet.data.images.decoding import decode

        samples = {}
        for name, part in self.parts.items():
            count = len(part.files)
            maximum = max(1, min(SAMPLED, BYTES // prod(self.frame.shape), count))
            values, labels = array("B"), []
            for place in range(count // (2 * maximum), count, -(-count // maximum)):
                try:
                    values.frombytes(decode(part.files[place].path, self.frame))
                except ImageError as damage:
                    message = f"`{part.files[place].name}` {damage}"
                    self.context.collector.add("SN584", message, *self.keys[name], help=damage.help)
                labels.append(float(part.labels[place]))
            inputs = (Cells("input", "number", values),)
            samples[name] = Sample(inputs, (Cells("class", "text", labels, part.classes),), table=False)
        self.context.collector.check()
        return samples
