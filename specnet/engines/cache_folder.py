"""The folder of the user in which compiled code is kept, and what was measured of the machine.

Numba's files are pickles and machine code: who can write them can run code as whoever reads them. So all files are read
and written only where nobody but the user can write.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from specnet._version import __version__

VARIABLE = "XDG_CACHE_HOME"

OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Unsafe(Exception):  # noqa: N818 (it says why nothing is kept, which is no error)
    """Why nothing can be kept: a clause that names the file."""


def cache_folder() -> Path:
    """Return this version's folder, which is made where there is none.

    It is `$XDG_CACHE_HOME/specnet/VERSION`, by default below `~/.cache`. Raises Unsafe where it cannot be made, or
    where somebody else could change what is in it.
    """
    if not hasattr(os, "getuid"):
        raise Unsafe("this system does not say who may write a file")
    root: Path | None = None
    try:
        root = cache_root()
        folder = root / "specnet" / __version__
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.parent.mkdir(exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        folder = folder.resolve()
        check_own([folder, folder.parent])
        _check_above(folder.parent.parent)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Unsafe(f"{folder} cannot be written")
    except (FileExistsError, NotADirectoryError) as error:
        raise Unsafe(f"{_file_at(Path(error.filename))} is not a folder") from None
    except (OSError, RuntimeError) as error:
        what = root or "the home folder"
        raise Unsafe(f"{what} cannot be used: {getattr(error, 'strerror', None) or error}") from None
    return folder


def cache_root() -> Path:
    """Return where the user's programs keep what they can make again; raise RuntimeError if there is no home folder."""
    given = os.environ.get(VARIABLE, "")
    # The standard has relative paths ignored.
    return Path(given) if Path(given).is_absolute() else Path.home() / ".cache"


def is_kept(name: str) -> bool:
    """Return whether this version's folder has a file of a name; nothing is made."""
    try:
        return (cache_root() / "specnet" / __version__ / name).exists()
    except (OSError, RuntimeError):
        return False


def _file_at(path: Path) -> Path:
    """Return the first part of a path that is there and is no folder; the path itself where all are folders."""
    return next(
        (each for each in (*reversed(path.parents), path) if each.exists() and not each.is_dir()), path
    )


def check_own(paths: Iterable[Path]) -> None:
    """Raise Unsafe for a path that is a link, is not the user's, or that others can write."""
    for path in paths:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise Unsafe(f"{path} is a link")
        if found.st_uid != os.getuid():
            raise Unsafe(f"{path} belongs to another user")
        if found.st_mode & OTHERS:
            raise Unsafe(f"others can write {path}")


def _check_above(root: Path) -> None:
    """Raise Unsafe where others can put another folder in the place of one above the cache.

    The folder right above it must not be shared at all; farther up, a sticky bit keeps what is in a shared folder to
    its owners.
    """
    for above in (root, *root.parents):
        found = above.lstat()
        if found.st_uid not in (0, os.getuid()):
            raise Unsafe(f"{above} belongs to another user")
        if found.st_mode & OTHERS and not (above != root and found.st_mode & stat.S_ISVTX):
            raise Unsafe(f"others can write {above}")
