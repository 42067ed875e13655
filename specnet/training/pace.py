"""When processes that train together go on, and when they stop: all at the same step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from specnet.engines.ranks import Ranks


class Pace:
    """Tells processes after each step what time it is, and whether any of them is to stop.

    A decision that goes by the time must be the same in all of them. So the clock is that of the first process, and
    stands still from one step to the next.
    """

    def __init__(self, ranks: Ranks, stop: Callable[[], bool] | None, clock: Callable[[], float]) -> None:
        self._ranks, self._stop, self._clock = ranks, stop, clock
        self._told = np.zeros(2)
        self.stopping = False
        """Whether this process is to stop, whatever it is told: something went wrong beside the training."""
        self.look()

    def look(self) -> None:
        """Have all processes take the time from the first."""
        self._tell(stopping=False)

    def stop(self) -> bool:
        """Take the time, and return whether any process is to stop; called by all of them after each step."""
        return self._tell(stopping=self.stopping or (self._stop is not None and self._stop()))

    def clock(self) -> float:
        """Return the time of the last look."""
        return float(self._told[0])

    def _tell(self, *, stopping: bool) -> bool:
        told = self._told
        told[0] = self._clock() if self._ranks.rank == 0 else -np.inf
        told[1] = stopping
        self._ranks.largest(told)
        return bool(told[1])
