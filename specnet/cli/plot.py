from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specnet.cli.options import RunPlugins, argument, option, out_file
from specnet.cli.terminal import results, say

if TYPE_CHECKING:
    from specnet.reporting.drawing import Drawing


def plot(
    run: Annotated[str, argument("RUN", help="The directory of a run, such as runs/iris/001.")],
    what: Annotated[
        str,
        option(
            "--what",
            metavar="NAME",
            help="loss, learning_rate or a metric by epoch; boundary, weights, activations, "
            "reconstructions, confusion or forecasts.",
            default="loss",
        ),
    ] = "loss",
    split: Annotated[
        str | None,
        option(
            "--split",
            metavar="SPLIT",
            help="The rows to show: train, validation or test; train for boundary, else the last of these.",
        ),
    ] = None,
    layer: Annotated[
        str | None, option("--layer", metavar="LAYER", help="The layer, for weights and activations.")
    ] = None,
    out: Annotated[
        str | None, out_file("The .png, .svg or .pdf file to write.", "RUN/plots/NAME.png")
    ] = None,
    plugins: RunPlugins = False,
) -> int:
    """Draw a run: curves, boundary, weights and more.

    Curves are read from the run alone; boundary, activations, reconstructions, confusion and forecasts read the run's
    data again, which must not have changed. A boundary needs inputs of two numbers, reconstructions an autoencoder,
    and forecasts a model of series. Needs the extra `report`; without it, the command says how to install it.
    """
    from specnet.runs.directory import PLOTS, RESOLVED, why_no_run
    from specnet.storage.plugins import import_plugins

    folder = Path(run)
    if not (folder / RESOLVED).exists():
        raise typer.BadParameter(f"{run}: {why_no_run(folder)}", param_hint="RUN")
    name = what if layer is None else f"{what}.{layer}"
    path = folder / PLOTS / f"{name}.png" if out is None else Path(out)
    check_picture(path)
    if plugins:
        import_plugins(folder)
    drawing = _drawing(folder, what, split, layer)
    from specnet.reporting.drawing import write_drawing
    from specnet.storage.files import writing

    if out is None:
        with writing(path.parent):
            path.parent.mkdir(exist_ok=True)
    write_drawing(path, drawing)
    say(results(), str(path))
    return 0


def check_picture(path: Path) -> None:
    """Refuse a file that is not a picture's, and report a missing extra, before anything is computed."""
    from specnet.reporting.drawing import check_file

    try:
        check_file(path)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--out") from None


def _drawing(folder: Path, what: str, split: str | None, layer: str | None) -> Drawing:
    from specnet.reporting.drawing import InapplicableError
    from specnet.reporting.plotting import PlottedRun, picture
    from specnet.runs.kept import read_run

    try:
        return picture(PlottedRun(read_run(folder), split, layer), what)
    except InapplicableError as error:
        raise typer.BadParameter(str(error), param_hint=error.option) from None
