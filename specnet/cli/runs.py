from __future__ import annotations

from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specnet.cli.options import As, OutputStyle, argument, option
from specnet.cli.terminal import notes, results, say, write_json

if TYPE_CHECKING:
    from specnet.cli.runs_table import SortKey
    from specnet.runs.kept import KeptRun
    from specnet.sweeps.kept import KeptSweep


def runs(
    folder: Annotated[
        str, argument("FOLDER", help="The folder below which runs are listed; runs if left out.")
    ] = "runs",
    sort: Annotated[
        str | None,
        option(
            "--sort",
            metavar="KEY",
            help="Order by a figure or a key, such as started, validation.accuracy or learning_rate; with a leading - "
            "from the largest.",
        ),
    ] = None,
    filters: Annotated[
        list[str] | None,
        option(
            "--filter",
            metavar="EXPR",
            help="Only runs for which this holds, such as name=iris, stopped=completed, 'test.accuracy>=0.9' or "
            "training.epochs=5; may be given repeatedly.",
        ),
    ] = None,
    output: As = OutputStyle.TABLE,
) -> int:
    """List runs with status, time and metrics, and sweeps.

    A run is `running` while a process is training it, and `unfinished` if that process has died: `specnet
    run SPEC --resume` continues it. Metrics are those of the test split, or else of the validation split. Keys are
    those of the document, run, name, status, started, epochs, time and parameters, and figures as SPLIT.METRIC; the
    end of a key is enough where no other has it. The trials of a sweep are runs in its directory; sweeps are not
    listed with --filter.
    """
    from specnet.runs.kept import find_runs, read_runs
    from specnet.sweeps.kept import find_sweeps

    path = Path(folder)
    if not path.is_dir():
        what = "is a file, not a folder of runs" if path.exists() else "does not exist"
        raise typer.BadParameter(f"{folder} {what}", param_hint="FOLDER")
    unread: list[str] = []
    every, damaged = read_runs(find_runs(path, unread))
    sweeps: list[KeptSweep] = []
    if not filters:
        sweeps, faulty = find_sweeps(path)
        damaged += faulty
    for problem in (*unread, *damaged):
        say(notes(), f"warning: {problem}", "bold yellow")
    found, shown = selected(every, sort, filters or ())
    if output is OutputStyle.JSON:
        write_json(
            {
                "version": 1,
                "runs": [run.as_dict() for run in found],
                "sweeps": [sweep.as_dict() for sweep in sweeps],
            }
        )
    elif found or sweeps:
        _show(found, shown, sweeps)
    elif every or not (unread or damaged):
        say(notes(), f"no run in {folder} matches" if every else f"there are no runs in {folder}")
    return 0


def _show(found: list[KeptRun], shown: SortKey | None, sweeps: list[KeptSweep]) -> None:
    from specnet.cli.runs_table import runs_table
    from specnet.cli.sweeps_table import sweeps_table

    console = results()
    if found:
        runs_table(found, console.width, shown).show(console)
    if found and sweeps:
        console.print()
    if sweeps:
        sweeps_table(sweeps, console.width).show(console)


def selected(
    runs: list[KeptRun], sort: str | None, filters: Sequence[str]
) -> tuple[list[KeptRun], SortKey | None]:
    """Return the runs that all filters leave, in order, and what they are ordered by."""
    from specnet.cli.runs_table import SortKey
    from specnet.runs.selecting import RunValues

    if not runs or not (sort or filters):
        return runs, None
    values = RunValues(runs)
    for expression in filters:
        try:
            left = values.filtered(expression)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--filter") from None
        runs = [run for run in runs if run in left]
    if sort is None:
        return runs, None
    try:
        ordered, key = values.ordered(sort), values.key(asked := sort.removeprefix("-"))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--sort") from None
    cells = {run.path: value for run, value in zip(values.runs, values.of(key), strict=True)}
    return [run for run in ordered if run in runs], SortKey(asked, key, cells)


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
