from __future__ import annotations

import shlex
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from specnet.cli.guard import FAULTY
from specnet.cli.interrupts import Interrupts
from specnet.cli.options import (
    As,
    Distributed,
    EngineName,
    NoEnvironment,
    OutputStyle,
    Overrides,
    SpecFile,
    Threads,
    argument,
    option,
    processes,
    whole_number,
)
from specnet.cli.ranks import is_other, joined
from specnet.cli.terminal import failed, notes, results, say, write_json
from specnet.diagnostics.text import counted
from specnet.engines.notices import notices

if TYPE_CHECKING:
    from specnet.cli.live import Progress
    from specnet.diagnostics import Report
    from specnet.runs.result import Result
    from specnet.training.events import Event, Resumed, Span
    from specnet.training.mpi import MpiRanks

FOLDER = "runs"
"""Where runs are kept, below the folder that the command is given in."""


def run(
    spec: SpecFile,
    unfinished: Annotated[
        str | None,
        argument(
            "RUN",
            help="With --resume: the directory of the run; the newest unfinished one if left out, or else the newest.",
        ),
    ] = None,
    overrides: Overrides = None,
    no_env: NoEnvironment = False,
    seed: Annotated[
        int | None,
        whole_number("--seed", minimum=0, help="Use this seed instead of the document's.", default=False),
    ] = None,
    out: Annotated[
        str | None,
        option(
            metavar="DIR",
            help="Save the run in this directory instead of runs/NAME/NNN, replacing an existing run.",
        ),
    ] = None,
    no_save: Annotated[bool, typer.Option("--no-save", help="Save nothing.")] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume a run of this document that was killed or interrupted; of a finished run, show the result.",
        ),
    ] = False,
    report: Annotated[
        bool,
        typer.Option("--report", help="Write the run's HTML report at the end; needs the extra `report`."),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Treat warnings as errors: train and save nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor warnings.")] = False,
    threads: Threads = None,
    engine: EngineName = None,
    distributed: Distributed = None,
    output: As = OutputStyle.TABLE,
) -> int:
    """Train the experiment that a document describes.

    Results go to standard output, progress and findings to standard error. The warnings of `specnet validate` are
    shown before the training, a line each. Ctrl-C ends the training after the
    current step: the model is evaluated and saved, and `--resume` continues the training.
    """
    from specnet import api
    from specnet.cli.report import needed, page
    from specnet.cli.warnings import show_warnings
    from specnet.training.distributed import agreed
    from specnet.training.events import Resumed, Started

    for wrong, message, named in (
        (resume and (out is not None or no_save), "a resumed run is saved in its own directory", "--resume"),
        (unfinished is not None and not resume, "a run can be named only with --resume", "RUN"),
        (out is not None and no_save, "--out and --no-save contradict each other", "--no-save"),
        (report and no_save, "it needs a saved run; leave out --no-save", "--report"),
    ):
        if wrong:
            raise typer.BadParameter(message, param_hint=named)
    chosen = [*(overrides or ()), *([] if seed is None else [f"seed={seed}"])]
    given = [part for text in chosen for part in ("--set", text)]
    if report:
        needed()
    with Interrupts() as interrupts, joined(distributed, quiet=quiet) as ranks:
        loaded = agreed(ranks, lambda: api.load(Path(spec), chosen, environment=not no_env))
        console = notes()
        before = agreed(ranks, lambda: _run(unfinished, loaded.name, ranks)) if resume else None
        folder = FOLDER if not no_save and out is None and before is None else None
        from specnet.runs.experiments import run_experiment
        from specnet.runs.request import RunRequest

        silence = notices(lambda _: None) if quiet else nullcontext()
        with silence, _progress(console, interrupts, quiet=quiet) as progress:

            def listen(event: Event | Span) -> None:
                interrupts.armed = interrupts.armed or isinstance(event, Started)
                if isinstance(event, Resumed):
                    _report(console, event, quiet=quiet)
                progress(event)

            def warned(report: Report) -> None:
                show_warnings(console, report, [spec, *given], strict=strict)

            # A run that is resumed has shown them when it began.
            shows = strict or not (quiet or resume)
            request = RunRequest(
                out=out,
                folder=folder,
                resume=before,
                stop=interrupts.stop,
                listener=listen,
                warned=warned if shows else None,
                threads=threads,
                engine=engine,
                distributed=processes(distributed),
            )
            result = run_experiment(loaded, None, request)
        trained = interrupts.armed  # by its first event; a run that is finished has none
        if not (trained or quiet or is_other(ranks)):
            say(console, f"{result.run} is finished already: this is its result")
    if not is_other(ranks):
        _show(result, output)
        if report and result.run is not None:
            say(console, f"report written to {page(result.run)}")
    alone = distributed == "mpi" and ranks is None
    return _code(console, result, interrupts, [spec, *given], ranks, None if alone else distributed)


