from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, cast

import typer

from specnet.cli.given import STDIN, file_format, must_exist
from specnet.cli.options import EngineName, RunPaths, RunPlugins, Threads, argument, choice, option, out_file
from specnet.cli.terminal import data_file
from specnet.diagnostics import RunError, SpecFileError

if TYPE_CHECKING:
    from specnet.data.kept_columns import KeptColumns

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".npz": "npz"}
"""What a file of predictions is written as, by its suffix."""


class Predictions(StrEnum):
    """The format of predictions."""

    CSV = "csv"
    JSONL = "jsonl"


def predict(
    runs: RunPaths,
    data: Annotated[
        str,
        argument(
            "DATA",
            help="New rows: CSV, JSON lines (.jsonl), npz, npy, idx or images, as the run was trained on, or - for CSV "
            "or JSON lines on standard input.",
        ),
    ],
    out: Annotated[
        str | None, out_file("Write a .csv, .jsonl or .npz file; a failure leaves no partial file.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        option(
            "--keep",
            metavar="COLUMN",
            help="Write a column of DATA next to the predictions; may be given repeatedly.",
        ),
    ] = None,
    append: Annotated[
        bool, typer.Option("--append", help="Write all columns of DATA, with the predictions after them.")
    ] = False,
    plugins: RunPlugins = False,
    output: Annotated[
        Predictions,
        choice("--output", kinds=Predictions, help="The format of predictions on standard output."),
    ] = Predictions.CSV,
    threads: Threads = None,
    engine: EngineName = None,
) -> int:
    """Predict new rows with a finished run, or with several.

    Of several runs, with seeds or networks of their own, probabilities and numbers are averaged, and their standard
    deviation is written as std(...). All must take the same rows and predict the same.

    Rows need no targets. Named columns are found by name, in any order: a missing one is an error, one
    that the model does not use is ignored with a note. The stored transforms and categories are applied;
    a category that the training data did not have, or a missing value, is an error unless the run's document says
    otherwise (`unknown`, `missing`). The columns of the document's `id` come before the predictions. Classes are
    written by name, with their probabilities. Rows are processed in blocks, so a file may be larger than memory.
    """
    form = output if out is None else file_format(out, FORMATS)
    for run in runs:
        must_exist(run)
    if data != "-":
        must_exist(data)
    from specnet.data import row_files
    from specnet.data.kept_columns import KeptColumns
    from specnet.runs.averaging import load_together
    from specnet.runs.predicting import one_of, predictions, readings
    from specnet.storage.files import write_whole
    from specnet.storage.plugins import import_plugins

    for run in runs if plugins else ():
        import_plugins(Path(run))
    model = load_together(runs, threads, engine)
    encoding = one_of(model).encoding
    if encoding is None:
        raise RunError(f"{runs[0]} has no data to describe its rows")
    if data == "-" and sys.stdin is None:
        raise SpecFileError("-: there is no standard input")
    name = STDIN if data == "-" else data
    source = cast("io.BufferedReader", sys.stdin.buffer) if data == "-" else Path(data)
    reading = readings(model)
    ids = getattr(encoding.format, "ids", ())
    kept = KeptColumns(ids=ids, asked=tuple(dict.fromkeys(keep or ())), every=append)
    try:
        blocks = row_files.blocks(encoding, source, name, _note, kept)
        parts = predictions(model, blocks, name)
        files = row_files.are_files(encoding, source)
        if out is None:
            _write(data_file(), form, reading, parts, kept, files=files)
        else:
            empty = one_of(model).no_predictions
            write_whole(Path(out), lambda file: _save(file, form, reading, parts, kept, empty, files))
    except IsADirectoryError:
        raise SpecFileError(f"{data}: this is a directory, not a file of rows") from None
    except OSError as error:
        raise SpecFileError(f"{data}: {error.strerror or error}") from None
    return 0


def _write(
    file: IO[str], form: str, reading: Any, parts: Iterator[Any], kept: KeptColumns, *, files: bool
) -> None:
    from specnet.runs.prediction_files import write_csv, write_lines

    if form == "csv":
        write_csv(file, reading, parts, files=files, kept=kept)
    else:
        write_lines(file, reading, parts, kept)


def _save(
    file: IO[bytes],
    form: str,
    reading: Any,
    parts: Iterator[Any],
    kept: KeptColumns,
    empty: Any,
    files: bool,
) -> None:
    from specnet.runs.prediction_files import write_npz

    if form == "npz":
        write_npz(file, reading, parts, empty, kept)
        return
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    _write(text, form, reading, parts, kept, files=files)
    text.detach()


def _note(text: str) -> None:
    from specnet.cli.terminal import notes, say

    say(notes(), f"note: {text}")
