"""Which documents the arguments of a command name: files, folders, patterns and standard input."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from specnet.cli.folders import entries_of, is_file, is_folder, ours
from specnet.cli.patterns import is_pattern, matches
from specnet.data.confine import Confine
from specnet.data.opening import open_regular
from specnet.diagnostics import SpecError
from specnet.language.other_files import is_run, other_folder
from specnet.language.parsing import parse
from specnet.language.reading import MAX_BYTES
from specnet.language.source import text_source

STDIN = "-"
SUFFIXES = (".toml", ".json")
_KEY = re.compile(rb"""^[ \t{]*["']?specnet["']?[ \t]*[:=]""", re.MULTILINE)


@dataclass
class FoundDocuments:
    """What the arguments came to."""

    files: list[str] = field(default_factory=list)
    """Each document once, as the user names it, in the order of the arguments."""
    problems: list[str] = field(default_factory=list)
    """Why an argument names no document."""


def find(
    arguments: Sequence[str], *, specs_only: bool = False, confine: Confine | None = None
) -> FoundDocuments:
    """Return the documents that arguments name.

    A folder stands for all documents in it and below it: the TOML and JSON files that have the root key
    `specnet`. A pattern stands for the files that it matches. With `specs_only`, files that are named are
    passed over as well, where they are TOML or JSON without that key.

    With `confine`, nothing outside of a folder is looked at: an argument that lies there is a problem (passed
    over with `specs_only`), and links that lead there are passed over.
    """
    found = FoundDocuments()
    seen: set[str] = set()
    for argument in arguments:
        outside = confine is not None and argument != STDIN and not _holds(confine, argument)
        if outside:
            if confine is not None and not specs_only:
                message = f"{argument}: is outside {confine.name}, to which this check is confined"
                found.problems.append(message)
            continue
        names = list(_named(argument, specs_only=specs_only, confine=confine))
        if not names and not specs_only:
            found.problems.append(f"{argument}: {_nothing(argument)}")
        for name in names:
            identity = _identity(name)
            if identity not in seen:
                seen.add(identity)
                found.files.append(name)
    return found


def _nothing(argument: str) -> str:
    """Return why an argument names no document."""
    if not os.path.isdir(argument):
        return "no document matches this pattern"
    return other_folder(argument) if is_run(argument) else "there is no document in this folder"


def _identity(name: str) -> str:
    if name == STDIN:
        return name
    try:
        return os.path.realpath(name)
    except (OSError, ValueError):  # no file's name: reading it will tell
        return name


def _holds(confine: Confine | None, argument: str) -> bool:
    return confine is None or confine.holds(argument)


def _named(argument: str, *, specs_only: bool, confine: Confine | None) -> Iterator[str]:
    if argument == STDIN:
        yield argument
    elif os.path.isdir(argument):
        yield from _below(argument, confine)
    elif is_pattern(argument) and not os.path.lexists(argument):
        for match in matches(argument):
            # A pattern may well meet a pipe, which would be waited on.
            if _holds(confine, match) and (os.path.isdir(match) or os.path.isfile(match)):
                yield from _named(match, specs_only=specs_only, confine=confine)
    elif not specs_only or not _foreign(argument):
        yield argument


def _foreign(file: str) -> bool:
    return os.path.isfile(file) and not (file.lower().endswith(SUFFIXES) and is_document(file))


def _below(folder: str, confine: Confine | None) -> Iterator[str]:
    """Yield the documents of a folder and of those in it, but not behind links to folders, in order."""
    pending = [folder]
    while pending:
        here = pending.pop()
        entries = entries_of(here)
        # A run's directory holds copies of documents, whose data do not lie beside them.
        if is_run(here):
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = os.path.join(here, entry.name)
            path = path.removeprefix(f".{os.sep}") if folder == "." else path
            named = entry.name.lower().endswith(SUFFIXES) and _holds(confine, path)
            if named and is_file(entry) and is_document(path):
                yield path
        pending += [
            os.path.join(here, entry.name)
            for entry in reversed(entries)
            if ours(entry.name) and is_folder(entry)
        ]


def is_document(file: str) -> bool:
    """Whether a TOML or JSON file has the root key `specnet`, or seems to where it is not well-formed."""
    try:
        with open_regular(file) as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError:
        return False
    if b"specnet" not in data:
        return False
    try:
        return "specnet" in parse(text_source(data.decode(), file))
    except (ValueError, SpecError):
        return _KEY.search(data) is not None
