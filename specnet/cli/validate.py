from __future__ import annotations

import sys
from pathlib import Path

from specnet import api
from specnet.cli.guard import FAULTY, MISUSED
from specnet.diagnostics import Diagnostic, Report, SpecFileError


def validate(files: list[str], overrides: list[str], *, style: str, strict: bool, data: bool) -> int:
    """Check documents, print the findings, and return the exit code."""
    reports: list[Report] = []
    unread: list[str] = []
    for file in files:
        try:
            reports.append(api.validate(Path(file), overrides, data=data))
        except SpecFileError as error:
            unread.append(str(error))
    report = _joined(reports)
    _print(report, style)
    if unread:
        from specnet.cli.terminal import failed

        for message in unread:
            failed(message)
        return MISUSED
    return FAULTY if not report.ok or (strict and report.diagnostics) else 0


def _joined(reports: list[Report]) -> Report:
    found: tuple[Diagnostic, ...] = ()
    sources: dict[str, str] = {}
    for report in reports:
        found += report.diagnostics
        sources |= report.sources
    return Report(sum(report.files for report in reports), found, sources)


def _print(report: Report, style: str) -> None:
    if style == "json":
        from specnet.diagnostics.json_report import json_report

        sys.stdout.write(json_report(report))
    elif style == "concise":
        from specnet.diagnostics.concise import concise_report

        sys.stdout.write(concise_report(report))
    elif report.diagnostics:
        from specnet.cli.terminal import results, show_segments
        from specnet.diagnostics.full import full_report

        console = results()
        show_segments(console, full_report(report, console.width))
    else:
        from specnet.diagnostics.full import full_text

        sys.stdout.write(full_text(report))
