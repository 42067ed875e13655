from __future__ import annotations

import json
import sys
from pathlib import Path

from specnet import api
from specnet.cli.results import MOST_CLASSES, confusion_table, results_table
from specnet.cli.tables import section
from specnet.cli.terminal import results
from specnet.diagnostics import Diagnostic, SpecError, SpecFileError
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
        if isinstance(value, list) and len(value) <= MOST_CLASSES:
            section(console, f"{name} of {split}: true classes in rows, predicted ones in columns")
            confusion_table(value, found.classes, console.width).show(console)
    return 0


def must_exist(path: str) -> None:
    """Raise SpecFileError where there is no file or directory of that name."""
    try:
        there = Path(path).exists()
    except (OSError, ValueError):
        there = False
    if not there:
        raise SpecFileError(f"{path}: no such file or directory")


def named(error: SpecError, file: str) -> SpecError:
    """Return an error whose findings say which file they are about."""
    found = [
        Diagnostic(d.code, d.message, severity=d.severity, help=d.help, file=d.file or file, span=d.span)
        for d in error.diagnostics
    ]
    return SpecError(found, error.sources)
