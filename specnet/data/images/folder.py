"""What lies in a folder of images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from specnet.data.files import FilePlace
from specnet.data.images.header import SUFFIXES, ImageError, checked_header
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed

LITTER = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX"})
"""What systems leave in folders, and what is passed over there, as are names that begin with a point."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One image."""

    path: Path
    name: str
    """What it is called in messages: the folder as the document names it, and the way from there."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The images of a folder with a folder for each class."""

    classes: tuple[str, ...]
    """The names of the classes' folders, in the order of their characters."""
    files: list[ImageFile]
    """Class by class, and by name within each."""
    labels: list[int]
    """The class of each image."""


def labelled_images(place: FilePlace, known: tuple[str, ...] | None = None) -> Labelled | None:
    """Return the images of a folder of classes, their headers checked, or note all that is wrong with them.

    With `known`, the classes are these, and a folder for each need not be there.
    """
    collector, key = place.context.collector, place.key
    before = len(collector.found)
    entries = _entries(place.path, place)
    folders = [entry for entry in entries if entry.is_dir()]
    loose = [entry for entry in entries if not entry.is_dir()]
    if not folders:
        message = f"`{place.name}` has no folder for each class"
        if loose and place.quotable:
            message += f"; it holds {listed([entry.name for entry in loose], 3)} itself"
        help = f"put the images of each class into a folder of its own: {place.name}/CLASS/IMAGE.png"
        collector.add("SN583", message, *key, help=help)
        return None
    for entry in loose:
        message = f"`{_name(place, entry)}` is next to the class folders, so it has no class"
        _note(place, "SN583", message, "move it into a class's folder, or out of this one")
    classes = known if known is not None else tuple(folder.name for folder in folders)
    files: list[ImageFile] = []
    labels: list[int] = []
    for folder in folders:
        if folder.name not in classes:
            near = closest(folder.name, classes) if place.quotable else None
            of_name = f"`{clipped(folder.name)}`" if place.quotable else "of its name"
            message = f"`{_name(place, folder)}`: the training data have no class {of_name}"
            help = f"did you mean `{clipped(near)}`?" if near else place.known("they have", classes)
            _note(place, "SN514", message, help)
            continue
        found = _entries(folder, place)
        if not found:
            which = f"the class `{clipped(folder.name)}`" if place.quotable else "a class"
            message = f"`{_name(place, folder)}` has no images: {which} is empty"
            _note(place, "SN583", message, "remove the folder, or put images into it")
        files += _sound(found, place)
        labels += [classes.index(folder.name)] * (len(files) - len(labels))
    return Labelled(classes, files, labels) if len(collector.found) == before else None


def unlabelled_images(place: FilePlace) -> list[ImageFile]:
    """Return a single image, or those in a folder and in its folders, headers checked; note what is wrong."""
    collector = place.context.collector
    if not place.path.is_dir():
        return _sound([place.path], place)
    files: list[ImageFile] = []
    for entry in _entries(place.path, place):
        files += _sound(_entries(entry, place) if entry.is_dir() else [entry], place)
    if not files and not collector.found:
        collector.add("SN583", f"`{place.name}` has no images", *place.key)
    return files


def digest(folder: Path) -> str:
    """Return the SHA-256 of the list of a folder's files: a line each of its SHA-256 and its path, in order."""
    import hashlib

    from specnet.data.files import sha256

    whole = hashlib.sha256()
    for entry in sorted(_below(folder), key=lambda path: path.relative_to(folder).as_posix()):
        whole.update(f"{sha256(entry)}  {entry.relative_to(folder).as_posix()}\n".encode())
    return whole.hexdigest()


def _below(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if not _litter(entry):
            yield from _below(entry) if entry.is_dir() else [entry]


def _entries(folder: Path, place: FilePlace) -> list[Path]:
    """Return what is in a folder, in the order of its names' characters, or note why it cannot be read."""
    try:
        found = sorted((e for e in folder.iterdir() if not _litter(e)), key=lambda entry: entry.name)
    except OSError as error:
        _note(place, "SN502", f"`{_name(place, folder)}` cannot be read: {error.strerror}")
        return []
    return [entry for entry in found if _reachable(entry, place)]


def _reachable(entry: Path, place: FilePlace) -> bool:
    """Return whether a link in a folder may be followed, or note why not; the folder itself has been checked."""
    if not entry.is_symlink():
        return True
    way = entry.relative_to(place.path)
    refusal = place.context.access.refusal(str(way), place.path, _name(place, entry))
    if refusal is not None:
        _note(place, refusal.code, refusal.message, refusal.help)
    return refusal is None


def _note(place: FilePlace, code: str, message: str, help: str | None = None) -> None:
    """Note a fault, but once where names may not be quoted, and all entries are called the same."""
    collector = place.context.collector
    if place.quotable or all(found.message != message for found in collector.found):
        collector.add(code, message, *place.key, help=help)


def _litter(entry: Path) -> bool:
    return entry.name.startswith(".") or entry.name in LITTER


def _sound(paths: list[Path], place: FilePlace) -> list[ImageFile]:
    files = []
    for path in paths:
        name = _name(place, path)
        if path.is_dir():
            help = "images lie directly in the folder of their class"
            _note(place, "SN583", f"`{name}` is a folder within a class's folder", help)
            continue
        try:
            checked_header(path)
        except ImageError as error:
            _note(place, "SN584", f"`{name}` {error}", error.help)
            continue
        files.append(ImageFile(path, name))
    return files


def _name(place: FilePlace, path: Path) -> str:
    if path == place.path:
        return place.name
    way = path.relative_to(place.path).as_posix() if place.quotable else "…"
    return f"{place.name.rstrip('/')}/{way}"


__all__ = ["SUFFIXES", "ImageFile", "Labelled", "digest", "labelled_images", "unlabelled_images"]
