from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from specnet.data.access import UNQUOTED, Access
from specnet.data.collector import Collector
from specnet.data.environment import UnsetError, expanded, variables_in
from specnet.data.opening import open_unbuffered
from specnet.data.passed import PassedRows
from specnet.diagnostics import KeyPath, RunError, SpecError
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, escape_help, listed

if TYPE_CHECKING:
    from threading import Event

    from specnet.data.readers import Readers

VARIABLE = "SPECNET_DATA"
"""The environment variable that names the second folder in which data files are looked for."""

LITTER = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX"})
"""What operating systems leave in folders."""

PIECE = 1 << 18
"""Bytes of a file that are read at once."""

Wanted = Literal["file", "folder", "either"]
"""What a path may lead to."""


@dataclass
class DataContext:
    """Where a format stands: the folder of its document, and where its findings go."""

    base: Path
    collector: Collector
    files: dict[str, Path] = field(default_factory=dict)
    """The files that were found, by the text that named them."""
    frames: Mapping[str, Any] = field(default_factory=dict)
    """Frames in memory that take the place of files, by the split whose rows they are."""
    arrays: Mapping[str, PassedRows] = field(default_factory=dict)
    """Arrays in memory that take the place of files, by the split whose rows they are."""
    digests: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of what was read of each."""
    access: Access = field(default_factory=Access)
    """What may be opened and quoted; all of it, unless a document names the files."""
    readers: Readers | None = None
    """Other processes that read parts of files for this one."""
    will_read: bool = False
    """Whether all rows are read once they have been described."""
    meanwhile: Iterator[object] | None = None
    """What this thread does, a piece at a time, while other threads read."""

    def find(self, text: str, *key: str | int, what: Wanted = "file") -> Path:
        """Return the regular file, or with `what` the folder, that a document's path names.

        A relative path is looked for in the folder of the document, then in `$SPECNET_DATA`. The environment variables
        that it names are replaced, and no finding holds their values. Raises SpecError where there is no such file, or
        it may not be read.
        """
        try:
            way = expanded(text)
        except UnsetError as error:
            help = f"set it for the command: {error.name}=... specnet ..." if error.is_allowed else None
            raise self.collector.error("SN577", error.message, *key, help=help) from None
        looked: list[Path] = []
        for folder in self._folders(way):
            refusal = self.access.refusal(way, folder, text)
            if refusal is not None:
                if looked and refusal.code == "SN575":
                    absent = f"`{text}` is not in {looked[0].absolute()}, and ${VARIABLE}"
                    refusal = refusal._replace(message=refusal.message.replace(f"`{text}`", absent, 1))
                raise self.collector.error(refusal.code, refusal.message, *key, help=refusal.help)
            path = folder / way
            try:
                mode = path.stat().st_mode
            except PermissionError as error:
                message = f"`{text}` cannot be read: {error.strerror}"
                raise self.collector.error("SN502", message, *key) from None
            except (OSError, ValueError):
                looked.append(folder)
                continue
            return self._accept(text, path, mode, key, what)
        message = self._absent(text, way, looked, "folder" if what == "folder" else "file")
        raise self.collector.error("SN501", message, *key, help=self._help(text, way, looked))

    @property
    def quotable(self) -> bool:
        """Whether what was found in the files so far, such as names of columns and cells, may be quoted."""
        return all(map(self.access.quotes, self.files.values()))

    def _accept(self, text: str, path: Path, mode: int, key: KeyPath, what: Wanted) -> Path:
        folder = stat.S_ISDIR(mode)
        if what == "folder" and not folder:
            problem = "is a file, not a folder"
        elif what == "file" and folder:
            problem = "is a folder, not a file"
        elif not folder and not stat.S_ISREG(mode):
            problem = "is not a regular file"
        elif not os.access(path, os.R_OK | os.X_OK if folder else os.R_OK):
            problem = "cannot be read: permission denied"
        else:
            self.files[text] = path
            return path
        help = None if any(variables_in(text)) else f"it is {path}"
        raise self.collector.error("SN502", f"`{text}` {problem}", *key, help=help)

    def _folders(self, text: str) -> list[Path]:
        if Path(text).is_absolute():
            return [Path("/")]
        second = os.environ.get(VARIABLE)
        return [self.base, Path(second)] if second else [self.base]

    def _absent(self, text: str, way: str, looked: list[Path], what: str) -> str:
        if Path(way).is_absolute():
            return f"there is no {what} `{text}`"
        places = " and in ".join(str(folder.absolute()) for folder in looked)
        return f"there is no {what} `{text}`: looked in {places}"

    def _help(self, text: str, way: str, looked: list[Path]) -> str | None:
        if any(variables_in(Path(text).name)):  # of which a similar name would say something
            return None
        escapes = escape_help(text)
        if escapes is not None:
            return escapes
        for folder in looked:
            path = folder / way
            if not self.access.quotes(path.parent):
                continue
            try:
                names = [entry.name for entry in path.parent.iterdir()]
            except (OSError, ValueError):
                continue
            near = closest(path.name, names)
            if near is not None:
                return f"did you mean `{Path(text).parent / clipped(near)}`?"
        if Path(way).is_absolute() or len(looked) > 1:
            return None
        return f"a relative path starts from the document's folder; set {VARIABLE} to name a second one"


class FilePlace(NamedTuple):
    """A file as a diagnostic speaks of it."""

    path: Path
    name: str
    key: KeyPath
    """Where the document names it, within the format."""
    context: DataContext

    @property
    def quotable(self) -> bool:
        """Whether what is in it may be quoted: names of columns and of arrays, cells, categories."""
        return self.context.quotable

    def column(self, place: int, name: str) -> str:
        """Return what a sentence calls a column: its name, or its place where names may not be quoted."""
        return f"column `{clipped(name)}`" if self.quotable else f"column {place} (from 0)"

    def reference(self, place: int, name: str) -> str:
        """Return how a document can name a column."""
        return f'"{clipped(name)}"' if self.quotable else str(place)

    def error(self, code: str, message: str, *, help: str | None = None) -> SpecError:
        """Return what to raise for a fault of the file."""
        return self.context.collector.error(code, message, *self.key, help=help)

    def known(self, lead: str, names: Sequence[str]) -> str:
        """Return a lead and the names that are there, as help; without them, where they may not be quoted."""
        return f"{lead} {listed(names)}" if self.quotable else UNQUOTED


@dataclass(frozen=True, slots=True)
class FileFingerprint:
    """What shows that a file has been written to: its size, and its time."""

    path: Path
    name: str
    size: int
    time: int

    @classmethod
    def of(cls, path: Path, name: str) -> FileFingerprint:
        """Return the stamp that a file has now."""
        found = path.stat()
        return cls(path, name, found.st_size, found.st_mtime_ns)

    def check(self) -> None:
        """Raise RunError if the file is missing, or has been written to since."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise self.changed(f"it can no longer be read ({error.strerror})") from error
        if (found.st_size, found.st_mtime_ns) != (self.size, self.time):
            raise self.changed("it has been written to")

    def changed(self, how: str) -> RunError:
        """Return what to raise where a file is no longer what it was."""
        return RunError(
            f"`{self.name}` has changed while it was being used: {how}. Rows that are read in batches need "
            "their file to stay unchanged; restore it, and resume from the run's latest checkpoint"
        )


