"""Predictions as CSV, as JSON lines and as arrays, next to columns of the rows that they are for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import IO, Any

import numpy as np

from specnet.data.kept_columns import KeptColumns
from specnet.diagnostics.segments import escaped
from specnet.model.conformal import Intervals, PredictionSets
from specnet.runs.output_reading import Array, OutputReading
from specnet.runs.predicting import PredictedRows, Predictions, Readings

PREFIX = "predicted_"
"""What the name of a prediction begins with where a kept column has its name."""


def write_csv(
    file: IO[str],
    read: Readings,
    parts: Iterator[PredictedRows],
    *,
    files: bool,
    kept: KeptColumns | None = None,
) -> None:
    """Write a table of predictions, with a header; of several outputs, columns begin with the output's name.

    With `files`, the first column names the file of each row. Columns that are `kept` come next.
    """
    import csv

    writer = csv.writer(file, lineterminator="\n")
    parts, names = _begun(parts, kept)
    first = next(parts, None)
    spread = {} if first is None or first.spread is None else first.spread
    parts = chain([] if first is None else [first], parts)
    columns = [
        f"{name}.{column}" if name else column
        for name, own in read.items()
        for column in (*own.head, *own.interval_head, *(own.spread_head if name in spread else ()))
    ]
    before = [*(["file"] if files else []), *names]
    writer.writerow([*before, *(_apart(column, before) for column in columns)])
    for part in parts:
        written = [column for name, own in read.items() for column in _columns(own, part, name)]
        if names:
            kept_columns = zip(*(part.kept or ()), strict=True)
            written = [*(list(map(_text, cells)) for cells in kept_columns), *written]
        if part.files is not None:
            written.insert(0, list(part.files))
        writer.writerows(zip(*written, strict=True))


def write_lines(
    file: IO[str], read: Readings, parts: Iterator[PredictedRows], kept: KeptColumns | None = None
) -> None:
    """Write a JSON object a row: `prediction`, and `probabilities` (or `scores`) by class, with intervals or sets.

    Of several outputs there is such an object for each, below its name. Rows that are files have their name as
    `file`, and columns that are `kept` come before the predictions.
    """
    parts, names = _begun(parts, kept)
    for part in parts:
        objects = {
            name: own.objects(
                part.made[name],
                None if part.spread is None else part.spread.get(name),
                part.intervals.get(name),
            )
            for name, own in read.items()
        }
        rows = (dict(zip(objects, row, strict=True)) for row in zip(*objects.values(), strict=True))
        shown: Iterator[dict[str, Any]] = (row.get("", row) for row in rows)
        if names:
            beside = [dict(zip(names, map(_plain, row), strict=True)) for row in part.kept or ()]
            shown = (
                {**own, **{_apart(key, names): value for key, value in row.items()}}
                for own, row in zip(beside, shown, strict=True)
            )
        if part.files is not None:
            shown = ({"file": name, **row} for name, row in zip(part.files, shown, strict=True))
        file.writelines(escaped(f"{json.dumps(row, ensure_ascii=False, allow_nan=False)}\n") for row in shown)


def write_npz(
    file: IO[bytes],
    read: Readings,
    parts: Iterator[PredictedRows],
    empty: Predictions,
    kept: KeptColumns | None = None,
) -> None:
    """Write an archive with `predictions` (rows, ...), of classes the `indices` and the `names`, and any `files`.

    Intervals are `lower` and `upper`, and prediction sets `prediction_set` (rows, classes), true for what is in a set.
    Of several outputs, the arrays' names begin with the output's. Columns that are `kept` are `column.NAME`: numbers
    where all of their cells are, else text. `empty` is what no rows give.
    """
    parts, names = _begun(parts, kept)
    whole = [*parts] or [PredictedRows(empty, None)]
    spread = [part.spread for part in whole if part.spread is not None]
    arrays: dict[str, Array] = {}
    for name, own in read.items():
        array = np.concatenate([part.made[name] for part in whole])
        prefix = f"{name}." if name else ""
        arrays[f"{prefix}predictions"] = array
        if spread and name in spread[0]:
            arrays[f"{prefix}std"] = np.concatenate([each[name] for each in spread])
        if own.has_intervals:
            arrays |= {f"{prefix}{key}": made for key, made in _interval_arrays(own, whole, name).items()}
        if own.kind != "numbers":
            arrays |= {f"{prefix}indices": own.indices(array), f"{prefix}names": np.array(own.names)}
    if whole[0].files is not None:
        arrays["files"] = np.array([name for part in whole for name in part.files or ()])
    rows = [row for part in whole for row in part.kept or ()]
    for i, name in enumerate(names):
        cells = [row[i] for row in rows]
        numeric = all(type(cell) in (int, float) for cell in cells)
        arrays[f"column.{name}"] = np.array(cells) if numeric else np.array(list(map(_text, cells)))
    np.savez(file, allow_pickle=False, **arrays)


def _interval_arrays(own: OutputReading, whole: Sequence[PredictedRows], name: str) -> dict[str, Array]:
    """Return intervals or prediction sets as arrays."""
    parts = [part.intervals[name] for part in whole if name in part.intervals]
    intervals = [each for each in parts if isinstance(each, Intervals)]
    if intervals:
        return {
            "lower": np.concatenate([each.lower for each in intervals]),
            "upper": np.concatenate([each.upper for each in intervals]),
        }
    sets = [each.members for each in parts if isinstance(each, PredictionSets)]
    if sets:
        return {"prediction_set": np.concatenate(sets)}
    if own.kind == "numbers":
        return dict.fromkeys(("lower", "upper"), whole[0].made[name])
    shape = (0, len(own.names), 2) if own.kind == "labels" else (0, len(own.names))
    return {"prediction_set": np.empty(shape, np.bool_)}


def _columns(own: OutputReading, part: PredictedRows, name: str) -> Iterator[list[Any]]:
    yield from own.columns(part.made[name])
    if name in part.intervals:
        yield from own.interval_columns(part.intervals[name])
    if part.spread is not None and name in part.spread:
        yield from own.numbers(part.spread[name])


def _begun(
    parts: Iterator[PredictedRows], kept: KeptColumns | None
) -> tuple[Iterator[PredictedRows], Sequence[str]]:
    """Return the parts, the first of which is read, and the names of the columns that are kept, known by then."""
    first = next(parts, None)
    return chain([] if first is None else [first], parts), () if kept is None else kept.names


def _apart(name: str, taken: Sequence[str]) -> str:
    """Return the name of a prediction, or another where a kept column has it."""
    while name in taken:
        name = f"{PREFIX}{name}"
    return name


def _text(cell: Any) -> str:
    """Return a kept cell as a table has it: empty where there is no value."""
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _plain(cell: Any) -> Any:
    """Return a kept cell as JSON has it."""
    if isinstance(cell, float) and not np.isfinite(cell):
        return None
    return cell if cell is None or isinstance(cell, bool | int | float | str) else str(cell)
