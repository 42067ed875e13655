"""The warnings about a document, as a run shows them before it trains."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import typer
from rich.console import Console

from specnet.cli.guard import FAULTY
from specnet.cli.terminal import failed, line, say
from specnet.diagnostics import Report
from specnet.diagnostics.formats.concise import concise
from specnet.diagnostics.text import counted

LIMIT = 10
"""How many warnings are shown before the rest are counted."""


def show_warnings(console: Console, report: Report, arguments: Sequence[str], *, strict: bool) -> None:
    """Show warnings, a line each, and the command that explains them.

    `arguments` are those of that command. With `strict` the warnings are errors: raises Exit.
    """
    found = report.diagnostics
    lead = ("error", "bold red") if strict else ("warning", "bold yellow")
    for diagnostic in found[:LIMIT]:
        line(console, lead, ": ", concise(diagnostic))
    if len(found) > LIMIT:
        say(console, f"and {len(found) - LIMIT} more")
    say(console, f"for details: {shlex.join(['specnet', 'validate', *arguments])}")
    if strict:
        failed(f"nothing was trained: {counted(len(found), 'warning')} with --strict")
        raise typer.Exit(FAULTY)
