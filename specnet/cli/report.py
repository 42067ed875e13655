from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specnet.cli.options import RunPlugins, argument, out_file
from specnet.cli.terminal import results, say


def report(
    run: Annotated[
        str,
        argument(
            "RUN",
            help="The directory of a run, such as runs/iris/001, or of a sweep, such as runs/iris-sweep/001.",
        ),
    ],
    out: Annotated[str | None, out_file("Write the page here.", "RUN/report.html")] = None,
    plugins: RunPlugins = False,
) -> int:
    """Write a report of a run or of a sweep as one HTML page.

    It shows results, learning curves, the fit verdict, confusion or residuals, the worst predictions, calibration,
    the importance of columns, layers, weights and gradients, the plan, the document, and how to repeat the training.
    Of a sweep it shows the history, the parameters, their importances, the best runs' curves and all trials. The page
    needs no network. Needs the extra `report`; without it, the command says how to install it.
    """
    from specnet.runs.directory import RESOLVED, why_no_run
    from specnet.storage.plugins import import_plugins
    from specnet.sweeps.directory import DESCRIPTION

    folder = Path(run)
    if (folder / DESCRIPTION).is_file():
        needed()
        from specnet.sweeps.report import write_sweep_report

        say(results(), str(write_sweep_report(folder, None if out is None else Path(out))))
        return 0
    if not (folder / RESOLVED).exists():
        raise typer.BadParameter(f"{run}: {why_no_run(folder)}", param_hint="RUN")
    if plugins:
        import_plugins(folder)
    say(results(), str(page(folder, None if out is None else Path(out))))
    return 0


def needed() -> None:
    """Raise RunError where what a page is made with is not installed."""
    from specnet.runs import extras

    for module in ("jinja2", "matplotlib"):
        extras.needed(module, "report", "a report")


def page(run: Path, path: Path | None = None) -> Path:
    """Write a run's page and return where it is."""
    needed()
    from specnet.reporting.html.page import write_report

    return write_report(run, path)
