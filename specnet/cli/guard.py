from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, ParamSpec

import typer

from specnet.cli.streams import OutputError
from specnet.engines.notices import notices
from specnet.importing import AROUND

if TYPE_CHECKING:
    from specnet.diagnostics import SpecError

P = ParamSpec("P")

DEBUG = "SPECNET_DEBUG"
"""The environment variable that lets a fault of specnet itself end in its traceback."""

FAULTY, MISUSED = 1, 2
INTERRUPTED, TERMINATED = 130, 143


def guarded(command: Callable[P, int]) -> Callable[P, None]:
    """Return a command that ends with its exit code, and for each error with that error's message and code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with reporting(), _plugins_print_aside(), notices(_note):
            code = command(*args, **kwargs)
            sys.stdout.flush()
            raise typer.Exit(code)

    # Typer keeps the line breaks of a docstring; a terminal has its own.
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    run.__doc__ = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return run


def _note(message: str) -> None:
    """Show a note of an engine."""
    from specnet.cli.terminal import notes, say

    say(notes(), message)


@contextmanager
def _plugins_print_aside() -> Iterator[None]:
    """Send what plugins print as they are imported to standard error: standard output is for results."""
    token = AROUND.set(lambda: redirect_stdout(sys.stderr))
    try:
        yield
    finally:
        AROUND.reset(token)


@contextmanager
def reporting() -> Iterator[None]:
    """Exit for each error with that error's message and code."""
    try:
        yield
    except (typer.BadParameter, typer.Exit, SystemExit, OutputError):
        raise
    except BaseException as error:
        code = _reported(error)
        if code is None:
            raise
        raise typer.Exit(code) from None


def _reported(error: BaseException) -> int | None:
    """Say what ended a command and return its exit code; None for an error that its own traceback is to tell."""
    from specnet.cli.interrupts import Terminated
    from specnet.diagnostics import RunError, SpecError, SpecFileError

    if isinstance(error, SpecError):
        return _faulty(error)
    if isinstance(error, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED)
    if isinstance(error, Terminated):
        return _fail("terminated", TERMINATED)
    if isinstance(error, SpecFileError):
        return _fail(str(error), MISUSED)
    if isinstance(error, RunError):
        return _fail(str(error), FAULTY)
    if isinstance(error, FileNotFoundError) and not _has_working_directory():
        return _fail("the working directory has been removed: change to one that exists", MISUSED)
    if isinstance(error, OSError) and error.filename is not None:
        return _fail(f"{os.fsdecode(error.filename)}: {error.strerror}", MISUSED)
    if isinstance(error, MemoryError):
        return _fail(f"this machine has too little memory: {error}".removesuffix(": "), FAULTY)
    if os.environ.get(DEBUG) or not isinstance(error, Exception):
        return None
    more = "This is a bug in specnet. Please report it, with the output that"
    return _fail(f"{type(error).__name__}: {error}", FAULTY, f"{more} {DEBUG}=1 in the environment gives.")


def _has_working_directory() -> bool:
    try:
        os.getcwd()  # noqa: PTH109  Path.cwd() is the same
    except FileNotFoundError:
        return False
    return True


def _fail(message: str, code: int, more: str | None = None) -> int:
    from specnet.cli.terminal import failed, notes, say

    failed(message)
    if more is not None:
        say(notes(), more)
    return code


def _faulty(error: SpecError) -> int:
    from specnet.cli.terminal import notes, show_segments
    from specnet.diagnostics import Report
    from specnet.diagnostics.formats.full import full_report

    console = notes()
    report = Report(1, error.diagnostics, error.sources)
    show_segments(console, full_report(report, console.width))
    return FAULTY
