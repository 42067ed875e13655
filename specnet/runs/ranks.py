"""A run that several processes train together: the first one saves and shows, and all of them end alike."""

from __future__ import annotations

import io
import json
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from specnet._version import __version__
from specnet.diagnostics import RunError
from specnet.passes.cores import BESIDE, MOST
from specnet.runs.compiling import compile_spec, model_of, network_for, read_spec
from specnet.runs.reading import MachineReaders, reading
from specnet.runs.shared import sharing
from specnet.training.distributed import agreed, check_alike, ends_others, started, threads_each

if TYPE_CHECKING:
    from specnet.data import Dataset
    from specnet.engines.ranks import Ranks
    from specnet.language.spec import Spec
    from specnet.model.compiled import CompiledModel
    from specnet.model.network import Network
    from specnet.runs.checkpoints import Stored
    from specnet.runs.compiling import Warned
    from specnet.training.loop import Trainer

T = TypeVar("T")

DISTRIBUTIONS = ("mpi",)
"""What may start the processes of a training."""

NOTHING, CHECKPOINT, FAULT = b"-", b"c", b"!"
"""What the first process tells the others where a run is resumed."""


def to_start(distributed: str | int | Ranks | None) -> int | None:
    """Return how many processes one is to start, itself included; None where it trains alone, or others started them.

    Raises ValueError where it is neither their number nor the name of what starts processes.
    """
    if distributed is None or hasattr(distributed, "machine"):
        return None
    if isinstance(distributed, str) and distributed in DISTRIBUTIONS:
        return None
    if type(distributed) is int and 1 <= distributed <= MOST:
        return distributed if distributed > 1 else None
    there = " or ".join(map(repr, DISTRIBUTIONS))
    raise ValueError(f"`distributed` must be {there} or a whole number from 1 to {MOST}, not {distributed!r}")


@dataclass(frozen=True, slots=True)
class TrainingProcesses:
    """The processes that train together, as one of them sees them, or a process that trains alone."""

    ranks: Ranks | None = None
    threads: int | None = None
    """On how many threads each computes; None for the default."""

    @classmethod
    def of(cls, distributed: str | int | Ranks | None, threads: int | None) -> TrainingProcesses:
        """Return the processes that something has started, or one alone; see `to_start` for a number of them.

        Raises RunError where what starts them is not installed.
        """
        if distributed is None or isinstance(distributed, int):
            return cls(None, threads)
        ranks = started() if isinstance(distributed, str) else distributed
        if isinstance(distributed, str) and ranks.machine.size > 1:
            os.environ[BESIDE] = str(ranks.machine.size)
        each = threads_each(ranks, threads, ranks.machine.size)
        return cls(ranks if ranks.size > 1 else None, each)

    @property
    def is_first(self) -> bool:
        """Whether this process saves and shows."""
        return self.ranks is None or self.ranks.rank == 0

    def agreed(self, work: Callable[[], T]) -> T:
        """Return what some work returns, once it has succeeded in all processes; see `agreed`."""
        return agreed(self.ranks, work)

    def told(self, work: Callable[[], T]) -> T:
        """Return what some work of the first process returns, in all of them."""
        found = self.agreed(lambda: [work()] if self.is_first else [])
        if self.ranks is None:
            return found[0]
        message = self.ranks.exchange(pickle.dumps(found[0]) if found else b"")[0]
        return found[0] if found else pickle.loads(message)  # noqa: S301  from a process of the same training

    def any(self, asked: bool) -> bool:
        """Whether any process is asked for something."""
        return asked if self.ranks is None else self.ranks.total(float(asked)) > 0


