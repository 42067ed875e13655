"""What a user has named on the command line: whether it is there, and whose faults are whose."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

from specnet.diagnostics import Diagnostic, SpecError, SpecFileError

STDIN = "standard input"
"""What rows are called in messages that come from there."""


@contextmanager
def standard_input() -> Iterator[Path]:
    """Yield a file of what standard input holds, for what reads a file more than once."""
    import shutil
    from tempfile import TemporaryDirectory

    if sys.stdin is None:
        raise SpecFileError("-: there is no standard input")
    with TemporaryDirectory(prefix="specnet-") as folder:
        path = Path(folder, "rows")
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        with path.open("rb") as file:
            is_json = file.read(64).lstrip()[:1] in (b"{", b"[")
        yield path.rename(path.with_suffix(".jsonl" if is_json else ".csv"))


def must_exist(path: str) -> None:
    """Raise SpecFileError where there is no file or directory of that name."""
    try:
        there = Path(path).exists()
    except (OSError, ValueError):
        there = False
    if not there:
        raise SpecFileError(f"{path}: no such file or directory")


def file_format(out: str, formats: Mapping[str, str]) -> str:
    """Return the format of a file to be written, by its suffix; raise BadParameter for one that there is none of."""
    form = formats.get(Path(out).suffix.lower())
    if form is None:
        raise typer.BadParameter(f"{out} does not end in {' or '.join(formats)}", param_hint="--out")
    return form


def named(error: SpecError, file: str) -> SpecError:
    """Return an error whose findings say which file they are about."""
    found = [
        Diagnostic(d.code, d.message, severity=d.severity, help=d.help, file=d.file or file, span=d.span)
        for d in error.diagnostics
    ]
    return SpecError(found, error.sources)
