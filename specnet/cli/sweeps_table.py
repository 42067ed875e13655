"""The table of sweeps, below that of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.cli.numbers import duration, number
from specnet.cli.tables import TextTable
from specnet.diagnostics.text import clipped

if TYPE_CHECKING:
    from specnet.sweeps.kept import KeptSweep

HEADS, SIDES = ["sweep", "status", "trials", "time", "best"], "<<>><"

SHORTEST = 12
"""Columns to which what is best is cut before it finds no room."""


def sweeps_table(found: list[KeptSweep], columns: int) -> TextTable:
    """Return a row a sweep: how it stands, and what its best trial came to."""
    rows = [
        [
            str(sweep.path),
            sweep.status.replace("_", " "),
            f"{sweep.trials:,}",
            "" if sweep.result is None else duration(sweep.result.seconds),
            _best(sweep),
        ]
        for sweep in found
    ]
    excess = TextTable(HEADS, SIDES, [*rows]).width - columns
    room = max(SHORTEST, max(len(row[-1]) for row in rows) - max(0, excess))
    for row in rows:
        if len(row[-1]) > room:
            row[-1] = clipped(row[-1], room - 1)
    return TextTable(HEADS, SIDES, [*rows])


def _best(sweep: KeptSweep) -> str:
    """Return what the best trial came to, or of several objectives how many trials are on the Pareto front."""
    result = sweep.result
    if result is None or not result.best:
        return ""
    if len(result.objectives) > 1:
        return f"{len(result.best)} of {', '.join(result.objectives)}"
    best = result.best[0]
    return f"{result.objectives[0]} {number((best.values or (0.0,))[0])}, trial {best.number}"
