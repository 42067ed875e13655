"""A folder that paths may not lead out of, found out without touching anything outside of it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import StrPath

MAXIMUM_LINKS = 40
"""Links on the way to one file, as Linux counts them."""

PARENT = os.pardir


@dataclass(frozen=True, slots=True)
class Confine:
    """A folder to which all paths of a check are confined."""

    name: str
    """The folder as the user named it."""
    roots: tuple[tuple[str, ...], ...]
    """The parts of its path: first with all links resolved, then as it was named."""

    @classmethod
    def to(cls, folder: StrPath) -> Confine:
        """Return the confinement to a folder; raises ValueError where there is none of that name."""
        name = os.fspath(folder)
        if not os.path.isdir(name):
            raise ValueError(f"there is no folder {name!r} to confine a check to")
        real = os.path.realpath(name)
        return cls(name, (_parts(real), _parts(os.path.abspath(name))))

    def holds(self, folder: StrPath, text: StrPath = "") -> bool:
        """Return whether a path that a document names leads to a place within the folder.

        `text` starts from `folder`, which is the user's own choice and not a secret. Every step of the way is
        followed as the system would follow it, but the first that leads out ends it: nothing outside is looked
        at, so that the answer does not reveal what is there.
        """
        try:
            base = _parts(os.path.realpath(folder))
            if not self._within(base):
                return False
            return self._follow(base, os.fspath(text))
        except (OSError, ValueError):  # a name that no file can have
            return False

    @property
    def _root(self) -> tuple[str, ...]:
        return self.roots[0]

    def _within(self, parts: Sequence[str]) -> bool:
        return _begins(parts, self._root)

    def _absolute(self, parts: Sequence[str]) -> list[str] | None:
        """Return the steps from the folder of an absolute path that begins with its path; None for any other."""
        return next((list(parts[len(root) :]) for root in self.roots if _begins(parts, root)), None)

    def _follow(self, base: Sequence[str], text: str) -> bool:
        here, links = list(base), 0
        steps = self._steps(here, text)
        if steps is None:
            return False
        while steps:
            step = steps.pop(0)
            if step == PARENT:
                if len(here) <= len(self._root):
                    return False
                here.pop()
                continue
            here.append(step)
            target = _target(os.path.join(*here))
            if target is None:
                continue
            links += 1
            here.pop()
            more = self._steps(here, target) if links <= MAXIMUM_LINKS else None
            if more is None:
                return False
            steps = more + steps
        return True

    def _steps(self, here: list[str], text: str) -> list[str] | None:
        """Return the steps of a path; begin at the folder where it is absolute, and return None if it leads out."""
        parts = _parts(text)
        drive, tail = os.path.splitdrive(text)
        if not drive and not tail.startswith((os.sep, os.altsep or os.sep)):
            return list(parts)
        steps = self._absolute(parts)
        if steps is not None:
            here[:] = self._root
        return steps


def _target(path: str) -> str | None:
    """Return what a link says; None where there is no link."""
    try:
        if not stat.S_ISLNK(os.lstat(path).st_mode):
            return None
        return os.readlink(path).removeprefix("\\\\?\\")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _parts(path: str) -> tuple[str, ...]:
    """Return a path's parts, without those that mean nothing; `..` is left to whoever follows links."""
    drive, tail = os.path.splitdrive(path)
    if os.altsep:
        tail = tail.replace(os.altsep, os.sep)
    start = (drive + os.sep,) if tail.startswith(os.sep) else ((drive,) if drive else ())
    return (*start, *(part for part in re.split(re.escape(os.sep), tail) if part not in ("", os.curdir)))


def _begins(parts: Sequence[str], start: Sequence[str]) -> bool:
    return [os.path.normcase(part) for part in parts[: len(start)]] == [os.path.normcase(p) for p in start]
