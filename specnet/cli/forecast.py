from __future__ import annotations

import io
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from specnet.cli.given import STDIN, file_format, must_exist, named, standard_input
from specnet.cli.options import (
    EngineName,
    RunPath,
    RunPlugins,
    Threads,
    argument,
    choice,
    out_file,
    whole_number,
)
from specnet.cli.terminal import data_file, results, write_json
from specnet.diagnostics import RunError, SpecError

if TYPE_CHECKING:
    from specnet.model.forecast import Backtest, Forecast

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
"""What a file of forecasts is written as, by its suffix."""


class ForecastStyle(StrEnum):
    """The format of forecasts, and of what a backtest comes to."""

    CSV = "csv"
    JSONL = "jsonl"
    TABLE = "table"
    JSON = "json"


def forecast(
    run: RunPath,
    data: Annotated[
        str,
        argument(
            "DATA",
            help="Series like those of the run: CSV, Parquet, npy or npz, or - for CSV on standard input.",
        ),
    ],
    out: Annotated[
        str | None, out_file("Write a .csv or .jsonl file; a failure leaves no partial file.")
    ] = None,
    backtest: Annotated[
        int | None,
        whole_number(
            "--backtest",
            minimum=1,
            maximum=10_000,
            default=False,
            help="Forecast from N origins within DATA instead, the last one at its end, and show how good they are.",
        ),
    ] = None,
    step: Annotated[
        int | None,
        whole_number(
            "--step",
            minimum=1,
            default=False,
            help="How many steps lie between two origins of --backtest. Default: the horizon.",
        ),
    ] = None,
    plugins: RunPlugins = False,
    output: Annotated[
        ForecastStyle | None,
        choice(
            "--output",
            kinds=ForecastStyle,
            default=False,
            help="The format on standard output: csv or jsonl of forecasts, table or json of a backtest. Default: csv, "
            "and table with --backtest.",
        ),
    ] = None,
    threads: Threads = None,
    engine: EngineName = None,
) -> int:
    """Forecast the steps after the last one of each series.

    A row is a series and a step, with its time, the forecast of each target, and with a `quantile` loss all quantiles.
    Times continue with the same steps. Rows at the end of a series without a target hold what is known ahead.

    With --backtest, the figures of each origin and of all together are shown, with the mean absolute error of the
    seasonal naive forecast; -o writes the forecasts next to the targets.
    """
    style = _style(backtest, step, output)
    form = style.value if out is None else file_format(out, FORMATS)
    must_exist(run)
    if data != "-":
        must_exist(data)
    from specnet.runs.loading import load_model
    from specnet.storage.files import write_whole
    from specnet.storage.plugins import import_plugins

    if plugins:
        import_plugins(Path(run))
    model = load_model(run, threads, engine)
    name = STDIN if data == "-" else data
    try:
        with standard_input() if data == "-" else nullcontext(data) as path:
            if backtest is None:
                made = {"": model.forecast(path, name=name)}
            else:
                tested = model.backtest(path, backtest, step=step, name=name)
                made = dict(tested.forecasts)
    except SpecError as error:
        raise named(error, name) from None
    except ValueError as error:
        raise RunError(f"{run}: {error}") from None
    if out is not None:
        write_whole(Path(out), lambda file: _save(file, form, made))
    if backtest is not None:
        _show(tested, style)
    elif out is None:
        _write(data_file(), form, made)
    return 0


def _style(backtest: int | None, step: int | None, asked: ForecastStyle | None) -> ForecastStyle:
    """Return the format on standard output; raise BadParameter for one of the other kind."""
    if backtest is None and step is not None:
        raise typer.BadParameter(
            "it lies between the origins of a backtest: add --backtest", param_hint="--step"
        )
    rows = (ForecastStyle.CSV, ForecastStyle.JSONL)
    if asked is None:
        return ForecastStyle.CSV if backtest is None else ForecastStyle.TABLE
    if (asked in rows) != (backtest is None):
        what = "forecasts" if backtest is None else "the figures of a backtest"
        right = "csv or jsonl" if backtest is None else "table or json; -o writes the forecasts"
        raise typer.BadParameter(f"{what} are {right}", param_hint="--output")
    return asked


def _save(file: IO[bytes], form: str, made: dict[str, Forecast]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    _write(text, form, made)
    text.detach()


def _write(file: IO[str], form: str, made: dict[str, Forecast]) -> None:
    """Write a row for each series and step; of a backtest, each begins with its origin."""
    import csv
    import json

    from specnet.diagnostics.segments import escaped

    first = next(iter(made.values()))
    before = ("origin",) if "" not in made else ()
    columns = (*before, *first.columns)
    if form == "csv":
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for origin, own in made.items():
            writer.writerows((*([origin] if before else ()), *map(_cell, row)) for row in own.rows())
        return
    for origin, own in made.items():
        for row in own.rows():
            cells = dict(zip(columns, (*([origin] if before else ()), *map(_plain, row)), strict=True))
            file.write(escaped(f"{json.dumps(cells, ensure_ascii=False, allow_nan=False)}\n"))


def _cell(value: Any) -> Any:
    return f"{value:.9g}" if isinstance(value, float) else value


def _plain(value: Any) -> Any:
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _show(tested: Backtest, style: ForecastStyle) -> None:
    """Print the figures of each origin and of all, with those of the seasonal naive forecast."""
    if style is ForecastStyle.JSON:
        write_json(tested.as_dict())
        return
    from specnet.cli.results import results_table

    found = tested.evaluation
    splits = {
        origin: {**figures, "naive mae": tested.naive[origin]} for origin, figures in found.splits.items()
    }
    console = results()
    results_table(splits, found.rows, console.width, "origin").show(console)
