"""What lies in folders, whatever their state."""

from __future__ import annotations

import os

from specnet.language.reading import MAX_BYTES

PASSED_OVER = frozenset({"node_modules", "__pycache__", "venv"})
"""Folders that hold other people's files, beside hidden ones; they are searched if they are named."""


def ours(name: str) -> bool:
    """Whether a folder's or file's name is neither hidden nor one of those that are passed over."""
    return not name.startswith(".") and name not in PASSED_OVER


def entries_of(folder: str) -> list[os.DirEntry[str]]:
    """Return what a folder holds, in order; nothing where it cannot be read."""
    try:
        with os.scandir(folder or ".") as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def is_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file, or a link to one, and no pipe that would be waited on."""
    try:
        return entry.is_file() and entry.stat().st_size <= MAX_BYTES
    except OSError:
        return False


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, and no link to one, which might lead back."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def leads_on(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:
        return False
