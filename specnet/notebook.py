"""The progress of a training below a notebook's cell.

For example:

    from specnet.notebook import NotebookProgress

    specnet.run("model.toml", listener=NotebookProgress())
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

from specnet.diagnostics import html
from specnet.diagnostics.text import fraction
from specnet.training.events import Ended, EpochEnded, Event, Resumed, Span, Started, StepsDone
from specnet.training.history import History

__all__ = ["NotebookProgress"]

PAUSE = 0.5
"""Seconds between two updates of the cell."""


class NotebookProgress:
    """A listener for `specnet.run` that shows epochs, losses and their curves while a training runs.

    The cell is updated twice a second, and at the end. Raises ModuleNotFoundError outside of IPython.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._display = importlib.import_module("IPython.display")
        self._clock = clock
        self._handle: Any = None
        self._due = 0.0
        self._name, self._length, self._done = "", "", ""
        self._by_steps = False
        self._history = History()

    def __call__(self, event: Event | Span) -> None:
        """Show an event; `specnet.run` calls this."""
        match event:
            case Started():
                self._by_steps = event.steps is not None
                self._name = event.name
                self._length = f"{event.epochs if event.steps is None else event.steps:,}"
                self._reach(event.epoch, event.step)
                self._show(f"{event.parameter_count:,} parameters; starting")
            case EpochEnded():
                self._history.add(event)
                self._reach(event.epoch, event.step)
                self._update(event.loss, event.seconds)
            case Span():
                self._history.add_span(event)
                self._reach(event.epoch + len(event) - 1, event.step + len(event) - 1)
                self._update(event.losses[-1], event.times[-1])
            case StepsDone():
                if self._by_steps:
                    self._reach(event.epoch, event.step)
                self._update(event.loss, event.seconds)
            case Ended():
                ending = event.stopped.replace("_", " ")
                done = f"{event.steps:,} steps" if self._by_steps else f"{event.epochs:,} epochs"
                self._show(f"{done} in {event.seconds:.3g} s: {ending}")
            case Resumed():
                self._show(f"resuming {event.run} at epoch {fraction(event.epoch)}")

    def _reach(self, epoch: float, step: int) -> None:
        self._done = f"step {step:,}" if self._by_steps else f"epoch {epoch:,}"

    def _update(self, loss: float, seconds: float) -> None:
        now = self._clock()
        if now >= self._due:
            self._due = now + PAUSE
            self._show(f"{self._done} of {self._length}, loss {loss:.4g}, {seconds:.3g} s")

    def _show(self, facts: str) -> None:
        picture = self._history._repr_html_() if len(self._history) > 1 else ""
        page = self._display.HTML(html.heading(self._name, facts) + picture)
        if self._handle is None:
            self._handle = self._display.display(page, display_id=True)
        else:
            self._handle.update(page)
