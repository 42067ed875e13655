"""What lies in a folder of images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from specnet.data.collector import Collector
from specnet.data.files import FilePlace, is_litter
from specnet.data.formats.images.header import ImageError, checked_header
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One image."""

    path: Path
    name: str
    """What it is called in messages: the folder as the document names it, and the way from there."""
    pixels: int
    """How many pixels its header declares."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The images of a folder with a folder for each class."""

    classes: tuple[str, ...]
    """The names of the classes' folders, in the order of their characters."""
    files: list[ImageFile]
    """Class by class, and by name within each."""
    labels: list[int]
    """The class of each image."""


def labelled_images(place: FilePlace, known: tuple[str, ...] | None = None) -> Labelled:
    """Return the images of a folder of classes, their headers checked; raise SpecError for all that is wrong.

    With `known`, the classes are these, and a folder for each need not be there.
    """
    with place.context.collector.together() as collector:
        faults = _Faults(place, collector, place.quotable)
        entries = _entries(place.path, faults)
        folders = [entry for entry in entries if entry.is_dir()]
        loose = [entry for entry in entries if not entry.is_dir()]
        if not folders:
            message = f"`{place.name}` has no folder for each class"
            if loose and place.quotable:
                message += f"; it holds {listed([entry.name for entry in loose], 3)} itself"
            help = f"put the images of each class into a folder of its own: {place.name}/CLASS/IMAGE.png"
            raise place.error("SN583", message, help=help)
        for entry in loose:
            message = f"`{faults.name(entry)}` is next to the class folders, so it has no class"
            faults.add("SN583", message, "move it into a class's folder, or out of this one")
        classes = known if known is not None else tuple(folder.name for folder in folders)
        files: list[ImageFile] = []
        labels: list[int] = []
        for folder in folders:
            if folder.name not in classes:
                near = closest(folder.name, classes) if place.quotable else None
                of_name = f"`{clipped(folder.name)}`" if place.quotable else "of its name"
                message = f"`{faults.name(folder)}`: the training data have no class {of_name}"
                help = f"did you mean `{clipped(near)}`?" if near else place.known("they have", classes)
                faults.add("SN514", message, help)
                continue
            found = _entries(folder, faults)
            if not found:
                which = f"the class `{clipped(folder.name)}`" if place.quotable else "a class"
                message = f"`{faults.name(folder)}` has no images: {which} is empty"
                faults.add("SN583", message, "remove the folder, or put images into it")
            files += _sound(found, faults)
            labels += [classes.index(folder.name)] * (len(files) - len(labels))
    return Labelled(classes, files, labels)


def unlabelled_images(place: FilePlace) -> list[ImageFile]:
    """Return a single image, or those in a folder and in its folders, headers checked.

    Raises SpecError for all that is wrong with them, and where there are none.
    """
    with place.context.collector.together() as collector:
        faults = _Faults(place, collector, place.quotable)
        if not place.path.is_dir():
            return _sound([place.path], faults)
        files: list[ImageFile] = []
        for entry in _entries(place.path, faults):
            files += _sound(_entries(entry, faults) if entry.is_dir() else [entry], faults)
        if not files and not collector.found:
            raise place.error("SN583", f"`{place.name}` has no images")
    return files


@dataclass(frozen=True, slots=True)
class _Faults:
    """The faults of a folder, and what its entries are called in them."""

    place: FilePlace
    collector: Collector
    quotable: bool
    """Whether names may be quoted."""

    def add(self, code: str, message: str, help: str | None = None) -> None:
        """Note a fault, but once where names may not be quoted, and all entries are called the same."""
        if self.quotable or all(found.message != message for found in self.collector.found):
            self.collector.add(code, message, *self.place.key, help=help)

    def name(self, path: Path) -> str:
        """Return what an entry is called."""
        place = self.place
        if path == place.path:
            return place.name
        way = "/".join(path.parts[len(place.path.parts) :]) if self.quotable else "…"
        return f"{place.name.rstrip('/')}/{way}"


def _entries(folder: Path, faults: _Faults) -> list[Path]:
    """Return what is in a folder, in the order of its names' characters, or note why it cannot be read."""
    try:
        found = sorted((e for e in folder.iterdir() if not is_litter(e)), key=lambda entry: entry.name)
    except OSError as error:
        faults.add("SN502", f"`{faults.name(folder)}` cannot be read: {error.strerror}")
        return []
    return [entry for entry in found if _reachable(entry, faults)]


def _reachable(entry: Path, faults: _Faults) -> bool:
    """Return whether a link in a folder may be followed, or note why not; the folder itself has been checked."""
    if not entry.is_symlink():
        return True
    place = faults.place
    way = entry.relative_to(place.path)
    refusal = place.context.access.refusal(str(way), place.path, faults.name(entry))
    if refusal is not None:
        faults.add(refusal.code, refusal.message, refusal.help)
    return refusal is None


def _sound(paths: list[Path], faults: _Faults) -> list[ImageFile]:
    """Return the paths that are images by their headers, and note the others."""
    files = []
    for path in paths:
        name = faults.name(path)
        if path.is_dir():
            help = "images lie directly in the folder of their class"
            faults.add("SN583", f"`{name}` is a folder within a class's folder", help)
            continue
        try:
            header = checked_header(path)
        except ImageError as error:
            faults.add("SN584", f"`{name}` {error}", error.help)
            continue
        files.append(ImageFile(path, name, header.width * header.height))
    return files
