from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from specnet import api
from specnet.cli.documents import STDIN, find
from specnet.cli.formats import Output, write
from specnet.cli.guard import FAULTY, MISUSED
from specnet.diagnostics import Diagnostic, Report, Severity, SpecError, SpecFileError
from specnet.language import Source, read
from specnet.language.source import MAX_BYTES, bytes_source


@dataclass(frozen=True, slots=True)
class Options:
    """How documents are checked, and what becomes of the findings."""

    outputs: Sequence[Output] = (Output("full"),)
    fail_on: Severity = "error"
    data: bool = True
    statistics: bool = False
    fix: bool = False
    diff: bool = False
    stdin_filename: str | None = None
    specs_only: bool = False


def validate(arguments: Sequence[str], overrides: list[str], options: Options) -> int:
    """Check documents, write the findings, and return the exit code."""

    def check(source: Path | Source) -> Report:
        return api.validate(source, overrides, data=options.data)

    found = find(arguments, specs_only=options.specs_only)
    reports: list[Report] = []
    unread = [*found.problems]
    mending = _Mending(check, show=options.diff) if options.fix or options.diff else None
    for file in found.files:
        try:
            source = _stdin(options.stdin_filename) if file == STDIN else Path(file)
            reports.append(_checked(source, check) if mending is None else mending.of(source))
        except SpecError as error:
            name = next((d.file for d in error.diagnostics if d.file), file)
            reports.append(Report(1, error.diagnostics, error.sources, (name,)))
        except SpecFileError as error:
            unread.append(str(error))
    report = replace(_joined(reports), unread=tuple(unread))
    if not (mending is not None and mending.show):
        _write(report, options)
    if mending is not None:
        _say(mending.summary())
        # What would be fixed is still wrong: `--diff` passes where there is nothing to do.
        if mending.show and mending.failing(options.fail_on):
            return MISUSED if unread else FAULTY
    for message in unread:
        _failed(message)
    if unread:
        return MISUSED
    return FAULTY if report.failing(options.fail_on) else 0
