from __future__ import annotations

from pathlib import Path
from typing import Annotated

from specnet.cli.given import STDIN, must_exist, named, standard_input
from specnet.cli.options import As, OutputStyle, RunPath, RunPlugins, Threads, argument
from specnet.cli.tables import section
from specnet.cli.terminal import results, write_json
from specnet.diagnostics import SpecError


def evaluate(
    run: RunPath,
    data: Annotated[
        str | None,
        argument(
            "DATA",
            help="Rows with targets: CSV, Parquet, JSON, JSON lines (.jsonl), npz with `inputs` and `targets`, a "
            "folder of images, or - for CSV or JSON lines on standard input.",
        ),
    ] = None,
    threads: Threads = None,
    plugins: RunPlugins = False,
    output: As = OutputStyle.TABLE,
) -> int:
    """Evaluate a finished run on its own or other data.

    Loss and metrics are those that the document names. Without DATA the run's own data are read again, which
    must not have changed. Columns are found by name, in any order, and others are ignored. If the run was not
    trained on a table, the columns that are not inputs are the target.
    """
    from specnet.cli.results import MAXIMUM_CLASSES, confusion_table, results_table, show_targets
    from specnet.runs.evaluating import evaluate as measured
    from specnet.storage.plugins import import_plugins

    must_exist(run)
    if data not in (None, "-"):
        must_exist(data)
    if plugins:
        import_plugins(Path(run))
    name = STDIN if data == "-" else data
    try:
        if data == "-":
            with standard_input() as path:
                found = measured(run, path, name=name, threads=threads)
        else:
            found = measured(run, data, threads=threads)
    except SpecError as error:
        raise named(error, name or run) from None
    if output is OutputStyle.JSON:
        write_json(found.as_dict())
        return 0
    console = results()
    results_table(found.splits, found.rows, console.width).show(console)
    show_targets(console, found.splits)
    split = list(found.splits)[-1]
    for name, value in found.splits[split].items():
        if isinstance(value, list) and len(value) <= MAXIMUM_CLASSES:
            section(console, f"{name} of {split}: true classes in rows, predicted ones in columns")
            confusion_table(value, found.classes, console.width).show(console)
    return 0
