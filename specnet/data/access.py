"""Which files may be opened for a document, and which of them may be quoted in what is said about it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from specnet.data.confine import Confine

SYSTEM = ("/proc", "/sys", "/dev")
"""Folders whose files are the system's state, and not data: a process's environment, kernel settings, devices."""

UNQUOTED = "its contents are not quoted: it is outside the document's project, or hidden"
"""Why a finding names no columns."""


class Refusal(NamedTuple):
    """Why a path is not followed: what a diagnostic says."""

    code: str
    message: str
    help: str


@dataclass(frozen=True)
class Access:
    """What one document may reach.

    Its own paths may lead to anything but the system's state, and with `confine` to nothing outside of a
    folder. Contents are quoted only of files in its project.
    """

    folder: Path | None = None
    """The folder of the document; None where the user has named a file himself, which is then his to see."""
    confine: Confine | None = None

    def refusal(self, text: str, folder: Path, shown: str | None = None) -> Refusal | None:
        """Return why a path is not followed that starts from a folder; None where it may be.

        `shown` is what the path is called, if that is not the path itself.
        """
        shown = text if shown is None else shown
        if self.folder is None:
            return None
        if self.confine is not None and not self.confine.holds(folder, text):
            return Refusal(
                "SN575",
                f"`{shown}` leads out of `{self.confine.name}`, to which this check is confined",
                "name a file within that folder: nothing outside it is read",
            )
        try:
            real = os.path.realpath(folder / text)
        except (OSError, ValueError):  # no file has such a name, which is found when it is opened
            return None
        system = _system(real)
        if system is None:
            return None
        # A document that comes through a pipe, as /dev/fd/63, has nothing beside it; its data lie elsewhere.
        if _system(os.path.realpath(folder)) is not None and not os.path.lexists(real):
            return None
        return Refusal(
            "SN574",
            f"`{shown}` leads to {system}, which holds system state, not data",
            "copy the data into a regular file and name that",
        )

    def quotes(self, path: Path) -> bool:
        """Return whether what is in a file, or in a folder, may be quoted."""
        return self.folder is None or lies_in(path, self.project)

    @cached_property
    def project(self) -> Path | None:
        """The project of the document: the nearest folder upwards with a `.git`, else the document's own."""
        return project_of(self.folder or Path())


def _system(real: str) -> str | None:
    """Return which of the system's folders a path without links lies in; None where it lies in none."""
    return next((name for name in SYSTEM if real == name or real.startswith(f"{name}/")), None)


def project_of(folder: Path) -> Path | None:
    """Return the nearest folder upwards that holds a `.git`, or else the folder itself, all links resolved.

    The root of a file system is no project, since everything would lie in it.
    """
    try:
        real = Path(os.path.realpath(folder))
    except (OSError, ValueError):
        return None
    above = [place for place in (real, *real.parents) if place.parent != place]
    return next((place for place in above if os.path.lexists(place / ".git")), above[0] if above else None)


def lies_in(path: Path, project: Path | None) -> bool:
    """Return whether a path leads into a project, and there to nothing hidden, such as `.env` or `.git/config`."""
    if project is None:
        return False
    try:
        parts = Path(os.path.realpath(path)).relative_to(project).parts
    except (OSError, ValueError):
        return False
    return not any(part.startswith(".") for part in parts)
