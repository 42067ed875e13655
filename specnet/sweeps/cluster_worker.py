"""What a worker of a Dask cluster does: it says what it is, and trains trials."""

from __future__ import annotations

import platform
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet._version import __version__
from specnet.sweeps.jobs import Job, Message, TrialOutcome, Why
from specnet.sweeps.trial import train

if TYPE_CHECKING:
    from specnet.language.spec import Spec
    from specnet.sweeps.shipping import Content

POLL = 0.5
"""Seconds between looks at whether a trial is to end."""

_UNSENT = ("checkpoints",)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a worker is, and sees."""

    specnet: str
    python: str
    missing: tuple[str, ...]
    """The files that it does not see, of those that it was asked for."""
    sees_mark: bool
    """Whether it sees a file that was made a moment ago, and so the directory of the sweep."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """How a trial is reported, and where its runs go."""

    topic: str
    stop: str
    """The name of the event that ends the trial."""
    sees_runs: bool
    """Whether runs are written to their places; otherwise they are sent at the end."""


def facts_of(files: list[str], mark: str) -> Facts:
    """Return what this worker is, and sees."""
    missing = tuple(file for file in files if not Path(file).exists())
    python = ".".join(platform.python_version_tuple()[:2])
    return Facts(__version__, python, missing, Path(mark).exists())


def train_there(
    job: Job, shipment: Shipment, content: Content | None
) -> tuple[TrialOutcome, dict[str, dict[str, bytes]]]:
    """Train a trial, and return how it ended, with the files of its runs where these are to be sent."""
    from distributed import get_worker

    worker = get_worker()

    def tell(message: Message) -> None:
        worker.log_event(shipment.topic, list(astuple(message)))

    with (
        _Stopping(shipment.stop) as stopped,
        _unpacked(content) as moved,
        tempfile.TemporaryDirectory() as own,
    ):
        trainings = [
            replace(
                training,
                spec=moved(training.spec),
                place=training.place if shipment.sees_runs else f"{own}/{number}",
            )
            for number, training in enumerate(job.trainings)
        ]
        ended = train(replace(job, trainings=tuple(trainings)), tell, stopped)
        if shipment.sees_runs:
            return ended, {}
        sent = {
            str(training.place): _read(Path(own) / str(number))
            for number, training in enumerate(job.trainings)
        }
        whole = ended.ending != "interrupted"  # what is resumed begins again, since checkpoints stay here
        return replace(ended, runs=tuple(sent)), sent if whole else {}


def _read(run: Path) -> dict[str, bytes]:
    files = (path for path in run.rglob("*") if path.is_file())
    return {
        path.relative_to(run).as_posix(): path.read_bytes()
        for path in files
        if path.relative_to(run).parts[0] not in _UNSENT and path.name != ".lock"
    }


@contextmanager
def _unpacked(content: Content | None) -> Iterator[Callable[[Spec], Spec]]:
    """Write files that were sent into a folder, and yield what makes a spec read them from there."""
    if content is None:
        yield lambda spec: spec
        return
    with tempfile.TemporaryDirectory() as root:
        folder, replaced = content.write(Path(root))

        def moved(spec: Spec) -> Spec:
            there = spec.in_folder(folder)
            return there.replace(replaced) if replaced else there

        yield moved


class _Stopping:
    """Asks from time to time whether a trial is to end, in a thread of its own."""

    def __init__(self, name: str) -> None:
        from distributed import Event, get_client

        # Only the thread of the task knows its worker.
        self._event: Any = Event(name, client=get_client())  # type: ignore[no-untyped-call]
        self._why: Why | None = None
        self._over = threading.Event()

    def __enter__(self) -> Callable[[], Why | None]:
        threading.Thread(target=self._ask, daemon=True).start()
        return lambda: self._why

    def __exit__(self, *error: object) -> None:
        self._over.set()

    def _ask(self) -> None:
        with suppress(Exception):  # the cluster is gone: the trial is trained to its end
            while not self._over.wait(POLL):
                if self._event.is_set():
                    self._why = "interrupted"
                    return
