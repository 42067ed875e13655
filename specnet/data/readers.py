"""Other processes of the machine that read parts of a file for this one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from specnet.data.opening import open_regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedReader


class ReadingTask(Protocol):
    """What another process is asked to read; it can be pickled."""

    def read(self) -> Any:
        """Return what was read, which can be pickled; raises OSError where the file is not the one that is meant."""
        ...


class Readers(Protocol):
    """Other processes that wait for tasks."""

    count: int
    """How many they are."""
    threads: int
    """On how many threads each process of the machine may read."""
    on_other_cores: bool
    """Whether they may use cores that this process may not."""

    def begin(self) -> None:
        """Have them forget tasks whose results were not taken."""
        ...

    def turn(self, tasks: Sequence[ReadingTask]) -> list[Any]:
        """Give each of them a task, as far as there are tasks, and return the results of the tasks before.

        A result is None where its task could not be done.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Which file a path leads to, so that another process can tell that it sees the same one."""

    path: str
    device: int
    inode: int
    size: int
    time: int

    @classmethod
    def of(cls, path: Path, handle: int) -> FileIdentity:
        """Return that of an open file."""
        found = os.fstat(handle)
        return cls(os.path.abspath(path), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)  # noqa: PTH100  links stay

    def open(self) -> BufferedReader:
        """Open the file; raises OSError where the path leads to another one, as in a container of its own."""
        file = open_regular(self.path)
        if self.of(Path(self.path), file.fileno()) != self:
            file.close()
            raise FileNotFoundError(f"{self.path} is another file here")
        return file
