"""Trials in a thread of this process, one after the other: for what other processes do not have."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

from specnet.sweeps.jobs import Job, Message, TrialOutcome, Why
from specnet.sweeps.trial import train


class OneThread:
    """An executor that trains one trial at a time, on arrays or kinds that only this process knows."""

    def __init__(self, data: Any = None) -> None:
        self._data = data
        self._queue: queue.Queue[Message] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._why: Why | None = None

    @property
    def free(self) -> int:
        """How many more trials it can train now."""
        return 0 if self._thread is not None else 1

    def submit(self, job: Job) -> None:
        """Begin with a trial."""
        self._why = None
        self._thread = threading.Thread(target=self._train, args=(job,), daemon=True)
        self._thread.start()

    def messages(self, seconds: float) -> Iterator[Message]:
        """Yield what has been reported; wait for at most so long if there is nothing yet."""
        wait = True
        while True:
            try:
                message = self._queue.get(wait, seconds if wait else None)
            except queue.Empty:
                return
            wait = False
            if isinstance(message, TrialOutcome):
                self._join()
            yield message

    def stop(self, number: int, why: Why) -> None:
        """Ask the trial to end after its current step."""
        self._why = why

    def notes(self) -> list[str]:
        """Return nothing: there is nothing to say of a thread."""
        return []

    def close(self) -> None:
        """End the trial after its current step."""
        self._why = "interrupted"
        self._join()

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _train(self, job: Job) -> None:
        self._queue.put(train(job, self._queue.put, lambda: self._why, self._data))
