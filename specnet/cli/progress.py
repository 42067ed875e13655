"""How a training reports its progress: a bar in a terminal, lines now and then in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from specnet.cli.live import LivePicture, Progress
from specnet.cli.numbers import number, time_left
from specnet.cli.terminal import say
from specnet.diagnostics.text import counted, sized
from specnet.training.events import EpochEnded, Event, FoldEnded, FoldStarted, Span, Started, StepsDone

FIRST_LINE = 2.0
"""Seconds until a log gets its first line of progress."""

LINE = 5.0
"""Seconds between lines at first; they grow rarer, so that a day's log is a page."""


class ProgressState:
    """How far a training is, from its events."""

    def __init__(self) -> None:
        self.name = self.fold = ""
        self.epoch: float = 0
        self.epochs: float = 0
        self.steps_per_epoch = self.step = 0
        self.steps: int | None = None
        self.loss = self.learning_rate = float("nan")
        self.validation: Mapping[str, Any] = {}
        self.train: Mapping[str, Any] = {}
        self.seconds = 0.0

    def see(self, event: Event | Span) -> None:
        """Take in an event."""
        if isinstance(event, FoldStarted):
            self.fold = f"fold {event.fold}/{event.folds}"
        elif isinstance(event, Started):
            self.name, self.epochs, self.steps_per_epoch = event.name, event.epochs, event.steps_per_epoch
            self.steps = event.steps
        elif isinstance(event, Span):
            self.epoch, self.step = event.epoch + len(event) - 1, event.step + len(event) - 1
            self.loss, self.seconds = event.losses[-1], event.times[-1]
            self.learning_rate = event.learning_rate
        elif isinstance(event, StepsDone | EpochEnded):
            self.epoch, self.step = event.epoch, event.step
            self.loss, self.learning_rate, self.seconds = event.loss, event.learning_rate, event.seconds
            if isinstance(event, EpochEnded):
                self.validation = event.validation or self.validation
                self.train = event.train or self.train

    @property
    def share(self) -> float:
        """How much of the training is done, between 0 and 1, if it goes on to the end."""
        total = self.epochs * self.steps_per_epoch if self.steps is None else self.steps
        return self.step / total if total else 0.0

    @property
    def left(self) -> str:
        """The time left, if it goes on to the end; empty where nothing tells it yet."""
        return time_left(self.seconds / self.share * (1 - self.share)) if self.share else ""

    @property
    def place(self) -> str:
        """The epoch or the step, of how many."""
        if self.steps is not None:
            return f"step {self.step}/{self.steps}"
        return f"epoch {max(self.epoch, 1)}/{self.epochs}"

    def figures(self) -> str:
        """Return loss, learning rate and the last validation in one line."""
        if not self.step:
            return "starting"
        parts = [f"loss {number(self.loss)}"]
        for split, figures in (("train", self.train), ("validation", self.validation)):
            numbers = {k: v for k, v in figures.items() if isinstance(v, int | float)}
            if numbers:
                parts.append(f"{split} " + " ".join(f"{k} {number(v)}" for k, v in numbers.items()))
        parts.append(f"rate {number(self.learning_rate)}")
        return ", ".join(parts)


def introduction(event: Started) -> str:
    """Return what is about to be trained, in a line."""
    rows = ", ".join(f"{count:,} {split}" for split, count in event.rows.items())
    each = counted(event.steps_per_epoch, "step")
    length = f"{counted(event.epochs, 'epoch')} of {each}"
    if event.steps is not None:
        length = f"{counted(event.steps, 'step')}, {each} an epoch"
    return (
        f"{event.name}: {counted(event.parameter_count, 'parameter')}; rows: {rows}; {length}; "
        f"{sized(event.memory)}"
    )


def ending(event: FoldEnded) -> str:
    """Return how a fold has ended, in a line."""
    split = list(event.splits)[-1]
    numbers = {k: v for k, v in event.splits[split].items() if isinstance(v, int | float)}
    figures = " ".join(f"{name} {number(value)}" for name, value in numbers.items())
    return f"fold {event.fold}/{event.folds} {event.stopped.replace('_', ' ')}: {split} {figures}"


class LineProgress(Progress[Event | Span]):
    """Progress for a log: a line at the start, and others that grow rarer."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock, self._state = console, clock, ProgressState()
        self._began = self._next = 0.0

    def __call__(self, event: Event | Span) -> None:
        """Take in an event, and write a line if it is time."""
        self._state.see(event)
        now = self._clock()
        if isinstance(event, Started):
            self._began, self._next = now, now + FIRST_LINE
            lead = f"{self._state.fold}, " if self._state.fold else ""
            say(self._console, f"{lead}{introduction(event)}")
        elif isinstance(event, FoldEnded):
            say(self._console, ending(event))
        elif now >= self._next and isinstance(event, StepsDone | EpochEnded | Span):
            self._next = now + max(LINE, 0.1 * (now - self._began))
            state = self._state
            left = f", {state.left} left" if state.left else ""
            lead = f"{state.fold}, " if state.fold else ""
            say(self._console, f"{lead}{state.place}: {state.figures()}{left}")


class Bar(LivePicture[Event | Span]):
    """Progress for a terminal: a bar with the latest figures, gone when the training is over."""

    frame = 0.1

    def __init__(
        self, console: Console, stopping: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._state = ProgressState()  # which is drawn from the beginning
        super().__init__(console, stopping, clock)

    def __call__(self, event: Event | Span) -> None:
        """Take in an event, and draw the bar if it is time."""
        self._state.see(event)
        self.draw()

    def picture(self) -> RenderableType:
        """Return the bar as it is now."""
        state = self._state
        if not state.epochs:
            return Text("")
        bar = Table.grid(padding=(0, 2), expand=True)
        for column in ("name", "bar", "place", "left"):
            bar.add_column(no_wrap=True, ratio=1 if column == "bar" else None)
        bar.add_row(
            Text(f"{state.name} {state.fold}".rstrip(), "bold"),
            ProgressBar(total=1.0, completed=state.share),
            Text(state.place),
            self.note(f"{state.left or '-:--'} left"),
        )
        whole = Table.grid(expand=True)
        whole.add_row(bar)
        whole.add_row(Text(state.figures(), "dim", no_wrap=True, overflow="ellipsis"))
        return whole
