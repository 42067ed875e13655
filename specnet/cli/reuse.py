"""The commands that use what is there: a trained run, a table, a document's gradients."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from specnet.cli.app import As, OutputStyle, Overrides, SpecFile, app
from specnet.cli.guard import guarded


@app.command("check-gradients")
@guarded
def check_gradients(
    spec: SpecFile,
    overrides: Overrides = None,
    rows: Annotated[
        int, typer.Option(min=1, help="How many rows of the training split the loss is computed on.")
    ] = 32,
    entries: Annotated[
        int, typer.Option(min=1, help="How many elements of each parameter are perturbed, one at a time.")
    ] = 32,
    output: As = OutputStyle.TABLE,
) -> int:
    """Compare gradients with central differences.

    Both are computed in float64, on the document's own data. The row of a parameter shows where gradient and
    difference are furthest apart, relative to their size. Parameters with more numbers than are perturbed one at a
    time are also perturbed as a whole, in a random direction. Exits with 1 if a gradient is wrong.
    """
    from specnet.cli.check_gradients import check_gradients as check

    return check(spec, overrides or [], rows=rows, entries=entries, as_json=output is OutputStyle.JSON)


RunPath = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="The directory of a finished run, such as runs/iris/001.", show_default=False
    ),
]


@app.command()
@guarded
def evaluate(
    run: RunPath,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="Inputs and targets in the format that the run was trained on: CSV, npz, or a folder of images.",
            show_default=False,
        ),
    ] = None,
    output: As = OutputStyle.TABLE,
) -> int:
    """Evaluate a finished run on its own or other data.

    Loss and metrics are those that the document names. Without DATA the run's own data are read again, which
    must not have changed. Columns of a CSV file are found by name, in any order; others are ignored.
    """
    from specnet.cli.evaluate import evaluate as measure

    return measure(run, data, as_json=output is OutputStyle.JSON)


class Predictions(StrEnum):
    """The format of predictions."""

    CSV = "csv"
    JSONL = "jsonl"


@app.command()
@guarded
def predict(
    run: RunPath,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="New rows: CSV, JSON lines (.jsonl), npz, npy, idx or images, as the run was trained on, or - for CSV "
            "or JSON lines on standard input.",
            show_default=False,
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write a .csv, .jsonl or .npz file; a failure leaves no partial file.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Predictions, typer.Option("--output", help="The format of predictions on standard output.")
    ] = Predictions.CSV,
) -> int:
    """Predict new rows with a finished run.

    Rows need no targets. Named columns are found by name, in any order: a missing one is an error, one
    that the model does not use is ignored with a note. The stored transforms and categories are applied;
    a category that the training data did not have, or a missing value, is an error unless the run's document says
    otherwise (`unknown`, `missing`). Classes are written by name, with their probabilities. Rows are processed in
    blocks, so a file may be larger than memory.
    """
    from specnet.cli.predict import predict as write

    return write(run, data, out=out, output=output.value)


@app.command()
@guarded
def init(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A CSV file.", show_default=False)],
    target: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The column to predict, by name or by index from 0; the last one if left out.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The document to write, or - for standard output; DATA's name with .toml if left out.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    output: As = OutputStyle.TABLE,
) -> int:
    """Write a first document for a table, with reasons.

    Reads the whole file to find delimiter, header, types of columns, classes, missing values and scales. The
    document runs as it is, with a comment that explains each choice.
    """
    from specnet.cli.init import init as write

    return write(data, target=target, out=out, force=force, as_json=output is OutputStyle.JSON)
