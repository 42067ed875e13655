"""Trials on a cluster of Dask: on workers that see the files of this machine, or are sent them."""

from __future__ import annotations

import logging
import queue
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet._version import __version__
from specnet.diagnostics import RunError
from specnet.diagnostics.text import counted, sized
from specnet.runs.extras import needed
from specnet.sweeps.cluster_worker import Facts, Shipment, facts_of, train_there
from specnet.sweeps.jobs import Job, Message, Reported, TrialOutcome, TrialTraining, Why
from specnet.sweeps.shipping import named_files, packed

if TYPE_CHECKING:
    from specnet.language.spec import Spec

LOCAL = "local"
"""The address that stands for a cluster on this machine, which is started and ended with the sweep."""

TIMEOUT = 10
"""Seconds to wait for a scheduler."""

LOOK = 2.0
"""Seconds between looks at the workers."""


class Cluster:
    """An executor that trains trials as tasks of Dask, one for each thread of its workers."""

    def __init__(self, address: str, spec: Spec, sweep: Path, jobs: int | None = None) -> None:
        self._dask = needed("distributed", "dask", "a sweep on a cluster")
        self._queue: queue.Queue[Message] = queue.Queue()
        self._running: dict[int, tuple[Job, Any, Any]] = {}
        self._asked: dict[int, Why] = {}
        self._topic = f"specnet-{uuid.uuid4().hex}"
        self._notes: list[str] = []
        self._jobs = jobs
        self._looked, self._workers = 0.0, 0
        self._cluster: Any = None
        self._shipment: Any = None
        self._sees_runs = True
        self._client = self._connected(address)
        try:
            self._prepare(spec, sweep)
        except BaseException:
            self.close()
            raise
        self._client.subscribe_topic(self._topic, self._heard)

    def _connected(self, address: str) -> Any:
        """Return the client of a scheduler; raises RunError where there is none."""
        with _quiet():
            if address == LOCAL:
                from specnet.passes.cores import allowed

                self._cluster = self._dask.LocalCluster(
                    n_workers=self._jobs or allowed(),
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
                return self._dask.Client(self._cluster)
            try:
                return self._dask.Client(address, timeout=TIMEOUT, set_as_default=False)
            except (OSError, TimeoutError, ValueError, RuntimeError) as error:
                said = " ".join(str(error).split()) or type(error).__name__
                raise RunError(
                    f"there is no Dask scheduler at {address}: {said}; `dask scheduler` starts one, and "
                    "`dask worker ADDRESS` its workers"
                ) from None

    def _prepare(self, spec: Spec, sweep: Path) -> None:
        """Find out what the workers are and see, and pack what they do not; raises RunError where they cannot do."""
        files = named_files(spec)
        # What is found by this machine's environment is found elsewhere by its whole path.
        self._replaced = {key: str(each.path) for key, each in files.items() if not each.is_beside}
        self._start = spec.folder
        mark = sweep.absolute() / f".{uuid.uuid4().hex}"
        mark.touch()
        try:
            found = self._facts([str(each.path) for each in files.values()], str(mark))
        finally:
            mark.unlink(missing_ok=True)
        if not found:
            raise RunError("the Dask scheduler has no workers; `dask worker ADDRESS` starts one")
        _check_versions(found)
        self._workers = len(found)
        self._sees_runs = all(facts.sees_mark for facts in found.values())
        blind = [name for name, facts in found.items() if facts.missing]
        if blind:
            content = packed(files)
            which = f"{len(blind)} of {counted(len(found), 'worker')} {'do' if len(blind) > 1 else 'does'}"
            self._notes.append(f"{which} not see the data: {sized(content.size)} are sent to all")
            self._shipment = self._client.scatter(content, broadcast=True, hash=False)
        if not self._sees_runs:
            self._notes.append(
                "the workers do not see the sweep's directory: they send their runs when they end"
            )

    def _facts(self, files: list[str], mark: str) -> dict[str, Facts]:
        """Return what is known of each worker."""
        answers: Mapping[str, Any] = self._client.run(facts_of, files, mark, on_error="return")
        found = {}
        for name, answer in answers.items():
            if not isinstance(answer, Facts):
                said = " ".join(str(answer).split()) or type(answer).__name__
                raise RunError(
                    f"the Dask worker {name} cannot train: {said}; it needs specnet {__version__}, and the same "
                    "Python and Dask as here"
                )
            found[name] = answer
        return found

    @property
    def free(self) -> int:
        """How many more trials it can train now."""
        threads: int = sum(self._client.nthreads().values())
        return min(threads, self._jobs or threads) - len(self._running)

    def submit(self, job: Job) -> None:
        """Begin with a trial."""
        stop = self._dask.Event(f"{self._topic}-{job.number}", client=self._client)
        future = self._client.submit(
            train_there,
            replace(job, trainings=tuple(map(self._located, job.trainings))),
            Shipment(self._topic, stop.name, self._sees_runs),
            self._shipment,
            key=f"{self._topic}-{job.number}",
            pure=False,
            retries=2,
        )
        self._running[job.number] = (job, future, stop)

    def _located(self, training: TrialTraining) -> TrialTraining:
        """Return a training whose paths lead to the same files from any folder that a worker may run in."""
        spec = training.spec
        if self._shipment is None and self._replaced:
            spec = spec.replace(self._replaced)
        return replace(training, spec=spec if spec.source.source is not None else spec.in_folder(self._start))

    def messages(self, seconds: float) -> Iterator[Message]:
        """Yield what has been reported; wait for at most so long if there is nothing yet."""
        wait = True
        while True:
            try:
                yield self._queue.get(wait, seconds if wait else None)
            except queue.Empty:
                break
            wait = False
        for number, (job, future, _) in list(self._running.items()):
            if future.done():
                del self._running[number]
                yield self._ended(job, future)

    def stop(self, number: int, why: Why) -> None:
        """Ask a trial to end after its current step."""
        if number in self._running:
            self._asked.setdefault(number, why)
            self._running[number][2].set()

    def notes(self) -> list[str]:
        """Return what there is to say of the cluster since the last call."""
        if time.monotonic() - self._looked >= LOOK:
            self._looked = time.monotonic()
            there = len(self._client.scheduler_info(n_workers=-1)["workers"])
            if there < self._workers:
                left = counted(there, "worker")
                self._notes.append(
                    f"a Dask worker has left, and {left} are there: its trials begin again elsewhere"
                )
            self._workers = there
        said, self._notes = self._notes, []
        return said

    def close(self) -> None:
        """Let the trials end after their current steps, and leave the cluster."""
        with _quiet():
            for _, _, stop in self._running.values():
                stop.set()
            self._running.clear()
            self._client.close()
            if self._cluster is not None:
                self._cluster.close()

    def _heard(self, event: tuple[float, Any]) -> None:
        message = Reported(*event[1])
        if message.number in self._running:
            self._queue.put(message)

    def _ended(self, job: Job, future: Any) -> TrialOutcome:
        """Return how a trial has ended, and save the runs that its worker has sent."""
        if future.status != "finished":
            error = future.exception() if future.status == "error" else None
            why = "it was cancelled" if error is None else f"{type(error).__name__}: {error}"
            return TrialOutcome(job.number, "lost", why=f"its Dask worker was lost ({why})")
        ended: TrialOutcome
        ended, sent = future.result()
        asked = self._asked.pop(job.number) if job.number in self._asked else None
        if ended.ending == "interrupted" and asked is not None:
            ended = replace(ended, ending=asked)
        for place, files in sent.items():
            for name, content in files.items():
                path = Path(place) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        return ended


def _check_versions(found: Mapping[str, Facts]) -> None:
    """Raise RunError where a worker has another specnet, or a Python that cannot read what this one sends."""
    import platform

    python = platform.python_version_tuple()[:2]
    for name, facts in found.items():
        if facts.specnet != __version__:
            raise RunError(
                f"the Dask worker {name} has specnet {facts.specnet}, and this is {__version__}: install the same "
                "version there, since trials of different versions cannot be compared"
            )
        if facts.python != ".".join(python):
            raise RunError(
                f"the Dask worker {name} has Python {facts.python}, and this is {'.'.join(python)}: Dask needs the "
                "same version everywhere"
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's warnings about versions and ports to itself: what matters is said in specnet's own words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
