"""What a sweep has come to, for a reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from specnet.cli.numbers import column, duration
from specnet.cli.sweep_progress import value_shown
from specnet.cli.tables import TextTable, section
from specnet.cli.terminal import plain, say
from specnet.diagnostics.text import clipped, counted

if TYPE_CHECKING:
    from specnet.sweeps.result import SweepResult, TrialRecord

SHOWN = 5
"""How many of the best trials are shown."""

BAR = 24
"""Columns of the longest bar."""


def show_sweep(console: Console, result: SweepResult, best: Path | None) -> None:
    """Print the best trials, with the parameters as rows, the importances, and where everything is."""
    several = len(result.objectives) > 1
    trials = result.best if several else result.complete[:SHOWN]
    if trials:
        section(console, "Pareto front" if several else "best trials")
        _trials(console, result, trials)
    if result.importances:
        section(console, "importances")
        _importances(console, result)
    _end(console, result, best)


def _trials(console: Console, result: SweepResult, trials: Sequence[TrialRecord]) -> None:
    """Print trials side by side: as many as there is room for."""
    names = list(dict.fromkeys(key for trial in result.trials for key in trial.parameters))
    rows: list[Sequence[str]] = []
    for place, name in enumerate(result.objectives):
        rows.append([name, *column([trial.values[place] if trial.values else None for trial in trials])])
    rows += [
        [name, *(value_shown(trial.parameters[name]) if name in trial.parameters else "" for trial in trials)]
        for name in names
    ]
    rows.append(["time", *(duration(trial.seconds or 0.0) for trial in trials)])
    rows = [[clipped(cell, 40 if place == 0 else 24) for place, cell in enumerate(row)] for row in rows]
    heads = ["trial", *(str(trial.number) for trial in trials)]
    while True:
        table = TextTable(heads, "<" + ">" * (len(heads) - 1), rows)
        if table.width <= console.width or len(heads) <= 2:
            break
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    table.show(console)


def _importances(console: Console, result: SweepResult) -> None:
    most = max(result.importances.values()) or 1.0
    mark = "#" if plain(console) else "█"
    rows: list[Sequence[str]] = [
        [clipped(name, 40), f"{share:.0%}", mark * round(BAR * share / most)]
        for name, share in result.importances.items()
    ]
    TextTable(["", "", ""], "<><", rows).show(console)


def _end(console: Console, result: SweepResult, best: Path | None) -> None:
    counts = Counter(trial.state for trial in result.trials)
    states = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    console.print()
    say(console, f" {counted(len(result.trials), 'trial')} in {duration(result.seconds)}: {states}")
    failed = [trial for trial in result.trials if trial.state in ("failed", "lost") and trial.why]
    for trial in failed[:3]:
        say(console, f" trial {trial.number} failed: {trial.why}", "bold yellow")
    if len(failed) > 3:
        say(console, f" and {len(failed) - 3} more failed; {result.path}/result.json says why", "bold yellow")
    if result.path is not None:
        say(console, f" saved in {result.path}; specnet report {result.path} draws it")
    if best is not None:
        say(console, f" specnet run {best} trains the best document")
