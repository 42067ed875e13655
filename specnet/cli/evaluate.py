from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specnet.cli.given import STDIN, must_exist, named, standard_input
from specnet.cli.options import (
    As,
    EngineName,
    OutputStyle,
    RunPlugins,
    Threads,
    argument,
    option,
    whole_number,
)
from specnet.cli.tables import section
from specnet.cli.terminal import results, write_json
from specnet.diagnostics import SpecError

if TYPE_CHECKING:
    from specnet.analysis.importance import Importance
    from specnet.analysis.permutation import ImportanceSettings
    from specnet.model.evaluation import Evaluation


def evaluate(
    paths: Annotated[
        list[str],
        argument(
            "RUN... [DATA]",
            help="The directory of a finished run, or of several, whose predictions are averaged, and rows with "
            "targets: CSV, Parquet, JSON, JSON lines (.jsonl), npz with `inputs` and `targets`, a folder of images, "
            "or - for CSV or JSON lines on standard input.",
        ),
    ],
    importance: Annotated[
        bool,
        typer.Option(
            "--importance",
            help="Also measure how much worse a metric is when a column of the inputs is permuted.",
        ),
    ] = False,
    metric: Annotated[
        str | None,
        option(
            "--metric",
            metavar="NAME",
            help="The metric of --importance, or loss. Default: the metric that early stopping monitors, else the "
            "first one of the run.",
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        whole_number(
            "--repeats",
            minimum=1,
            maximum=1000,
            default=False,
            help="How many times --importance permutes each column. Default: 5.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        whole_number("--seed", minimum=0, default=False, help="The seed of the permutations. Default: 0."),
    ] = None,
    threads: Threads = None,
    engine: EngineName = None,
    plugins: RunPlugins = False,
    output: As = OutputStyle.TABLE,
) -> int:
    """Evaluate a finished run, or the mean of several, on data.

    Loss and metrics are those that the document names; of several runs, those of the first, for the mean of what
    all predict, and next to it the mean and the standard deviation of what each comes to by itself. Without DATA the
    run's own data are read again, which must not have changed. Columns are found by name, in any order, and others
    are ignored. If the run was not trained on a table, the columns that are not inputs are the target.

    With --importance, each column of DATA, or of the run's test split (else its validation split, else its training
    split), is permuted among the rows, at most 10,000 of them; JSON also has the mean prediction by the column's
    value.
    """
    from specnet.cli.results import (
        MAXIMUM_CLASSES,
        confusion_table,
        show_certainty,
        show_evaluation,
        show_importance,
        show_targets,
    )
    from specnet.storage.plugins import import_plugins

    asked = _asked(importance, metric, repeats, seed, output)
    runs, data = _runs_and_data(paths)
    for run in runs:
        must_exist(run)
    if data not in (None, "-"):
        must_exist(data)
    for run in runs if plugins else ():
        import_plugins(Path(run))
    name = STDIN if data == "-" else data
    try:
        with standard_input() if data == "-" else nullcontext(data) as path:
            found, important = _measured(runs, path, name, threads, engine, asked)
    except SpecError as error:
        raise named(error, name or runs[0]) from None
    if output is OutputStyle.JSON:
        more = {} if important is None else {"importance": important.to_dict()}
        write_json({**found.as_dict(), **more})
        return 0
    console = results()
    show_evaluation(console, found)
    show_targets(console, found.splits)
    show_certainty(console, found.uncertainty)
    split = list(found.splits)[-1]
    for name, value in found.splits[split].items():
        if isinstance(value, list) and len(value) <= MAXIMUM_CLASSES:
            section(console, f"{name} of {split}: true classes in rows, predicted ones in columns")
            confusion_table(value, found.classes, console.width).show(console)
    if important is not None:
        show_importance(console, important)
    return 0


def _runs_and_data(paths: list[str]) -> tuple[list[str], str | None]:
    """Return the runs among some paths, and the data: the last of several paths."""
    from specnet.runs.directory import RESOLVED

    if len(paths) < 2:
        return paths, None
    *runs, data = paths
    if Path(data).suffix == ".specnet" or (Path(data) / RESOLVED).exists():
        message = f"{data} is a run: the rows to evaluate on come last, after all runs"
        raise typer.BadParameter(message, param_hint="DATA")
    return runs, data


def _asked(
    importance: bool, metric: str | None, repeats: int | None, seed: int | None, output: OutputStyle
) -> ImportanceSettings | None:
    """Return how importance is measured; None where it was not asked for."""
    if not importance:
        given = {"--metric": metric, "--repeats": repeats, "--seed": seed}
        alone = next((flag for flag, value in given.items() if value is not None), None)
        if alone is not None:
            raise typer.BadParameter("it says how importance is measured: add --importance", param_hint=alone)
        return None
    from specnet.analysis.permutation import REPEATS, ImportanceSettings

    # A table has no room for partial dependence.
    dependences = None if output is OutputStyle.JSON else 0
    return ImportanceSettings(repeats or REPEATS, seed or 0, metric, dependences=dependences)


def _measured(
    runs: list[str],
    data: str | Path | None,
    name: str | None,
    threads: int | None,
    engine: str | None,
    asked: ImportanceSettings | None,
) -> tuple[Evaluation, Importance | None]:
    from specnet.analysis.input_columns import UnexplainedError
    from specnet.runs.evaluating import evaluate as measured
    from specnet.runs.importance import measured_run

    if asked is None:
        return measured(runs, data, name=name, threads=threads, engine=engine), None
    try:
        loaded = measured_run(runs, data, name=name, threads=threads, engine=engine)
        return loaded.evaluate(), loaded.importance(asked)
    except UnexplainedError as error:
        raise typer.BadParameter(str(error), param_hint=error.option) from None
