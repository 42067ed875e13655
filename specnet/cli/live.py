"""How a command shows what is going on: not at all, or as a picture in a terminal that is gone at the end."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import ClassVar, Generic, Self, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

Seen = TypeVar("Seen")


class Progress(Generic[Seen]):
    """Report nothing but what a subclass adds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Print nothing: the caller reports how the command ended."""

    def __call__(self, event: Seen) -> None:
        """Take no notice of an event."""


class LivePicture(Progress[Seen], ABC):
    """Draw a picture of what is going on, now and then, while a command runs."""

    frame: ClassVar[float]
    """Seconds from one picture to the next."""

    def __init__(
        self, console: Console, stopping: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stopping, self._clock = stopping, clock
        self._live = Live(console=console, auto_refresh=False, transient=True, get_renderable=self.picture)
        self._next = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    @abstractmethod
    def picture(self) -> RenderableType:
        """Return the picture as it is now."""

    def draw(self, *, at_once: bool = False) -> None:
        """Draw the picture if it is time, or at once."""
        now = self._clock()
        if now >= self._next or at_once:
            self._next = now + self.frame
            self._live.refresh()

    def note(self, otherwise: str) -> Text:
        """Return that the command is about to stop, or else another note."""
        return Text("stopping after this step" if self._stopping() else otherwise, "cyan")