def is_litter(entry: Path | os.DirEntry[str]) -> bool:
    """Return whether an entry of a folder is hidden, or left there by an operating system, and so is no data."""
    return entry.name.startswith(".") or entry.name in LITTER


def sha256(path: str | Path, stopped: Event | None = None) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal; of those that were read if it is `stopped` meanwhile.

    Of a folder, it is that of the list of its files: a line each of its SHA-256 and its path, in order.
    """
    import hashlib

    if os.path.isdir(path):  # noqa: PTH112  paths of a folder's files are strings
        return list_digest((way, sha256(entry)) for way, entry in sorted(_below(path)))
    whole = hashlib.sha256()
    with open_unbuffered(path) as file:
        size = min(PIECE, os.fstat(file.fileno()).st_size + 1)
        while (piece := file.read(size)) and not (stopped and stopped.is_set()):
            whole.update(piece)
    return whole.hexdigest()


def list_digest(files: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 of the list of a folder's files: the way to each from there, in order, and its SHA-256."""
    import hashlib

    whole = hashlib.sha256()
    for way, found in files:
        whole.update(f"{found}  {way}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def _below(folder: str | Path, way: str = "") -> Iterator[tuple[str, str]]:
    """Yield the way from a folder to each file in it and in its folders, and the file's path."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_litter(entry):
                continue
            if entry.is_dir():
                yield from _below(entry.path, f"{way}{entry.name}/")
            else:
                yield f"{way}{entry.name}", entry.path


def larger_than_half(size: int) -> bool:
    """Return whether so many bytes are more than half of the machine's memory."""
    there = memory()
    return there is not None and size > there // 2


def memory() -> int | None:
    """Return the machine's memory in bytes, where the system reports it."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
