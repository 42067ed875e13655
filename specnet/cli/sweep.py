from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specnet.cli.guard import FAULTY
from specnet.cli.interrupts import Interrupts
from specnet.cli.options import (
    As,
    EngineName,
    NoEnvironment,
    OutputStyle,
    Overrides,
    SpecFile,
    Threads,
    option,
    whole_number,
)
from specnet.cli.terminal import failed, notes, results, say, write_json

if TYPE_CHECKING:
    from rich.console import Console

    from specnet.cli.live import Progress
    from specnet.language.spec import Spec
    from specnet.sweeps.events import SweepEvent
    from specnet.sweeps.result import SweepResult
    from specnet.sweeps.searching import Search

FOLDER = "runs"
"""Where sweeps are kept, below the folder that the command is given in."""


def sweep(
    spec: SpecFile,
    overrides: Overrides = None,
    no_env: NoEnvironment = False,
    jobs: Annotated[
        int | None,
        whole_number(
            "--jobs",
            "-j",
            minimum=1,
            maximum=1024,
            help="How many trials to train at once, each in a process. Default: one for each core.",
            default=False,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue the latest sweep of this document, even one that another process is working on.",
        ),
    ] = False,
    storage: Annotated[
        str | None,
        option(
            "--storage",
            metavar="URL",
            help="Record the trials in this database, which all sweeps of the document with this URL share. Default: "
            "$SPECNET_STORAGE, or a file of SQLite next to the trials.",
        ),
    ] = None,
    study: Annotated[
        str | None,
        option(
            "--study",
            metavar="NAME",
            help="With a storage: the name of the sweep in it. By default it follows from the document.",
        ),
    ] = None,
    dask: Annotated[
        str | None,
        option(
            "--dask",
            metavar="ADDRESS",
            help="Train on the Dask cluster of this scheduler, such as tcp://head:8786; `local` starts one on this "
            "machine. Needs the extra `dask`.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    threads: Threads = None,
    engine: EngineName = None,
    output: As = OutputStyle.TABLE,
) -> int:
    """Search for the best values of some keys of a document.

    The document's `[sweep]` says what to vary and what to improve; every value is checked before the first trial.
    Trials are trained in processes, and saved in runs/NAME-sweep/NNN with the storage and, at the end, with best.toml,
    the document with the best values. Ctrl-C ends the trials after the current step, and `--resume` continues them.
    Needs the extra `sweep`.
    """
    from specnet import api
    from specnet.cli.sweep_progress import progress_for
    from specnet.sweeps.starting import search_for

    given = [part for text in overrides or () for part in ("--set", text)]
    with Interrupts() as interrupts:
        loaded = api.load(Path(spec), list(overrides or ()), environment=not no_env)
        search = search_for(
            loaded,
            folder=FOLDER,
            resume=resume,
            storage=storage,
            study=study,
            jobs=jobs,
            dask=dask,
            stop=interrupts.stop,
            threads=threads,
            engine=engine,
        )
        console = notes()
        with progress_for(console, interrupts.stop, quiet=quiet) as progress:
            result = _watched(search, interrupts, progress)
        best = _best_document(console, loaded, result, search.request.directory.path)
    if output is OutputStyle.JSON:
        write_json(result.as_dict())
    else:
        from specnet.cli.sweep_results import show_sweep

        show_sweep(results(), result, best)
    return _code(console, result, interrupts, ["specnet", "sweep", spec, *given])


def _watched(search: Search, interrupts: Interrupts, progress: Progress[SweepEvent]) -> SweepResult:
    """Follow a sweep to its end, and return its result."""
    from contextlib import closing

    from specnet.sweeps.events import SweepEnded, SweepStarted

    with closing(search.events()) as events:
        for event in events:
            interrupts.armed = interrupts.armed or isinstance(event, SweepStarted)
            progress(event)
            if isinstance(event, SweepEnded):
                return event.result
    raise AssertionError("a sweep ends with SweepEnded")


def _best_document(console: Console, spec: Spec, result: SweepResult, folder: Path) -> Path | None:
    from specnet.diagnostics import RunError
    from specnet.sweeps.best_document import write_best

    if not result.best:
        return None
    best = result.best[0]
    figures = ", ".join(
        f"{name} {value:.6g}" for name, value in zip(result.objectives, best.values or (), strict=True)
    )
    about = f"{figures}: trial {best.number} of {len(result.trials)} in the sweep {result.name}."
    try:
        return write_best(spec, best.parameters, folder, about)
    except RunError as error:  # as on a full disk: the result is shown all the same
        say(console, f"warning: {error}", "bold yellow")
        return None


def _code(console: Console, result: SweepResult, interrupts: Interrupts, command: list[str]) -> int:
    if result.stopped == "interrupted":
        say(console, f"interrupted: everything that was measured is kept in {result.path}", "bold yellow")
        say(console, f"to continue: {shlex.join([*command, '--resume'])}")
        return interrupts.code
    if not result.complete:
        whys = [trial.why for trial in result.trials if trial.why]
        failed(f"no trial was completed: {whys[-1]}" if whys else "no trial was completed")
        return FAULTY
    return 0
