"""What lies in a folder of images."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from specnet.data.collector import Collector
from specnet.data.files import FilePlace, is_litter
from specnet.data.images.header import ImageError, checked_header
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed


class ImageFile:
    """One image."""

    __slots__ = ("_pixels", "name", "path")

    def __init__(self, path: str, name: str) -> None:
        self.path = path
        self.name = name
        """What it is called in messages: the folder as the document names it, and the way from there."""
        self._pixels: int | None = None

    def check(self) -> None:
        """Read the header; raise ImageError if the file is no image by it."""
        self._pixels = 0
        header = checked_header(self.path)
        self._pixels = header.width * header.height

    @property
    def pixels(self) -> int:
        """How many pixels its header declares; none where the file is no image."""
        if self._pixels is None:
            with suppress(ImageError):
                self.check()
        assert self._pixels is not None
        return self._pixels


@dataclass(frozen=True, slots=True)
class Labelled:
    """The images of a folder with a folder for each class."""

    classes: tuple[str, ...]
    """The names of the classes' folders, in the order of their characters."""
    files: list[ImageFile]
    """Class by class, and by name within each."""
    labels: list[int]
    """The class of each image."""


def labelled_images(
    place: FilePlace, known: tuple[str, ...] | None = None, *, headers: bool = True
) -> Labelled:
    """Return the images of a folder of classes; raise SpecError for all that is wrong.

    With `known`, the classes are these, and a folder for each need not be there. Their headers are checked unless
    all images will be decoded anyway.
    """
    with place.context.collector.together() as collector:
        faults = _Faults(place, collector, place.quotable, headers)
        entries = _entries(_Entry.top(place), faults)
        folders = [entry for entry in entries if entry.is_folder]
        loose = [entry for entry in entries if not entry.is_folder]
        if not folders:
            message = f"`{place.name}` has no folder for each class"
            if loose and place.quotable:
                message += f"; it holds {listed([entry.own_name for entry in loose], 3)} itself"
            help = f"put the images of each class into a folder of its own: {place.name}/CLASS/IMAGE.png"
            raise place.error("SN583", message, help=help)
        for entry in loose:
            message = f"`{entry.name}` is next to the class folders, so it has no class"
            faults.add("SN583", message, "move it into a class's folder, or out of this one")
        classes = known if known is not None else tuple(folder.own_name for folder in folders)
        files: list[ImageFile] = []
        labels: list[int] = []
        for folder in folders:
            own = folder.own_name
            if own not in classes:
                near = closest(own, classes) if place.quotable else None
                of_name = f"`{clipped(own)}`" if place.quotable else "of its name"
                message = f"`{folder.name}`: the training data have no class {of_name}"
                help = f"did you mean `{clipped(near)}`?" if near else place.known("they have", classes)
                faults.add("SN514", message, help)
                continue
            found = _entries(folder, faults)
            if not found:
                which = f"the class `{clipped(own)}`" if place.quotable else "a class"
                message = f"`{folder.name}` has no images: {which} is empty"
                faults.add("SN583", message, "remove the folder, or put images into it")
            files += _sound(found, faults)
            labels += [classes.index(own)] * (len(files) - len(labels))
        if collector.found and not headers:
            # No image will be decoded, so this is the time to say what else is wrong.
            _check_headers(files, faults)
    return Labelled(classes, files, labels)


def unlabelled_images(place: FilePlace) -> list[ImageFile]:
    """Return a single image, or those in a folder and in its folders, headers checked.

    Raises SpecError for all that is wrong with them, and where there are none.
    """
    with place.context.collector.together() as collector:
        faults = _Faults(place, collector, place.quotable)
        if not place.path.is_dir():
            return _sound([_Entry.top(place)], faults)
        files: list[ImageFile] = []
        for entry in _entries(_Entry.top(place), faults):
            files += _sound(_entries(entry, faults) if entry.is_folder else [entry], faults)
        if not files and not collector.found:
            raise place.error("SN583", f"`{place.name}` has no images")
    return files


class _Entry(NamedTuple):
    """Something in a folder."""

    path: str
    name: str
    """What it is called in messages."""
    is_folder: bool

    @classmethod
    def top(cls, place: FilePlace) -> _Entry:
        """Return what the document names itself."""
        return cls(str(place.path), place.name, place.path.is_dir())

    @property
    def own_name(self) -> str:
        """Its name in its folder."""
        return Path(self.path).name


@dataclass(frozen=True, slots=True)
class _Faults:
    """The faults of a folder."""

    place: FilePlace
    collector: Collector
    quotable: bool
    """Whether names may be quoted."""
    headers: bool = True
    """Whether headers are checked."""

    def add(self, code: str, message: str, help: str | None = None) -> None:
        """Note a fault, but once where names may not be quoted, and all entries are called the same."""
        if self.quotable or all(found.message != message for found in self.collector.found):
            self.collector.add(code, message, *self.place.key, help=help)


def _entries(folder: _Entry, faults: _Faults) -> list[_Entry]:
    """Return what is in a folder, in the order of its names' characters, or note why it cannot be read."""
    try:
        with os.scandir(folder.path) as entries:
            found = sorted((e for e in entries if not is_litter(e)), key=lambda entry: entry.name)
    except OSError as error:
        faults.add("SN502", f"`{folder.name}` cannot be read: {error.strerror}")
        return []
    quotable, start = faults.quotable, (folder.name if faults.quotable else faults.place.name).rstrip("/")
    reachable = []
    for entry in found:
        path, name = entry.path, f"{start}/{entry.name if quotable else '…'}"
        if not entry.is_symlink():
            # Known from reading the folder, so that nothing more is asked of the system.
            reachable.append(_Entry(path, name, entry.is_dir()))
        elif _may_follow(Path(path), name, faults):
            reachable.append(_Entry(path, name, entry.is_dir()))
    return reachable


def _may_follow(link: Path, name: str, faults: _Faults) -> bool:
    """Return whether a link in a folder may be followed, or note why not; the folder itself has been checked."""
    place = faults.place
    refusal = place.context.access.refusal(str(link.relative_to(place.path)), place.path, name)
    if refusal is not None:
        faults.add(refusal.code, refusal.message, refusal.help)
    return refusal is None


def _sound(entries: list[_Entry], faults: _Faults) -> list[ImageFile]:
    """Return the files among the entries, and note what is wrong with them and with the others."""
    files = []
    for path, name, is_folder in entries:
        if is_folder:
            help = "images lie directly in the folder of their class"
            faults.add("SN583", f"`{name}` is a folder within a class's folder", help)
            continue
        files.append(ImageFile(path, name))
    if faults.headers:
        _check_headers(files, faults)
    return files


def _check_headers(files: list[ImageFile], faults: _Faults) -> None:
    """Note the files that are no images by their headers."""
    for file in files:
        try:
            file.check()
        except ImageError as error:
            faults.add("SN584", f"`{file.name}` {error}", error.help)
