from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.data.files import DataContext, FilePlace, Wanted
from specnet.data.format import DataFormat, FilePath, Load
from specnet.data.new_rows import ELEMENTS, LabelledRows, RowBlock
from specnet.data.rows import ArrayRows
from specnet.vocabulary.kind import Table, Words, fault, table_check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specnet.data.formats.images.folder import ImageFile
    from specnet.data.formats.images.source import ImageSource
    from specnet.data.images.frame import ImageFrame
    from specnet.data.new_rows import KnownRows, RowFile


class ImageFolder(Table):
    """A separate folder of images, of the same layout as the training folder."""

    path: FilePath = Field(examples=["test-pictures"])
    """The folder, with a subfolder for each class; not every class needs one."""


class Images(DataFormat):
    """Images in a folder for each class, PNG or JPEG: `path/cat/1.png`, `path/dog/2.jpg`.

    The names of the folders are the classes, sorted by code point. Each image becomes an input
    (height, width, channels) with numbers from 0 to 255; a `scale` transform with factor
    0.00392156862745098, which is 1 / 255, maps them to 0 to 1.

    An image is rotated upright according to its EXIF orientation. Of 16 bits per channel the upper 8 are used.
    Palettes are resolved; transparent areas show the `background`. Colour becomes grey as 0.299 R + 0.587 G +
    0.114 B, and grey becomes colour by being repeated. Images of another size are resampled by Pillow, bilinear with
    antialiasing. Names that begin with a dot, and files that operating systems leave in folders
    (Thumbs.db, desktop.ini, __MACOSX), are skipped; anything else that is not an image is an error.

    Pillow comes with the extra `images`.
    """

    type: Literal["images"] = "images"
    path: FilePath = Field(examples=["pictures"])
    """The folder that contains a folder for each class; relative to the document, then to $SPECNET_DATA."""
    size: tuple[PositiveInt, PositiveInt] = Field(examples=[(32, 32)])
    """The `[height, width]` of every input."""
    # Python takes true for the literal 1, and so would a Literal.
    channels: Annotated[int, Field(json_schema_extra={"enum": [1, 3]}), Words("1 or 3")] = 3
    """The channels of every input: 3 for red, green and blue, 1 for grey."""
    resize: Literal["stretch", "crop", "pad"] = "stretch"
    """How an image of another size is fitted: `stretch` changes its proportions; `crop` keeps them and cuts off
    the excess on both sides equally; `pad` keeps them and fills both sides equally with `background`."""
    background: Annotated[int, Field(ge=0, le=255)] = 0
    """The grey, from 0 (black) to 255 (white), of transparent areas and of padding by `pad`."""
    target: Literal["inputs"] | None = None
    """`inputs` to predict the transformed images themselves; by default the classes."""
    load: Load = "auto"
    """Whether all images are decoded before the training (`whole`), or batch by batch (`batches`), for folders of
    any size; the result is the same, bit for bit. `auto` is `whole` if the pixels take up to half of the machine's
    memory."""
    validation: ImageFolder | None = None
    """A folder of the images to validate on during training."""
    test: ImageFolder | None = None
    """A folder of the images to test the finished model on."""

    reads: ClassVar[Wanted] = "folder"
    suffixes: ClassVar[tuple[str, ...] | None] = None

    @table_check()
    def _grey_or_colour(self) -> Iterator[PydanticCustomError]:
        if self.channels not in (1, 3):
            message = f"`channels` is 1 (grey) or 3 (colour), not {self.channels}"
            yield fault(message, key="channels")

    @property
    def frame(self) -> ImageFrame:
        """The form that every image is converted to."""
        from specnet.data.images.frame import ImageFrame

        return ImageFrame(*self.size, self.channels, self.resize, self.background)

    def open(self, context: DataContext) -> ImageSource:
        """Return the images, their headers checked unless all will be decoded."""
        from specnet.data.formats.images.source import open_images

        folders = {"train": self.path, **{name: table.path for name, table in self.tables.items()}}
        return open_images(folders, self.frame, self.load, context)

    def read_array(self, place: FilePlace) -> NDArray[Any]:
        """Return the pixels of a single image, or of those in a folder and in its folders, by name."""
        from specnet.data.formats.images.rows import decoded

        return decoded(_files(place), self.frame, place)

    def new_rows(self, file: RowFile, path: Path) -> Iterator[RowBlock]:
        """Yield the images that `read_array` returns in blocks, each with the name of its file."""
        from specnet.data.formats.images.rows import all_in_order, decoded

        frame, files = self.frame, file.read(_files, path)
        stream = all_in_order(files, frame)
        step = max(1, ELEMENTS // prod(frame.shape))
        for start in range(0, len(files), step):
            part = files[start : start + step]

            def pixels_of(
                place: FilePlace, part: list[ImageFile] = part, start: int = start
            ) -> NDArray[np.uint8]:
                return decoded(part, frame, place, stream, start)

            pixels = file.read(pixels_of, path)
            names = [each.name for each in part]
            yield RowBlock(pixels, names, names)

    def labelled_rows(self, known: KnownRows, place: FilePlace) -> LabelledRows | None:
        """Return the images in a folder for each class, or any images where the targets are the inputs."""
        if place.path.suffix.lower() == ".npz":
            return None
        import numpy as np

        from specnet.data.formats.images.folder import labelled_images
        from specnet.data.formats.images.rows import decoded
        from specnet.data.formats.images.source import check_pillow

        if self.reproduces:
            return LabelledRows(ArrayRows(self.read_array(place)), None)
        check_pillow(place.context)
        if not place.path.is_dir():
            message = f"`{place.name}` is a single image without a class"
            raise place.error("SN583", message, help="name a folder that holds a folder for each class")
        found = labelled_images(place, known.classes)
        pixels = decoded(found.files, self.frame, place)
        return LabelledRows(ArrayRows(pixels), np.array(found.labels, np.int64))


def _files(place: FilePlace) -> list[ImageFile]:
    from specnet.data.formats.images.folder import unlabelled_images
    from specnet.data.formats.images.source import check_pillow

    check_pillow(place.context)
    return unlabelled_images(place)
