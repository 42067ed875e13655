"""The folder `checkpoints/` of a run: what it needs to go on, written now and then while it trains."""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import IO, Any

import numpy as np

from specnet._version import __version__
from specnet.diagnostics import RunError
from specnet.model.evaluation import Figure
from specnet.model.state import TrainingState
from specnet.runs.directory import CHECKPOINTS
from specnet.storage.archive import BROKEN, read_arrays, write_arrays
from specnet.storage.files import write_whole, writing
from specnet.training.events import EpochEnded, Event, Span, StepsDone
from specnet.training.history import History
from specnet.training.loop import Trainer

Array = np.ndarray[Any, Any]

BEST = "best.npz"
FORMAT = 1
META = "checkpoint"
DIGEST = "sha256"
TRAINING, HISTORY = "training/", "history/"

_NAME = re.compile(r"\d+-\d+\.npz")


class Checkpoints:
    """Writes the checkpoints of one run, as its spec's `[training.checkpoint]` asks and when it is interrupted.

    Of several processes that train together, those without the run's directory only say what they have.
    """

    def __init__(
        self,
        run: Path | None,
        trainer: Trainer,
        history: History,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.folder = None if run is None else run / CHECKPOINTS
        clock = clock if trainer.pace is None else trainer.pace.clock
        self._trainer, self._history, self._clock = trainer, history, clock
        self._settings = trainer.settings.checkpoint
        self._reached: tuple[int, int] | None = None
        self._best: float | None = None
        self._when = clock()

    def see(self, event: Event | Span) -> None:
        """Take in an event, which the history already holds, and write a checkpoint if one is due.

        Raises RunError where it cannot be written; those before it stay as they were.
        """
        if not isinstance(event, EpochEnded | Span | StepsDone):
            return
        better = self._is_best(event)
        if self._trainer.interrupted or self._due():
            state = self._trainer.state()
            steps = state.plain["steps"]
            self.write(f"{steps['step']:010}-{steps['next']:06}.npz", state)
            self._when = self._clock()
            self._forget(2 if self._settings is None else self._settings.keep)
        if better:
            self.write(BEST, self._trainer.state())

    def write(self, name: str, state: TrainingState) -> None:
        """Write a checkpoint; the file has its name only when it is whole and on the disk."""
        if self.folder is None:
            return
        history = self._history.state()
        meta = {
            "format": FORMAT,
            "specnet": __version__,
            "training": state.plain,
            "history": history.plain,
            "best": self._best,
        }
        arrays = {META: np.frombuffer(json.dumps(meta).encode(), np.uint8)}
        arrays |= {TRAINING + key: array for key, array in state.arrays.items()}
        arrays |= {HISTORY + key: array for key, array in history.arrays.items()}
        arrays[DIGEST] = digest(arrays)
        try:
            with writing(self.folder):
                self.folder.mkdir(exist_ok=True)
            write_whole(self.folder / name, lambda file: write_arrays(file, arrays))
        except RunError as error:
            there = numbered(self.folder)
            kept = f"; {there[0].name}, from before, is complete, and the run can be resumed" if there else ""
            raise RunError(f"{error}{kept}") from error

    def _forget(self, keep: int) -> None:
        """Remove all but the latest checkpoints."""
        if self.folder is not None:
            with writing(self.folder):
                for path in numbered(self.folder)[keep:]:
                    path.unlink()

    def resume(self, best: float | None) -> None:
        """Take up the best value that an earlier part of the run has had."""
        self._best = best

    def _due(self) -> bool:
        settings, trainer = self._settings, self._trainer
        if settings is None:
            return False
        # One event may follow another within a step that several batches share.
        before, self._reached = self._reached, (trainer.epoch, trainer.steps.step)
        if trainer.checkpoint_due and before != self._reached:
            return True
        return settings.every_seconds is not None and self._clock() - self._when >= settings.every_seconds

    def _is_best(self, event: Event | Span) -> bool:
        """Return whether an epoch is the best so far by the value that `best` names; a NaN never is."""
        monitor = None if self._settings is None else self._settings.best
        if monitor is None or not isinstance(event, EpochEnded):
            return False
        split, _, name = monitor.partition(".")
        higher = self._trainer.model.network.better(name) == "higher"
        figures: Mapping[str, Figure] = {"loss": event.loss} if split == "train" else event.validation or {}
        figure = figures.get(name, math.nan)
        value = math.nan if isinstance(figure, list) else float(figure)
        if math.isnan(value) or (
            self._best is not None and (value <= self._best if higher else value >= self._best)
        ):
            return False
        self._best = value
        return True


@dataclass(frozen=True, slots=True)
class Stored:
    """What a checkpoint's file holds."""

    path: Path
    training: TrainingState
    history: TrainingState
    best: float | None
    """The best value so far of what `best` names."""


def numbered(folder: Path) -> list[Path]:
    """Return the checkpoints of a run by where they were written, the latest first; the best is not among them."""
    return sorted((path for path in folder.glob("*-*.npz") if _NAME.fullmatch(path.name)), reverse=True)


def digest(arrays: Mapping[str, Array]) -> Array:
    """Return the SHA-256 of arrays with their names, shapes and types, as (32,) bytes."""
    sha = hashlib.sha256()
    for name, array in arrays.items():
        sha.update(f"{name} {array.dtype.str} {array.shape};".encode())
        sha.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return np.frombuffer(sha.digest(), np.uint8)


def read(path: Path) -> Stored:
    """Return what a checkpoint holds; raises RunError where it is damaged or cannot be read."""
    return read_from(path, path)


def read_from(file: Path | IO[bytes], path: Path) -> Stored:
    """Return what a checkpoint's file holds, which messages call by its path."""
    try:
        arrays = read_arrays(file)
        if not np.array_equal(arrays.pop(DIGEST), digest(arrays)):
            raise RunError(f"{path} is damaged: its checksum does not match its contents")
        meta = json.loads(arrays.pop(META).tobytes())
    except FileNotFoundError:
        raise RunError(f"there is no {path}") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
    except (*BROKEN, TypeError, OverflowError, RecursionError, MemoryError, struct.error) as error:
        raise RunError(f"{path} is damaged: {_reason(error)}") from error
    if meta["format"] != FORMAT:
        raise RunError(f"{path} has format {meta['format']}, and this specnet reads format {FORMAT}")

    def part(lead: str, plain: dict[str, Any]) -> TrainingState:
        return TrainingState(
            {k.removeprefix(lead): v for k, v in arrays.items() if k.startswith(lead)}, plain
        )

    return Stored(path, part(TRAINING, meta["training"]), part(HISTORY, meta["history"]), meta["best"])


def latest(run: Path) -> tuple[Stored | None, tuple[str, ...]]:
    """Return the latest whole checkpoint of a run, and why each one after it is none.

    A damaged one gets `.damaged` behind its name, so that it takes no later one's place.
    """
    folder = run / CHECKPOINTS
    problems: list[str] = []
    best = [folder / BEST] if (folder / BEST).exists() else []
    for path in [*numbered(folder), *best]:
        try:
            return read(path), tuple(problems)
        except RunError as error:
            problems.append(str(error))
            with writing(path):
                path.replace(path.with_name(f"{path.name}.damaged"))
    return None, tuple(problems)


def _reason(error: BaseException) -> str:
    return (
        "it lacks an entry that every checkpoint has"
        if isinstance(error, KeyError)
        else str(error) or "it is truncated"
    )
