"""The directory of a sweep: `runs/NAME-sweep/NNN`, with its trials, its storage, and what it came to."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import RunError
from specnet.runs.directory import RunDirectory
from specnet.storage.files import finite, write_json, writing
from specnet.storage.resolved import load
from specnet.storage.system_lock import take
from specnet.sweeps.result import SweepResult

if TYPE_CHECKING:
    from specnet.language.spec import Spec

DESCRIPTION = "sweep.json"
RESULT = "result.json"
DATABASE = "sweep.db"
TRIALS = "trials"
BEST = "best.toml"
PROCESSES = ".processes"

FORMAT = 1


def sweeps_folder(folder: str | os.PathLike[str], name: str) -> Path:
    """Return the folder that the sweeps of an experiment are in."""
    return Path(folder) / f"{name}-sweep"


class SweepDirectory:
    """The directory of a sweep, which several processes may share."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def new(
        cls, folder: str | os.PathLike[str], spec: Spec, study: str | None, storage: str
    ) -> SweepDirectory:
        """Make the next directory of an experiment's sweeps, and describe the sweep in it.

        `study` is its name in the storage; by default it is named after the directory.
        """
        path = RunDirectory.new(folder, f"{spec.name}-sweep").path
        made = cls(path)
        name = study or f"{spec.name}-{path.name}"
        write_json(path / DESCRIPTION, {"format": FORMAT, "name": name, "storage": storage})
        return made

    @classmethod
    def newest(
        cls, folder: str | os.PathLike[str], name: str, study: str | None = None
    ) -> SweepDirectory | None:
        """Return the latest sweep of an experiment, or the latest that is called `study`; None if there is none."""
        above = sweeps_folder(folder, name)
        if not above.is_dir():
            return None
        numbers = [entry for entry in above.iterdir() if entry.name.isdecimal()]
        for entry in sorted(numbers, key=lambda each: int(each.name), reverse=True):
            if (entry / DESCRIPTION).is_file():
                found = cls(entry)
                if study is None or found.study == study:
                    return found
        return None

    @property
    def description(self) -> dict[str, Any]:
        """What `sweep.json` holds; raises RunError where it is none."""
        found = load(self.path / DESCRIPTION)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise RunError(f"{self.path / DESCRIPTION} is damaged, or was not saved by this specnet")
        return found

    @property
    def study(self) -> str:
        """The name of the sweep in its storage."""
        return str(self.description.get("name"))

    @property
    def database(self) -> Path:
        """The file of SQLite that is the storage where no other is named."""
        return self.path / DATABASE

    def trial(self, number: int, part: str = "") -> Path:
        """Return the directory of a trial, or of one of its trainings."""
        return self.path.absolute() / TRIALS / f"{number:04}" / part

    def forget_unused(self) -> None:
        """Remove the directory again if nothing has come of it: no storage, and no trial."""
        if not any((self.path / name).exists() for name in (DATABASE, TRIALS, RESULT)):
            with suppress(OSError):
                (self.path / DESCRIPTION).unlink(missing_ok=True)
                self.path.rmdir()

    def save(self, result: SweepResult) -> None:
        """Write what the sweep has come to."""
        write_json(self.path / RESULT, finite(result.as_dict()))

    @contextmanager
    def process(self) -> Iterator[str]:
        """Register this process, for as long as it takes part; yields the name by which others know it.

        The system gives its lock back when it dies, by which others on this machine see that its trials are lost.
        """
        folder = self.path / PROCESSES
        name = uuid.uuid4().hex
        with writing(folder):
            folder.mkdir(exist_ok=True)
            file = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o666)
            with suppress(BlockingIOError):
                take(file)
        try:
            yield name
        finally:
            with suppress(OSError):
                (folder / name).unlink(missing_ok=True)
            os.close(file)
            with suppress(OSError):
                folder.rmdir()

    def is_dead(self, name: str) -> bool:
        """Return whether a process that has registered here has died; false where that cannot be known."""
        try:
            file = os.open(self.path / PROCESSES / name, os.O_RDWR)
        except OSError:
            return False
        try:
            take(file)
        except BlockingIOError:
            return False
        finally:
            os.close(file)
        return True


def read_sweep(path: Path) -> SweepResult:
    """Return what a sweep has come to; raises RunError where the directory has none, or it is damaged."""
    if not (path / DESCRIPTION).is_file():
        raise RunError(f"{path} is not the directory of a sweep: there is no {DESCRIPTION} in it")
    if not (path / RESULT).is_file():
        raise RunError(
            f"{path} has no {RESULT} yet: it is written when `specnet sweep` ends, or is interrupted"
        )
    try:
        return SweepResult.of_dict(load(path / RESULT), path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{path / RESULT} is damaged, or was not saved by this specnet: {error}") from error
