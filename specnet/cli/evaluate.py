from __future__ import annotations

import json
import sys

from specnet import api
from specnet.cli.given import must_exist, named
from specnet.cli.results import MAXIMUM_CLASSES, confusion_table, results_table
from specnet.cli.tables import section
from specnet.cli.terminal import results
from specnet.diagnostics import SpecError
from specnet.runs.files import finite


def evaluate(run: str, data: str | None, *, as_json: bool) -> int:
    """Print the figures of a run on its own splits, or on the data of a file, and return the exit code."""
    must_exist(run)
    if data is not None:
        must_exist(data)
    try:
        found = api.evaluate(run, data)
    except SpecError as error:
        raise named(error, data or run) from None
    if as_json:
        sys.stdout.write(json.dumps(finite(found.as_dict()), indent=2, ensure_ascii=False) + "\n")
        return 0
    console = results()
    results_table(found.splits, found.rows, console.width).show(console)
    split = list(found.splits)[-1]
    for name, value in found.splits[split].items():
        if isinstance(value, list) and len(value) <= MAXIMUM_CLASSES:
            section(console, f"{name} of {split}: true classes in rows, predicted ones in columns")
            confusion_table(value, found.classes, console.width).show(console)
    return 0
