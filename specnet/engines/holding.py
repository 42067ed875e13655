"""Settings of the whole process that several threads want changed for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from specnet.engines.sharing import Shared

T = TypeVar("T")

Setting = tuple[Callable[[], int], Callable[[int], None]]
"""What reads a setting, and what sets it."""


class Hold(Shared):
    """Who holds a setting to a number at the moment, and what it was before the first of them.

    Of several numbers the smallest counts. `setting` returns None where the setting is out of reach.
    """

    def __init__(self, setting: Callable[[], Setting | None]) -> None:
        self.setting = setting
        self.before: int | None = None
        self.ours: set[int] = set()
        """What it was set to here since then; any other number is the host's."""
        super().__init__()

    def reset(self) -> None:
        """Begin without holders; a child gets back what was set before its parent's took hold."""
        super().reset()
        self.holders: dict[object, int] = {}
        self._restore()

    def take(self, holder: object, number: int) -> None:
        """Set the smallest number that a holder wants, whatever the host has set since."""
        known = self.setting()
        if known is None:
            return
        with self.lock:
            self.holders[holder] = number
            now = known[0]()
            if self.before is None or now not in self.ours:
                self.before = now
            self._set(known, now)

    def release(self, holder: object) -> None:
        """Forget a holder, and set what the others want, or what was set before; a second call changes nothing."""
        with self.lock:
            self.holders.pop(holder, None)
            known = self.setting()
            if not self.holders:
                self._restore()
            elif known is not None:
                now = known[0]()
                if now in self.ours:
                    self._set(known, now)

    def _set(self, known: Setting, now: int) -> None:
        least = min(self.holders.values())
        self.ours.add(least)
        if now != least:
            known[1](least)

    def _restore(self) -> None:
        known = self.setting() if self.before is not None else None
        if known is not None and self.before is not None:
            now = known[0]()
            # Else the host has set it in the meantime, and means what it says.
            if now in self.ours and now != self.before:
                known[1](self.before)
        self.ours.clear()
        self.before = None

    @contextmanager
    def at(self, number: int) -> Iterator[None]:
        """Hold the setting to a number, and restore it."""
        holder = object()
        try:
            try:
                self.take(holder, number)
                yield
            finally:
                self.release(holder)
        except BaseException:
            self.release(holder)  # again, since Ctrl-C may have kept the first call from doing it
            raise

    def within(self, number: int, function: Callable[..., T]) -> Callable[..., T]:
        """Return a function that holds the setting to a number while it runs; `at` takes a microsecond more."""

        def run(*arguments: Any) -> T:
            holder = object()
            try:
                try:
                    self.take(holder, number)
                    return function(*arguments)
                finally:
                    self.release(holder)
            except BaseException:
                self.release(holder)
                raise

        return run
