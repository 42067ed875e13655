from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import typer

from specnet import api
from specnet.cli.given import must_exist
from specnet.diagnostics import RunError, SpecFileError

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".npz": "npz"}
"""What a file of predictions is written as, by its suffix."""


def predict(run: str, data: str, *, out: str | None, output: str) -> int:
    """Write a run's predictions for the rows of a file or of standard input, and return the exit code."""
    form = output if out is None else FORMATS.get(Path(out).suffix.lower())
    if form is None:
        raise typer.BadParameter(f"{out} ends in none of {', '.join(FORMATS)}", param_hint="--out")
    must_exist(run)
    if data != "-":
        must_exist(data)
    model = api.load_run(run)
    from specnet.runs.files import write_whole
    from specnet.runs.predicting import predictions, readings
    from specnet.runs.row_files import RowFile

    if model.encoding is None:
        raise RunError(f"{run} has no data to describe its rows")
    name = "standard input" if data == "-" else data
    rows = RowFile(model.encoding, name, _note)
    source = cast("io.BufferedReader", sys.stdin.buffer) if data == "-" else Path(data)
    reading = readings(model)
    try:
        parts = predictions(model, rows.blocks(source), name)
        if out is None:
            _write(sys.stdout, form, reading, parts, files=rows.of_files(source))
        else:
            empty, files = model.no_predictions, rows.of_files(source)
            write_whole(Path(out), lambda file: _save(file, form, reading, parts, empty, files))
    except IsADirectoryError:
        raise SpecFileError(f"{data}: this is a directory, not a file of rows") from None
    except PermissionError as error:
        raise SpecFileError(f"{data}: {error.strerror}") from None
    return 0


def _write(file: IO[str], form: str, reading: Any, parts: Iterator[Any], *, files: bool) -> None:
    from specnet.runs.predicting import write_csv, write_lines

    if form == "csv":
        write_csv(file, reading, parts, files=files)
    else:
        write_lines(file, reading, parts)


def _save(file: IO[bytes], form: str, reading: Any, parts: Iterator[Any], empty: Any, files: bool) -> None:
    from specnet.runs.predicting import write_npz

    if form == "npz":
        write_npz(file, reading, parts, empty)
        return
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    _write(text, form, reading, parts, files=files)
    text.detach()


def _note(text: str) -> None:
    from specnet.cli.terminal import notes, say

    say(notes(), f"note: {text}")