def _show(result: Result, output: OutputStyle) -> None:
    """Print a result."""
    if output is OutputStyle.JSON:
        write_json(result.as_dict())
        return
    from specnet.cli.results import show_end, show_folds, show_result
    from specnet.cli.shown import show_asked, show_asked_of_folds
    from specnet.runs.result import CompletedRun

    shown = results()
    if isinstance(result, CompletedRun):
        show_result(shown, result)
        show_asked(shown, result)
    else:
        show_folds(shown, result)
        show_asked_of_folds(shown, result)
    show_end(shown, result)


def _progress(console: Console, interrupts: Interrupts, *, quiet: bool) -> Progress[Event | Span]:
    from specnet.cli.live import Progress
    from specnet.cli.progress import Bar, LineProgress

    if quiet:
        return Progress()
    # FORCE_COLOR makes Rich take a pipe for a terminal, but a bar in a log file is noise all the same.
    if sys.stderr.isatty() and not console.is_dumb_terminal:
        return Bar(console, interrupts.stop)
    return LineProgress(console)


def _run(unfinished: str | None, name: str, ranks: MpiRanks | None) -> Path | None:
    if unfinished is not None:
        return Path(unfinished)
    if is_other(ranks):
        return Path(FOLDER)  # it is sent what the first process finds
    from specnet.runs.resuming import newest

    return newest(FOLDER, name)


def _report(console: Console, event: Resumed, *, quiet: bool) -> None:
    for problem in event.problems:
        say(console, f"warning: {problem}", "bold yellow")
    if quiet:
        return
    if event.differences:
        message = f"the last digits may differ from an uninterrupted run's: {'; '.join(event.differences)}"
        if any(each.startswith("engine ") for each in event.differences):
            say(console, f"warning: {message}", "bold yellow")
        else:
            say(console, message)
    if event.checkpoint is None:
        say(console, f"{event.run} has no complete checkpoint: it starts over")
    else:
        done = f"{counted(event.epoch, 'epoch')} and {counted(event.step, 'step')} are done"
        say(console, f"resuming from {event.checkpoint}: {done}")


def _code(
    console: Console,
    result: Result,
    interrupts: Interrupts,
    given: list[str],
    ranks: MpiRanks | None,
    distributed: str | None,
) -> int:
    if is_other(ranks):
        return (
            FAULTY
            if result.stopped == "diverged"
            else interrupts.code
            if result.stopped == "interrupted"
            else 0
        )
    if result.stopped == "diverged":
        failed(result.why, "diverged")
        return FAULTY
    if result.stopped == "interrupted":
        kept = "nothing was saved" if result.run is None else f"progress is saved in {result.run}"
        say(console, f"interrupted after {result.steps:,} steps: {kept}", "bold yellow")
        if result.run is not None:
            start = [] if ranks is None else ["mpirun", "-n", str(ranks.size)]
            together = [] if distributed is None else ["--distributed", distributed]
            command = shlex.join([*start, "specnet", "run", *given, *together, "--resume", str(result.run)])
            say(console, f"to resume: {command}")
        return interrupts.code
    return 0
