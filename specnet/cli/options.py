"""The arguments and options that several commands take."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import typer


class OutputStyle(StrEnum):
    """The format of results."""

    TABLE = "table"
    JSON = "json"


class TextStyle(StrEnum):
    """The format of generated text."""

    TEXT = "text"
    JSON = "json"


class Page(StrEnum):
    """The format of a reference page."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def argument(metavar: str, *, help: str) -> Any:
    """Describe an argument."""
    return typer.Argument(metavar=metavar, help=help, show_default=False)


def option(*names: str, metavar: str, help: str, default: bool | str = False) -> Any:
    """Describe an option that takes a value, with a default where one is to be shown."""
    return typer.Option(*names, metavar=metavar, help=help, show_default=default)


def choice(*names: str, kinds: type[StrEnum], help: str, default: bool = True) -> Any:
    """Describe an option that takes one of a few words, which stand in its metavar."""
    return typer.Option(*names, metavar="|".join(kinds), help=help, show_default=default)


def whole_number(
    *names: str,
    minimum: int,
    maximum: int | None = None,
    help: str,
    default: bool = True,
    callback: Callable[..., int | None] | None = None,
) -> Any:
    """Describe an option that takes a whole number."""
    return typer.Option(
        *names, metavar="N", min=minimum, max=maximum, help=help, show_default=default, callback=callback
    )


def out_file(help: str, default: bool | str = False) -> Any:
    """Describe the option that names the file to write."""
    return option("--out", "-o", metavar="FILE", help=help, default=default)


SpecFile = Annotated[str, argument("SPEC", help="A TOML or JSON file.")]
Overrides = Annotated[
    list[str] | None,
    option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a value of the document, such as training.epochs=5; may be given repeatedly.",
    ),
]
NoEnvironment = Annotated[
    bool, typer.Option("--no-env", help="Refuse documents whose paths name environment variables.")
]
RunPath = Annotated[str, argument("RUN", help="The directory of a finished run, such as runs/iris/001.")]
RunPaths = Annotated[
    list[str],
    argument("RUN", help="The directory of a finished run, or of several, whose predictions are averaged."),
]


def _for_all_work(context: typer.Context, threads: int | None) -> int | None:
    """Have whatever else the command shares between cores, such as reading, keep to a number of threads, too."""
    if threads is not None:
        from specnet.passes.cores import VARIABLE

        context.call_on_close(partial(_set, VARIABLE, os.environ.get(VARIABLE)))
        _set(VARIABLE, str(threads))
    return threads


def _set(variable: str, value: str | None) -> None:
    """Set an environment variable, which processes that the command starts inherit; with None, remove it."""
    os.environ.pop(variable, None)
    if value is not None:
        os.environ[variable] = value


Threads = Annotated[
    int | None,
    whole_number(
        "--threads",
        minimum=1,
        maximum=1024,
        help="How many threads compute and read, and processes decode images. Default: $SPECNET_THREADS, or one for "
        "each core.",
        default=False,
        callback=_for_all_work,
    ),
]


def _known_engine(name: str | None) -> str | None:
    """Return the name of an engine; refuse one that there is not."""
    from specnet.passes.engine import known_engine

    if name is not None:
        try:
            known_engine(name)
        except ValueError as error:
            raise typer.BadParameter(str(error).removeprefix("`engine` ")) from None
    return name


EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="numpy|numba",
        callback=_known_engine,
        help="The engine that computes. Default: $SPECNET_ENGINE, or numpy.",
        show_default=False,
    ),
]


def processes(text: str | None) -> str | int | None:
    """Return how many processes are to train together, or what has started them."""
    number = text is not None and text.isascii() and text.isdecimal() and len(text) < 10
    return int(text) if number and text is not None else text


def _known_processes(text: str | None) -> str | None:
    """Return what says which processes train together; refuse what does not."""
    from specnet.passes.cores import MOST

    given = processes(text)
    known = 1 <= given <= MOST if isinstance(given, int) else given in (None, "mpi")
    if not known:
        raise typer.BadParameter(f"{text!r} is neither a whole number from 1 to {MOST} nor mpi")
    return text


Distributed = Annotated[
    str | None,
    typer.Option(
        "--distributed",
        metavar="N|mpi",
        callback=_known_processes,
        help="Train by N processes of this machine, each on its rows of every batch; or, with `mpi`, by all processes "
        "that `mpirun` started, which needs the extra `mpi`.",
        show_default=False,
    ),
]
Processes = Annotated[
    int | None,
    whole_number(
        "--distributed",
        minimum=2,
        maximum=65536,
        help="Explain what each of N processes that train together computes and sends, and how much faster they are.",
        default=False,
    ),
]
RunPlugins = Annotated[
    bool,
    typer.Option(
        "--plugins", help="Import the plugins that the run names, which runs the code of these packages."
    ),
]
NamedPlugins = Annotated[
    list[str] | None,
    option(
        "--plugins",
        metavar="NAME",
        help="Import an installed plugin, and include its kinds; may be given repeatedly.",
    ),
]
As = Annotated[OutputStyle, choice("--output", kinds=OutputStyle, help="The output format.")]
Text = Annotated[TextStyle, choice("--output", kinds=TextStyle, help="The output format.")]