def compile_together(
    spec: Spec,
    given: Any,
    processes: TrainingProcesses,
    *,
    initialised: bool = True,
    warned: Warned | None = None,
    engine: str | None = None,
    meanwhile: Iterator[object] | None = None,
) -> tuple[CompiledModel, Dataset]:
    """Return a document's model and data in each of the processes that train it; see `compile_spec`.

    A process that trains alone does what it can `meanwhile`.

    The processes of a machine read the data together: the first one has them all in the end, and shares them with the
    others. What is `given` by a program is in the memory of each of them anyway, unless the first has started the
    others.
    """
    ranks, threads = processes.ranks, processes.threads
    if ranks is None:
        return compile_spec(
            spec,
            given,
            initialised=initialised,
            warned=warned,
            threads=threads,
            engine=engine,
            meanwhile=meanwhile,
        )
    machine = ranks.machine

    def read(readers: MachineReaders | None = None) -> tuple[Network, Dataset]:
        return read_spec(
            spec,
            given,
            warned=warned,
            threads=threads,
            engine=engine,
            ranks=ranks.size,
            beside=machine.size,
            readers=readers,
        )

    by_program = given is not None
    if ranks.led:
        by_program = ranks.exchange(b"given" if by_program else b"")[0] != b""
    else:
        check_alike(ranks, {"kind of data": "those of a program" if by_program else "those of the document"})
    if by_program:
        begun = agreed(ranks, read if given is not None else lambda: None)
    else:
        begun = agreed(ranks, reading(machine, read) if machine.size > 1 else read)
    networks = [] if begun is None else [begun[0]]
    held = [] if begun is None else [(begun[0].spec, begun[1])]
    del begun
    if by_program and not ranks.led:
        found: tuple[Spec, Dataset] | None = held.pop()
    else:
        result = sharing(machine, held)
        found = agreed(ranks, result)

    def finish() -> tuple[CompiledModel, Dataset]:
        if found is not None:
            # One that the first process has started learns from it of what data its program passes.
            document, own = found if ranks.led else (spec, found[1])
            network = networks.pop() if networks else network_for(document, own, threads, engine)
        elif by_program:
            raise RunError("what this program passes as data cannot be sent to other processes")
        else:
            network, own = read()
        return model_of(network, own, initialised=initialised), own

    model, loaded = agreed(ranks, finish)
    check_together(ranks, model, loaded)
    return model, loaded


def check_together(ranks: Ranks, model: CompiledModel, data: Dataset) -> None:
    """Raise RunError where processes do not train the same model on the same data."""
    import numpy as np

    check_alike(
        ranks,
        {
            "version of specnet": __version__,
            "version of NumPy": np.__version__,
            "engine": model.network.engine,
            **dict(_settings(model.network.spec.model_dump(mode="json"))),
            **{
                f"data in `{name}`": f"SHA-256 {digest[:12]}..."
                for name, digest in dict(data.sources).items()
            },
        },
    )


def _settings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield what a document says key by key: the place of each value, and the value."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _settings(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for place, each in enumerate(value):
            yield from _settings(each, f"{path}.{place}")
    else:
        yield f"`{path}`", json.dumps(value, default=str)


class Guarded:
    """What an event of a training is handed to; after a fault there the training stops, and the fault is raised.

    All processes stop after the same step, so that the fault of one does not leave the others waiting. One that has
    started the others ends them by raising it.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._pace = None if trainer.ranks is None or ends_others(trainer.ranks) else trainer.pace
        self.fault: BaseException | None = None

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Have a fault stop the training instead of being raised at once, where that would leave others waiting."""
        if self._pace is None:
            yield
            return
        try:
            yield
        except BaseException as fault:  # noqa: BLE001 (it is raised once all processes have stopped)
            self.fault = self.fault or fault
            self._pace.stopping = True

    def finish(self, ranks: Ranks | None) -> None:
        """Raise the fault that there was in any process."""

        def check() -> None:
            if self.fault is not None:
                raise self.fault

        agreed(ranks, check)


@contextmanager
def shipping(ranks: Ranks) -> Iterator[Callable[[Stored | None], None]]:
    """Give what sends the checkpoint that a run goes on from to the other processes, or what went wrong before."""
    sent = False

    def ship(stored: Stored | None) -> None:
        nonlocal sent
        message = NOTHING if stored is None else CHECKPOINT + stored.path.read_bytes()
        sent = True
        ranks.exchange(message)

    try:
        yield ship
    except BaseException as fault:
        if not (sent or ends_others(ranks)):
            ranks.exchange(FAULT + str(fault).encode())
        raise


def received(ranks: Ranks) -> Stored | None:
    """Return the checkpoint that the first process has found."""
    from specnet.runs.checkpoints import read_from

    told = ranks.exchange(b"")[0]
    if told[:1] == FAULT:
        raise RunError(f"process 0 of {ranks.size}: {told[1:].decode()}")
    return None if told == NOTHING else read_from(io.BytesIO(told[1:]), Path("checkpoint"))
