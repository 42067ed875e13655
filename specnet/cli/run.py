from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from rich.console import Console

from specnet import api
from specnet.cli.guard import FAULTY
from specnet.cli.interrupts import Interrupts
from specnet.cli.progress import Bar, LineProgress, Silence
from specnet.cli.report import needed, page
from specnet.cli.results import show_end, show_result
from specnet.cli.shown import show_asked
from specnet.cli.terminal import failed, notes, results, say
from specnet.diagnostics.text import counted
from specnet.runs.files import finite
from specnet.runs.result import Result
from specnet.training.events import Event, Resumed, Span, Started

FOLDER = "runs"
"""Where runs are kept, below the folder that the command is given in."""


def run(
    path: str,
    overrides: list[str],
    *,
    out: str | None,
    save: bool,
    resume: str | bool,
    report: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Train a document's model, print what it came to, and return the exit code.

    `resume` names a run to go on with, or as True the newest unfinished one, or the newest of finished ones.
    """
    if report:
        needed()
    with Interrupts() as interrupts:
        spec = api.load(Path(path), overrides)
        console = notes()
        before = _run(resume, spec.name)
        folder = FOLDER if save and out is None and before is None else None
        with _progress(console, interrupts, quiet=quiet) as progress:

            def listen(event: Event | Span) -> None:
                interrupts.armed = interrupts.armed or isinstance(event, Started)
                if isinstance(event, Resumed):
                    _report(console, event, quiet=quiet)
                progress(event)

            result = api.run(
                spec, out=out, folder=folder, resume=before, stop=interrupts.stop, listener=listen
            )
        trained = interrupts.armed  # by its first event; a run that is finished has none
        if not trained and not quiet:
            say(console, f"{result.run} is finished already: this is its result")
    if as_json:
        text = json.dumps(finite(result.as_dict()), indent=2, ensure_ascii=False, allow_nan=False)
        sys.stdout.write(f"{text}\n")
    else:
        shown = results()
        show_result(shown, result)
        show_asked(shown, result)
        show_end(shown, result)
    if report and result.run is not None:
        say(console, f"report: {page(result.run)}")
    return _code(
        console, result, interrupts, [path, *(part for text in overrides for part in ("--set", text))]
    )


def _progress(console: Console, interrupts: Interrupts, *, quiet: bool) -> Bar | LineProgress | Silence:
    if quiet:
        return Silence()
    # FORCE_COLOR makes Rich take a pipe for a terminal, but a bar in a log file is noise all the same.
    if sys.stderr.isatty() and not console.is_dumb_terminal:
        return Bar(console, interrupts.stop)
    return LineProgress(console)


def _run(resume: str | bool, name: str) -> Path | None:
    if resume is True:
        from specnet.runs.resuming import newest

        return newest(FOLDER, name)
    return Path(resume) if resume else None


def _report(console: Console, event: Resumed, *, quiet: bool) -> None:
    for problem in event.problems:
        say(console, f"warning: {problem}", "bold yellow")
    if quiet:
        return
    if event.checkpoint is None:
        say(console, f"{event.run} has no complete checkpoint: it starts over")
    else:
        done = f"{counted(event.epoch, 'epoch')} and {counted(event.step, 'step')} are done"
        say(console, f"resuming from {event.checkpoint}: {done}")


def _code(console: Console, result: Result, interrupts: Interrupts, given: list[str]) -> int:
    if result.stopped == "diverged":
        failed(result.why, "diverged")
        return FAULTY
    if result.stopped == "interrupted":
        kept = "nothing was saved" if result.run is None else f"progress is saved in {result.run}"
        say(console, f"interrupted after {result.steps:,} steps: {kept}", "bold yellow")
        if result.run is not None:
            command = shlex.join(["specnet", "run", *given, "--resume", str(result.run)])
            say(console, f"to resume: {command}")
        return interrupts.code
    return 0
