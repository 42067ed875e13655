"""Whether steps take less time with the help of other threads."""

from __future__ import annotations

from math import inf

WINDOW = 0.01
"""Seconds after which it is known how long steps take with help, or without."""

LONGEST = 1.0
"""Seconds after which the other is tried again; more where a trial takes much longer than the better one."""

COST = 0.01
"""The share of the time that trying the other may take beyond what the better one would have."""

TIMES = 10
"""A trial that takes more than so many times as long was disturbed, and says nothing about the other way."""

TRIED, WORSE = 16, 1.2
"""Steps after which the other is given up before that if they take so many times as long."""


class HelpPace:
    """Finds out whether steps take less time with help, which they do not where other programs have the cores.

    Either is tried now and then, the less often the longer the other was better. Who does a part of a step does not
    change what it gives, so that this makes no difference but for the time.
    """

    def __init__(self) -> None:
        self.helped = True
        """Whether the next steps are made with help."""
        self.better = True
        """Which of the two took less time when both were last tried."""
        self._interval, self._until = WINDOW, 2 * WINDOW
        self._known = {True: inf, False: inf}
        """Seconds of a step, with and without."""
        self._steps, self._seconds, self._since = 0, 0.0, 0.0
        self._warm = False

    @property
    def tried(self) -> bool:
        """Whether it is known how long steps take with help and without."""
        return inf not in self._known.values()

    def made(self, more: int, seconds: float) -> None:
        """Take note of how long some steps took; the first ones, for which memory is filled, do not count."""
        if not self._warm:
            self._warm = True
            return
        self._steps += more
        self._seconds += seconds
        if self._seconds < WINDOW and not self._is_worse():
            return
        steps, seconds = self._steps, self._seconds
        self._known[self.helped] = seconds / steps
        self._since += seconds
        self._steps, self._seconds = 0, 0.0
        if self.helped is not self.better:
            changed = self._known[self.helped] < self._known[self.better]
            usual = steps * self._known[self.better]
            lost = min(seconds, TIMES * usual) - usual
            self._interval = WINDOW if changed else max(min(2 * self._interval, LONGEST), lost / COST)
            self.better = self.helped = self.helped if changed else self.better
            self._until, self._since = self._interval, 0.0
        elif self._since >= self._until:
            self.helped = not self.better

    def _is_worse(self) -> bool:
        """Return whether what is tried takes so much more time that no more of it need be seen."""
        usual = self._known[self.better] * self._steps
        return self.helped is not self.better and self._steps >= TRIED and self._seconds > WORSE * usual
