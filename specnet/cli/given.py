"""What a user has named on the command line: whether it is there, and whose faults are whose."""

from __future__ import annotations

from pathlib import Path

from specnet.diagnostics import Diagnostic, SpecError, SpecFileError


def must_exist(path: str) -> None:
    """Raise SpecFileError where there is no file or directory of that name."""
    try:
        there = Path(path).exists()
    except (OSError, ValueError):
        there = False
    if not there:
        raise SpecFileError(f"{path}: no such file or directory")


def named(error: SpecError, file: str) -> SpecError:
    """Return an error whose findings say which file they are about."""
    found = [
        Diagnostic(d.code, d.message, severity=d.severity, help=d.help, file=d.file or file, span=d.span)
        for d in error.diagnostics
    ]
    return SpecError(found, error.sources)
