"""The table of runs: what finds room of how each stands, what was set, and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specnet.cli.numbers import duration, number
from specnet.cli.tables import TextTable
from specnet.diagnostics.text import clipped, fraction

if TYPE_CHECKING:
    from specnet.runs.kept import KeptRun

SET = 48
"""Columns of a terminal that what was set takes at most."""

SHORTEST_SET = 12
"""Columns to which it is cut before another column is left out for it."""

STARTED, KEPT = 2, 9
"""The need for the time at which a run was started, and the one from which on a column is always shown."""


class SortKey(NamedTuple):
    """What runs are ordered by."""

    asked: str
    """The key as the user named it."""
    key: str
    values: Mapping[Path, Any]
    """Each run's value."""


@dataclass(slots=True)
class _RunsColumn:
    head: str
    side: str
    cells: list[str]
    need: int = 0
    """How long it is kept where there is little room: the smallest number goes first."""

    @property
    def width(self) -> int:
        """The letters of its longest cell."""
        return max(map(len, (self.head, *self.cells)))


def runs_table(found: list[KeptRun], columns: int, shown: SortKey | None = None) -> TextTable:
    """Return a row a run, with the key that they are ordered by; what finds no room is left out."""
    made = [
        _RunsColumn("run", "<", [str(run.path) for run in found], KEPT),
        _RunsColumn("status", "<", [run.status.replace("_", " ") for run in found], KEPT),
        _RunsColumn("started", "<", [started(run) for run in found], STARTED),
        _RunsColumn("epochs", ">", [fraction(run.epochs) for run in found], 4),
        _RunsColumn("time", ">", [_time(run) for run in found], 3),
        *_figures(found),
    ]
    if shown is not None and shown.key not in _shown_keys(found, made):
        made.append(_RunsColumn(shown.asked, ">", [_cell(shown.values[run.path]) for run in found], KEPT))
    made += _set(found)
    long = next((column for column in made if column.head == "set"), None)
    every = list(long.cells) if long is not None else []
    while (table := _table(made)).width > columns:
        least = min(column.need for column in made)
        if least >= KEPT:
            break
        if long in made and least > STARTED and long.width > SHORTEST_SET:
            _cut(long, every, max(SHORTEST_SET, long.width - (table.width - columns)))
        else:
            # Of figures, the last goes first.
            made.remove(next(column for column in reversed(made) if column.need == least))
    if long in made:
        # What was left out since may have made room.
        _cut(long, every, min(SET, long.width + max(0, columns - table.width)))
    return _table(made)


def _cut(column: _RunsColumn, cells: Sequence[str], width: int) -> None:
    column.cells = [cell if len(cell) <= width else clipped(cell, width - 1) for cell in cells]


def _table(columns: Sequence[_RunsColumn]) -> TextTable:
    rows = [list(cells) for cells in zip(*(column.cells for column in columns), strict=True)]
    return TextTable(
        [column.head for column in columns], "".join(column.side for column in columns), list(rows)
    )


def _shown_keys(found: list[KeptRun], made: Sequence[_RunsColumn]) -> set[str]:
    """Return the keys whose values the columns show."""
    judges = {run.judge for run in found}
    heads = {column.head for column in made}
    return (
        heads
        | {f"{judge}.{head}" for judge in judges for head in heads if len(judges) == 1}
        | {"name", "stopped"}
    )


def _figures(found: list[KeptRun]) -> list[_RunsColumn]:
    """Return the columns of figures: one for each where all runs have the same, or else the first metric of each."""
    own = [[name for name, value in _measured(run).items() if not isinstance(value, list)] for run in found]
    columns = [_RunsColumn("split", "<", [run.judge or "" for run in found], 6)]
    if not any(own):
        return []
    columns.append(_RunsColumn("loss", ">", [_cell(_measured(run).get("loss")) for run in found], KEPT))
    metrics = [[name for name in names if name != "loss"] for names in own]
    lists = [names for names in metrics if names]
    if all(names[0] == lists[0][0] for names in lists):
        names = list(dict.fromkeys(name for names in lists for name in names))
        for n, name in enumerate(names):
            cells = [_cell(_measured(run).get(name)) for run in found]
            columns.append(_RunsColumn(name, ">", cells, 8 if n == 0 else 5 if n < 3 else 1))
        return columns
    cells = [
        f"{names[0]} {_cell(_measured(run)[names[0]])}" if names else ""
        for run, names in zip(found, metrics, strict=True)
    ]
    return [*columns, _RunsColumn("metric", "<", cells, 8)]


def _measured(run: KeptRun) -> dict[str, Any]:
    return run.splits.get(run.judge or "", {})


def _set(found: list[KeptRun]) -> list[_RunsColumn]:
    """Return what was set for each run, by the last part of each key; nothing where nothing was set."""
    parts = [[text.partition("=") for text in run.overrides] for run in found]
    cells = [", ".join(f"{key.rpartition('.')[2]}={value}" for key, _, value in own) for own in parts]
    return [_RunsColumn("set", "<", list(cells), 7)] if any(cells) else []


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else number(value)


def _time(run: KeptRun) -> str:
    seconds = (run.result or {}).get("seconds")
    return "" if seconds is None else duration(seconds)


def started(run: KeptRun) -> str:
    """Return when a run began, in the time of this machine."""
    try:
        moment = datetime.fromisoformat(str(run.made_of.get("created")))
    except ValueError:
        return ""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
