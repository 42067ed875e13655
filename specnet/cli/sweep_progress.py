"""How a sweep reports its progress: a table in a terminal, a line for each trial in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from specnet.cli.live import LivePicture, Progress
from specnet.cli.numbers import duration, number
from specnet.cli.terminal import say
from specnet.diagnostics.text import clipped, counted
from specnet.language.sweep_parameter import choice_shown
from specnet.sweeps.events import (
    SweepEvent,
    SweepNoted,
    SweepStarted,
    TrialEnded,
    TrialReported,
    TrialStarted,
)

LAST = 5
"""How many trials that have ended the table shows."""

STYLES = {
    "complete": "green",
    "pruned": "dim",
    "failed": "bold red",
    "lost": "bold red",
    "diverged": "yellow",
}


def short_keys(keys: list[str]) -> dict[str, str]:
    """Return the shortest ends of key paths that distinguish them."""
    found = {}
    for key in keys:
        parts = key.split(".")
        for count in range(1, len(parts) + 1):
            short = ".".join(parts[-count:])
            if sum(f".{other}".endswith(f".{short}") for other in keys) == 1:
                break
        found[key] = short
    return found


def value_shown(value: Any) -> str:
    """Return the value of a parameter, with as many digits as mean something."""
    return number(value) if isinstance(value, float) else choice_shown(value).strip('"')


def parameters_shown(parameters: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return the values of a trial in a line."""
    return ", ".join(f"{names.get(key, key)} = {value_shown(value)}" for key, value in parameters.items())


class SweepState:
    """How far a sweep is, from its events."""

    def __init__(self) -> None:
        self.started: SweepStarted | None = None
        self.done = 0
        self.running: dict[int, TrialStarted] = {}
        self.reports: dict[int, TrialReported] = {}
        self.last: list[TrialEnded] = []
        self.best: TrialEnded | None = None
        self.note = ""
        self.names: dict[str, str] = {}
        self.began = time.monotonic()

    def see(self, event: SweepEvent) -> None:
        """Take in an event."""
        if isinstance(event, SweepStarted):
            self.started, self.done = event, event.done
        elif isinstance(event, TrialStarted):
            self.running[event.number] = event
            self.names = short_keys(list({**self.names, **event.parameters}))
        elif isinstance(event, TrialReported):
            self.reports[event.number] = event
        elif isinstance(event, TrialEnded):
            self._ended(event)
        elif isinstance(event, SweepNoted):
            self.note = event.text

    def _ended(self, event: TrialEnded) -> None:
        self.running.pop(event.number, None)
        self.reports.pop(event.number, None)
        self.done += event.state not in ("interrupted", "lost")
        self.last = [*self.last, event][-LAST:]
        if event.best:
            self.best = event

    @property
    def head(self) -> str:
        """How many trials are done, and what the best came to."""
        assert self.started is not None
        total = "" if self.started.trials is None else f"/{self.started.trials}"
        text = f"{self.started.name}: {self.done}{total} trials"
        if self.best is not None and self.best.values is not None:
            text += f", best {figures_shown(self.started.objectives, self.best.values)} (trial {self.best.number})"
        return text


def figures_shown(objectives: tuple[str, ...], values: tuple[float, ...]) -> str:
    """Return what the objectives of a trial came to."""
    return " ".join(f"{name} {number(value)}" for name, value in zip(objectives, values, strict=True))


class SweepLines(Progress[SweepEvent]):
    """Progress for a log: a line at the start, and one for each trial that ends."""

    def __init__(self, console: Console) -> None:
        self._console, self._state = console, SweepState()

    def __call__(self, event: SweepEvent) -> None:
        """Take in an event, and write a line if a trial has ended."""
        state = self._state
        state.see(event)
        if isinstance(event, SweepStarted):
            goals = ", ".join(
                f"{how} {what}" for how, what in zip(event.directions, event.objectives, strict=True)
            )
            total = "no limit" if event.trials is None else counted(event.trials, "trial")
            before = f", {event.done} done" if event.done else ""
            say(self._console, f"{event.name}: {goals}; {total}{before}; in {event.path}")
        elif isinstance(event, SweepNoted):
            say(self._console, event.text)
        elif isinstance(event, TrialEnded):
            assert state.started is not None
            what = (
                event.state if event.values is None else figures_shown(state.started.objectives, event.values)
            )
            star = " *" if event.best else ""
            why = (
                f" ({clipped(event.why, 200)})"
                if event.state in ("failed", "lost", "diverged") and event.why
                else ""
            )
            line = (
                f"trial {event.number}: {what}{star}{why}; {parameters_shown(event.parameters, state.names)}"
            )
            say(self._console, line)


class SweepTable(LivePicture[SweepEvent]):
    """Progress for a terminal: a table of the trials that run and those that have just ended, gone at the end."""

    frame = 0.2

    def __init__(self, console: Console, stopping: Callable[[], bool]) -> None:
        self._state = SweepState()  # which is drawn from the beginning
        super().__init__(console, stopping)

    def __call__(self, event: SweepEvent) -> None:
        """Take in an event, and draw the table if it is time; at once if a trial has begun or ended."""
        self._state.see(event)
        self.draw(at_once=not isinstance(event, TrialReported))

    def picture(self) -> RenderableType:
        """Return the table as it is now."""
        state = self._state
        if state.started is None:
            return Text("")
        rows = Table.grid(padding=(0, 2), expand=True)
        rows.add_column(no_wrap=True, justify="right", min_width=3)
        rows.add_column(no_wrap=True, min_width=11)
        rows.add_column(no_wrap=True, justify="right", min_width=6)
        rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for ended in state.last:
            what = ended.state if ended.values is None else " ".join(map(number, ended.values))
            style = "bold green" if ended.best else STYLES.get(ended.state, "")
            shown = parameters_shown(ended.parameters, state.names)
            rows.add_row(f"{ended.number}", Text(what, style), duration(ended.seconds), Text(shown, "dim"))
        for started in state.running.values():
            rows.add_row(*self._running(started))
        whole = Table.grid(expand=True)
        whole.add_row(Text(state.head, "bold", no_wrap=True, overflow="ellipsis"))
        if note := self.note(state.note):
            whole.add_row(note)
        whole.add_row(rows)
        return whole

    def _running(self, started: TrialStarted) -> tuple[Text, Text, Text, Text]:
        state, report = self._state, self._state.reports.get(started.number)
        epoch = "starting" if report is None else f"epoch {number(report.epoch)}/{number(report.epochs)}"
        value = "" if report is None or report.value is None else number(report.value)
        shown = parameters_shown(started.parameters, state.names)
        return Text(str(started.number), "cyan"), Text(epoch, "cyan"), Text(value), Text(shown)


def progress_for(console: Console, stopping: Callable[[], bool], *, quiet: bool) -> Progress[SweepEvent]:
    """Return how a sweep is to be shown where standard error leads."""
    if quiet:
        return Progress()
    # FORCE_COLOR makes Rich take a pipe for a terminal, but a table that moves is noise in a log file all the same.
    if sys.stderr.isatty() and not console.is_dumb_terminal:
        return SweepTable(console, stopping)
    return SweepLines(console)
