"""A process that trains one trial after the other, for the process that has started it."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
from typing import IO, Any

from specnet.sweeps.jobs import Job, Message, Why


class _Orders:
    """What the other process wants, as a thread reads it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.jobs: queue.Queue[Job | None] = queue.Queue()
        self._why: Why | None = None

    def read(self) -> None:
        """Read until the other process has ended, or wants no more."""
        while True:
            try:
                order: Any = pickle.load(self._stream)  # noqa: S301  from the process that has started this one
            except (EOFError, OSError, pickle.UnpicklingError):
                break
            if isinstance(order, Job):
                self.jobs.put(order)
            else:
                self._why = order
        self._why = "interrupted"
        self.jobs.put(None)

    def next(self) -> Job | None:
        """Return the next trial, and forget what was wanted of the last one."""
        job = self.jobs.get()
        if job is not None and self._why == "pruned":
            self._why = None
        return job

    def stopped(self) -> Why | None:
        """Return why the trial is to end, if it is."""
        return self._why


def main() -> None:
    """Train what standard input asks for, until it is closed."""
    # Ctrl-C in a terminal reaches every process; the one that started this one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a plugin prints is no message
    orders = _Orders(sys.stdin.buffer)
    threading.Thread(target=orders.read, daemon=True).start()

    def tell(message: Message) -> None:
        pickle.dump(message, out)
        out.flush()

    from specnet.sweeps.trial import train

    try:
        while (job := orders.next()) is not None:
            tell(train(job, tell, orders.stopped))
    except BrokenPipeError:
        pass  # nobody is there to hear it: what was learnt is in the run's directory
    os._exit(0)  # not to flush a pipe that is closed
