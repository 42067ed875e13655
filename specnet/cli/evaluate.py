from __future__ import annotations

from typing import Annotated

from specnet.cli.given import must_exist, named
from specnet.cli.options import As, OutputStyle, RunPath, argument
from specnet.cli.tables import section
from specnet.cli.terminal import results, write_json
from specnet.diagnostics import SpecError


def evaluate(
    run: RunPath,
    data: Annotated[
        str | None,
        argument(
            "DATA",
            help="Inputs and targets in the format that the run was trained on: CSV, npz, or a folder of images.",
        ),
    ] = None,
    output: As = OutputStyle.TABLE,
) -> int:
    """Evaluate a finished run on its own or other data.

    Loss and metrics are those that the document names. Without DATA the run's own data are read again, which
    must not have changed. Columns of a CSV file are found by name, in any order; others are ignored.
    """
    from specnet import api
    from specnet.cli.results import MAXIMUM_CLASSES, confusion_table, results_table

    must_exist(run)
    if data is not None:
        must_exist(data)
    try:
        found = api.evaluate(run, data)
    except SpecError as error:
        raise named(error, data or run) from None
    if output is OutputStyle.JSON:
        write_json(found.as_dict())
        return 0
    console = results()
    results_table(found.splits, found.rows, console.width).show(console)
    split = list(found.splits)[-1]
    for name, value in found.splits[split].items():
        if isinstance(value, list) and len(value) <= MAXIMUM_CLASSES:
            section(console, f"{name} of {split}: true classes in rows, predicted ones in columns")
            confusion_table(value, found.classes, console.width).show(console)
    return 0
