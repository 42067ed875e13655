"""The document that a document comes to: what it extends, overrides and references resolved."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from specnet.cli.guard import FAULTY, MISUSED

if TYPE_CHECKING:
    from specnet.cli.check_options import CheckOptions


def print_resolved(arguments: Sequence[str], options: CheckOptions) -> int:
    """Print the resolved document on standard output, its findings on standard error, and return the exit code."""
    from specnet.cli.check_options import read_document
    from specnet.cli.documents import find
    from specnet.cli.terminal import failed, write_data
    from specnet.diagnostics import SpecError
    from specnet.diagnostics.formats.full import full_text
    from specnet.language.loading import resolved_text

    found = find(arguments, confine=options.confine)
    for problem in found.problems:
        failed(problem)
    if found.problems:
        return MISUSED
    if len(found.files) != 1:
        raise typer.BadParameter(f"it takes one document, not {len(found.files)}", param_hint="--resolved")
    try:
        source = read_document(found.files[0], options)
    except SpecError as error:
        from specnet.diagnostics import Report

        sys.stderr.write(full_text(Report(1, tuple(error.diagnostics), error.sources)))
        return FAULTY
    report = options.check(source)
    text = resolved_text(source, options.overrides, options.confine, environment=options.environment)
    if text is not None:
        write_data(text)
    if report.diagnostics:
        sys.stderr.write(full_text(report))
    return FAULTY if report.failing(options.fail_on) else 0
