from __future__ import annotations

from pathlib import Path

import typer

from specnet.cli.terminal import results, say
from specnet.runs import extras
from specnet.runs.directory import RESOLVED, why_no_run


def report(run: str, out: str | None) -> int:
    """Write a run's page, print where it is, and return the exit code."""
    folder = Path(run)
    if not (folder / RESOLVED).exists():
        raise typer.BadParameter(f"{run}: {why_no_run(folder)}", param_hint="RUN")
    say(results(), str(page(folder, None if out is None else Path(out))))
    return 0


def needed() -> None:
    """Raise RunError where what a page is made with is not installed."""
    for module in ("jinja2", "matplotlib"):
        extras.needed(module, "report", "a report")


def page(run: Path, path: Path | None = None) -> Path:
    """Write a run's page and return where it is."""
    needed()
    from specnet.runs.report.page import write_report

    return write_report(run, path)
