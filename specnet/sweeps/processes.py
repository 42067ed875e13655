"""Trials in processes of their own, which are kept for the next trial."""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from specnet.diagnostics.text import how_ended
from specnet.installation import python_command, python_path
from specnet.locking import Lock
from specnet.passes.cores import BESIDE
from specnet.sweeps.jobs import Job, Message, TrialOutcome, Why

COMMAND = "from specnet.sweeps.worker import main; main()"

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""What keeps the matrix products of a process to one core, where there are several processes."""

GRACE = 5.0
"""Seconds that a process is given to end by itself."""


@dataclass(eq=False, slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    job: Job | None = None
    began: float = 0.0
    sending: Lock = field(default_factory=Lock)

    def send(self, what: Any) -> None:
        """Send a message; one that has died hears nothing, and its end is noticed elsewhere."""
        assert self.process.stdin is not None
        with self.sending, suppress(OSError, ValueError):
            # Between two processes of one program: nothing of it is ever stored.
            pickle.dump(what, self.process.stdin)
            self.process.stdin.flush()


class Processes:
    """An executor that trains up to `jobs` trials at once, each in a process."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._workers: list[_Worker] = []
        self._queue: queue.Queue[tuple[_Worker, Message | None]] = queue.Queue()

    @property
    def free(self) -> int:
        """How many more trials it can train now."""
        return self._jobs - sum(worker.job is not None for worker in self._workers)

    def submit(self, job: Job) -> None:
        """Begin with a trial."""
        worker = next((each for each in self._workers if each.job is None), None)
        if worker is None:
            worker = self._start()
        worker.job, worker.began = job, time.perf_counter()
        worker.send(job)

    def messages(self, seconds: float) -> Iterator[Message]:
        """Yield what has been reported; wait for at most so long if there is nothing yet."""
        wait = True
        while True:
            try:
                worker, message = self._queue.get(wait, seconds if wait else None)
            except queue.Empty:
                return
            wait = False
            if message is None:
                message = self._lost(worker)
            elif isinstance(message, TrialOutcome):
                worker.job = None
            if message is not None:
                yield message

    def stop(self, number: int, why: Why) -> None:
        """Ask a trial to end after its current step."""
        for worker in self._workers:
            if worker.job is not None and worker.job.number == number:
                worker.send(why)

    def notes(self) -> list[str]:
        """Return nothing: there is nothing to say of processes."""
        return []

    def close(self) -> None:
        """End all processes: those that train, after their current step."""
        for worker in self._workers:
            assert worker.process.stdin is not None
            with worker.sending, suppress(OSError):
                worker.process.stdin.close()
        until = time.monotonic() + GRACE
        for worker in self._workers:
            try:
                worker.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self._workers.clear()

    def _start(self) -> _Worker:
        several = ONE_THREAD if self._jobs > 1 else {}
        process = subprocess.Popen(  # noqa: S603  nothing in it comes from a user
            python_command(COMMAND),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                **os.environ,
                **several,
                BESIDE: str(self._jobs),
                "PYTHONPATH": python_path(),
            },
        )
        worker = _Worker(process)
        self._workers.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _listen(self, worker: _Worker) -> None:
        """Put what a process sends into the queue, and None when it has ended."""
        assert worker.process.stdout is not None
        with worker.process.stdout as stream, suppress(EOFError, pickle.UnpicklingError, OSError):
            while True:
                self._queue.put((worker, pickle.load(stream)))  # noqa: S301  from the process that this one started
        self._queue.put((worker, None))

    def _lost(self, worker: _Worker) -> TrialOutcome | None:
        """Return the end of the trial of a process that has ended, if it had one."""
        worker.process.wait()
        if worker in self._workers:
            self._workers.remove(worker)
        if worker.process.stdin is not None:
            with suppress(OSError):
                worker.process.stdin.close()
        job, code = worker.job, worker.process.returncode
        if job is None:
            return None
        runs = tuple(training.place for training in job.trainings if training.place is not None)
        seconds = time.perf_counter() - worker.began
        return TrialOutcome(
            job.number, "lost", why=f"its process {how_ended(code)}", seconds=seconds, runs=runs
        )
