"""The commands that look at what runs have left."""

from __future__ import annotations

from typing import Annotated

import typer

from specnet.cli import reuse  # noqa: F401 (registers its commands)
from specnet.cli.app import As, OutputStyle, app
from specnet.cli.guard import guarded

__all__ = ["app"]


@app.command()
@guarded
def runs(
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="The folder in which, and below which, runs are listed.")
    ] = "runs",
    output: As = OutputStyle.TABLE,
) -> int:
    """List runs with their status, time and metrics.

    A run is `running` while a process is training it, and `unfinished` if that process has died: `specnet
    run SPEC --resume` continues it. Metrics are those of the test split, or else of the validation split.
    """
    from specnet.cli.runs import runs as show

    return show(folder, as_json=output is OutputStyle.JSON)


@app.command()
@guarded
def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="The directories of two or more runs, folders of runs such as runs/iris, or quoted patterns.",
            show_default=False,
        ),
    ],
    svg: Annotated[
        str | None,
        typer.Option(
            "--svg",
            metavar="FILE",
            help="Also draw the curves into this file; needs the extra `report`.",
            show_default=False,
        ),
    ] = None,
    output: As = OutputStyle.TABLE,
) -> int:
    """Show how runs differ, and their results.

    Shows every key that differs between the documents, defaults included; the loss and the metrics of every split,
    the best marked with a star; and the loss from epoch to epoch.
    """
    from specnet.cli.compare import compare as show

    return show(runs, svg=svg, as_json=output is OutputStyle.JSON)


@app.command()
@guarded
def report(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="The directory of a run, such as runs/iris/001.", show_default=False
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", metavar="FILE", help="Write the page here.", show_default="RUN/report.html"
        ),
    ] = None,
) -> int:
    """Write a complete report of a run as one HTML page.

    It shows results, learning curves, the fit verdict, confusion or residuals, the worst predictions, calibration,
    layers, weights and gradients, the plan, the document, and how to repeat the training. The page needs no
    network. Needs the extra `report`; without it, the command says how to install it.
    """
    from specnet.cli.report import report as write

    return write(run, out)
