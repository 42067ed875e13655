"""The files of a document's data, found and packed, for machines that do not see them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from specnet.data.environment import variables_in
from specnet.diagnostics import RunError
from specnet.diagnostics.text import sized
from specnet.language.composing import file_paths
from specnet.language.spec import Spec as SpecClass

if TYPE_CHECKING:
    from specnet.language.spec import Spec

MOST = 2**31
"""How many bytes are sent; more belong where all machines see them."""

LEVELS = "1/2/3/4/5/6/7/8"
"""The folder that stands for the document's on another machine: paths may lead some levels up from it."""


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file or a folder that a document names."""

    text: str
    """The path as the document has it."""
    path: Path
    """Where it is on this machine, absolute."""
    is_beside: bool
    """Whether it is found from the document's folder; otherwise in `SPECNET_DATA` or the current folder."""


@dataclass(frozen=True, slots=True)
class Content:
    """Files by the key of the document that names them: the path there, and what is at and below it."""

    files: Mapping[str, tuple[str, Mapping[str, bytes]]]

    @property
    def size(self) -> int:
        """All their bytes."""
        return sum(len(content) for _, own in self.files.values() for content in own.values())

    def write(self, root: Path) -> tuple[Path, dict[str, str]]:
        """Write the files below a folder; return the one that stands for the document's, and paths to be replaced."""
        folder = root / LEVELS
        folder.mkdir(parents=True)
        replaced = {}
        for number, (key, (text, files)) in enumerate(self.files.items()):
            place = Path(os.path.normpath(folder / text))
            if Path(text).is_absolute() or not place.is_relative_to(root):
                place = root / str(number) / Path(text).name
                replaced[key] = str(place)
            for name, content in files.items():
                path = place / name if name else place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        return folder, replaced


def named_files(spec: Spec) -> dict[str, NamedFile]:
    """Return the files and folders that a document names and this machine has, by their keys."""
    found = {}
    data = spec.model_dump(mode="json", include={"data", "training"})
    elsewhere = [Path(folder) for folder in (os.environ.get("SPECNET_DATA"), Path.cwd()) if folder]
    for place, table, key in file_paths(data, SpecClass):
        text = table[key]
        if any(variables_in(text)):
            continue
        for folder in (spec.folder, *elsewhere):
            if (folder / text).exists():
                name = ".".join(map(str, place))
                found[name] = NamedFile(text, (folder / text).absolute(), folder is spec.folder)
                break
    return found


def packed(files: Mapping[str, NamedFile]) -> Content:
    """Return the content of files and folders; raises RunError where that is more than should be sent."""
    found: dict[str, tuple[str, dict[str, bytes]]] = {}
    size = 0
    for key, each in files.items():
        root = each.path
        every = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
        size += sum(path.stat().st_size for path in every)
        if size > MOST:
            raise RunError(
                f"the data are larger than {sized(MOST)}, which is too much to send to workers: put them where all "
                "machines see them under the same path"
            )
        names = {path: "" if path == root else path.relative_to(root).as_posix() for path in every}
        found[key] = (each.text, {name: path.read_bytes() for path, name in names.items()})
    return Content(found)
