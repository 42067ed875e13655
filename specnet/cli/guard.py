from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from specnet.cli.interrupts import Terminated
from specnet.diagnostics import RunError, SpecError, SpecFileError

P = ParamSpec("P")

DEBUG = "SPECNET_DEBUG"
"""The environment variable that lets a fault of specnet itself end in its traceback."""

FAULTY, MISUSED = 1, 2
INTERRUPTED, TERMINATED, PIPE_CLOSED = 130, 143, 141


def guarded(command: Callable[P, int]) -> Callable[P, None]:
    """Return a command that ends with its exit code, and for each error with that error's message and code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        raise typer.Exit(_code(lambda: command(*args, **kwargs)))

    # Typer keeps the line breaks of a docstring; a terminal has its own.
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    run.__doc__ = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return run


def _code(command: Callable[[], int]) -> int:
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has seen enough. What is left must not be flushed into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except (typer.BadParameter, typer.Exit):
        raise
    except SpecError as error:
        return _faulty(error)
    except (KeyboardInterrupt, Terminated, SpecFileError, RunError, MemoryError) as error:
        return next(_fail(say(error), code) for kind, say, code in MEANT if isinstance(error, kind))
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        return _fail(
            f"{type(error).__name__}: {error}\nThis is a fault of specnet, not yours. Please report it, with "
            f"what {DEBUG}=1 in the environment shows.",
            FAULTY,
        )
    return code


MEANT: tuple[tuple[type[BaseException], Callable[[BaseException], str], int], ...] = (
    (KeyboardInterrupt, lambda _: "interrupted", INTERRUPTED),
    (Terminated, lambda _: "terminated", TERMINATED),
    (SpecFileError, str, MISUSED),
    (RunError, str, FAULTY),
    (MemoryError, lambda error: f"this machine has too little memory: {error}".removesuffix(": "), FAULTY),
)
"""What a user can cause: how it is told, and the exit code."""


def _fail(message: str, code: int) -> int:
    from specnet.cli.terminal import failed

    failed(message)
    return code


def _faulty(error: SpecError) -> int:
    from specnet.cli.terminal import notes, show_segments
    from specnet.diagnostics import Report
    from specnet.diagnostics.full import full_report

    console = notes()
    report = Report(1, error.diagnostics, error.sources)
    show_segments(console, full_report(report, console.width))
    return FAULTY
