from __future__ import annotations

from datetime import datetime
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specnet.cli.numbers import duration, number
from specnet.cli.options import As, OutputStyle
from specnet.cli.tables import TextTable
from specnet.cli.terminal import notes, results, say, write_json

if TYPE_CHECKING:
    from specnet.runs.kept import KeptRun

KEPT_FIGURES = 2
"""Figures that say more than when a run was started."""


def runs(
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="The folder in which, and below which, runs are listed.")
    ] = "runs",
    output: As = OutputStyle.TABLE,
) -> int:
    """List runs with their status, time and metrics.

    A run is `running` while a process is training it, and `unfinished` if that process has died: `specnet
    run SPEC --resume` continues it. Metrics are those of the test split, or else of the validation split.
    """
    from specnet.runs.kept import find_runs, read_run

    path = Path(folder)
    if not path.is_dir():
        raise typer.BadParameter(f"there is no folder {folder}", param_hint="FOLDER")
    found = [read_run(each) for each in find_runs(path)]
    if output is OutputStyle.JSON:
        write_json({"version": 1, "runs": [run.as_dict() for run in found]})
    elif found:
        console = results()
        runs_table(found, console.width).show(console)
    else:
        say(notes(), f"there are no runs in {folder}")
    return 0


def runs_table(found: list[KeptRun], columns: int) -> TextTable:
    """Return a row a run; the figures that find no room are left out, from the right."""
    names = list(
        dict.fromkeys(
            name
            for run in found
            for name, value in run.splits.get(run.judge or "", {}).items()
            if not isinstance(value, list)
        )
    )
    heads, sides = ["run", "status", "started", "epochs", "time", "split"], "<<<>><"
    rows = [_row(run) for run in found]
    figures = {name: [_figure(run, name) for run in found] for name in names}
    while True:
        own = [[figures[name][n] for name in names] for n in range(len(found))]
        cells = [[*row, *more] for row, more in zip(rows, own, strict=True)]
        table = TextTable([*heads, *names], sides + ">" * len(names), list(cells))
        if table.width <= columns or not names:
            return table
        if len(names) <= KEPT_FIGURES and "started" in heads:
            place = heads.index("started")
            heads, sides = heads[:place] + heads[place + 1 :], sides[:place] + sides[place + 1 :]
            rows = [row[:place] + row[place + 1 :] for row in rows]
        else:
            names.pop()


def _figure(run: KeptRun, name: str) -> str:
    value = run.splits.get(run.judge or "", {}).get(name)
    return number(value) if isinstance(value, float) else ""


def _row(run: KeptRun) -> list[str]:
    result = run.result or {}
    epochs = result.get("epochs")
    seconds = result.get("seconds")
    return [
        str(run.path),
        run.status.replace("_", " "),
        started(run),
        f"{len(run.history()) if epochs is None else epochs:,}",
        "" if seconds is None else duration(seconds),
        run.judge or "",
    ]


def started(run: KeptRun) -> str:
    """Return when a run began, in the time of this machine."""
    try:
        moment = datetime.fromisoformat(str(run.made_of.get("created")))
    except ValueError:
        return ""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def chosen(names: list[str]) -> list[KeptRun]:
    """Return the runs that directories, folders of runs and patterns name, each once.

    Raises BadParameter for what names none.
    """
    from specnet.runs.directory import why_no_run
    from specnet.runs.kept import find_runs, read_run

    paths: dict[Path, None] = {}
    for name in names:
        pattern = has_magic(name) and not Path(name).exists()
        places = sorted(glob(name)) if pattern else [name]  # noqa: PTH207 (a pattern may be absolute)
        found = [run for place in places if Path(place).is_dir() for run in find_runs(Path(place))]
        if not found:
            nothing = "nothing has this name" if not places else why_no_run(Path(places[0]))
            raise typer.BadParameter(f"{name}: {nothing}", param_hint="RUN")
        paths |= dict.fromkeys(found)
    return [read_run(path) for path in paths]
