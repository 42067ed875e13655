"""Whether the lines of a file may be shown that turned out to be no specnet document."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from specnet.data.access import lies_in, project_of
from specnet.diagnostics import Diagnostic, SpecError

SUFFIXES = (".toml", ".json")


def refused(found: Iterable[Diagnostic], file: str, text: str, path: Path | None) -> SpecError:
    """Return the error that a string is no specnet document; without anything of the text, where it may not be shown.

    `path` is where it was read from; None for a string that a program or a pipe has given, which is their own.
    """
    if may_show(path):
        return SpecError(found, {file: text})
    return SpecError(replace(_withheld(diagnostic), help=withheld_because(path)) for diagnostic in found)


def may_show(path: Path | None) -> bool:
    """Return whether lines of a file may be shown, whatever it holds.

    It has to be called like a document, not be hidden, and lie in the project in which the command runs: a name
    that leads elsewhere, such as to `~/.netrc`, may have been given by a stranger, and what is printed may be read
    by one.
    """
    return path is None or (_called_like_one(path) and lies_in(path, project_of(Path())))


def _called_like_one(path: Path | None) -> bool:
    try:
        name = os.path.basename(os.path.realpath(path or ""))  # noqa: PTH119
    except (OSError, ValueError):
        return False
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def withheld_because(path: Path | None) -> str:
    """Return why the lines of a file may not be shown, as the help of a finding."""
    if _called_like_one(path):
        return (
            "its lines are not shown, since it is outside the project, or the folder, that specnet runs in: "
            "run specnet in its folder to see them"
        )
    return "its lines are not shown, since it is neither a specnet document nor named like one (.toml, .json)"


def _withheld(diagnostic: Diagnostic) -> Diagnostic:
    """Return a finding with its place alone, and what its code says in general."""
    from specnet.diagnostics.rules import RULES

    return Diagnostic(
        diagnostic.code, RULES[diagnostic.code].title, file=diagnostic.file, span=diagnostic.span
    )
