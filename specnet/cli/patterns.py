"""The files that a pattern such as `specs/**/*.toml` matches."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator

from specnet.cli.folders import entries_of, is_file, is_folder, leads_on, ours

_MAGIC = re.compile(r"[*?\[]")


def is_pattern(text: str) -> bool:
    """Whether a string has what makes it a pattern."""
    return _MAGIC.search(text) is not None


def matches(pattern: str) -> Iterator[str]:
    """Yield the paths that a pattern matches, in order; `**` stands for any folders, hidden ones excepted."""
    drive, tail = os.path.splitdrive(pattern)
    parts = [part for part in re.split(r"[/\\]" if os.sep == "\\" else "/", tail) if part]
    root = drive + os.sep if tail.startswith(("/", os.sep)) else drive
    # `**/**` means what `**` does, and would take long to mean it.
    wanted = [
        part for place, part in enumerate(parts) if part != "**" or parts[place + 1 : place + 2] != ["**"]
    ]
    yield from dict.fromkeys(_expanded(root, wanted))


def _expanded(base: str, parts: list[str]) -> Iterator[str]:
    if not parts:
        yield base
        return
    head, rest = parts[0], parts[1:]
    if head == "**":
        yield from _anywhere(base, parts)
    elif is_pattern(head):
        for entry in entries_of(base):
            hidden = entry.name.startswith(".") and not head.startswith(".")
            if not hidden and fnmatch.fnmatchcase(entry.name, head) and (not rest or leads_on(entry)):
                yield from _expanded(os.path.join(base, entry.name), rest)
    else:
        path = os.path.join(base, head)
        if os.path.lexists(path):
            yield from _expanded(path, rest)


def _anywhere(base: str, parts: list[str]) -> Iterator[str]:
    """Expand a pattern that begins with `**`: in this folder, and in those below it that no link leads to."""
    rest = parts[1:]
    if rest:
        yield from _expanded(base, rest)
    for entry in entries_of(base):
        path = os.path.join(base, entry.name)
        if ours(entry.name) and is_folder(entry):
            yield from _expanded(path, parts)
        elif not rest and ours(entry.name) and is_file(entry):
            yield path
