"""A run that several processes train together: the first one saves and shows, and all of them end alike."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from specnet._version import __version__
from specnet.diagnostics import RunError, SpecError
from specnet.runs.checkpoints import Stored, read_from
from specnet.training.distributed import agreed, check_alike

if TYPE_CHECKING:
    from specnet.data import Dataset
    from specnet.engines.ranks import Ranks
    from specnet.language.spec import Spec
    from specnet.model.compiled import CompiledModel
    from specnet.training.loop import Trainer

NOTHING, CHECKPOINT, FAULT = b"-", b"c", b"!"
"""What the first process tells the others where a run is resumed."""


def check_distributed(spec: Spec) -> None:
    """Raise SpecError for what a document asks for that processes cannot do together."""
    from specnet.diagnostics import Diagnostic

    split = spec.data.split
    if split is not None and split.is_whole:
        message = "folds are trained one by one, and `--distributed` trains one model by several processes"
        help = "`--set data.split.fold=1` trains one of the folds"
        error = SpecError([Diagnostic("SN210", message, ("data", "split", "folds"), part="key", help=help)])
        raise spec.source.error(error)


def check_together(ranks: Ranks, model: CompiledModel, data: Dataset) -> None:
    """Raise RunError where processes do not train the same model on the same data."""
    import numpy as np

    check_alike(
        ranks,
        {
            "version of specnet": __version__,
            "version of NumPy": np.__version__,
            "engine": model.network.engine,
            "document": json.dumps(model.network.spec.model_dump(mode="json"), sort_keys=True, default=str),
            **{
                f"data in `{name}`": f"SHA-256 {digest[:12]}..."
                for name, digest in dict(data.sources).items()
            },
        },
    )


class Guarded:
    """What an event of a training is handed to; after a fault there the training stops, and the fault is raised.

    All processes stop after the same step, so that the fault of one does not leave the others waiting.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._pace = trainer.pace
        self.fault: BaseException | None = None

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Have a fault stop the training instead of being raised at once, where others train along."""
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
        if not sent:
            ranks.exchange(FAULT + str(fault).encode())
        raise


def received(ranks: Ranks) -> Stored | None:
    """Return the checkpoint that the first process has found."""
    told = ranks.exchange(b"")[0]
    if told[:1] == FAULT:
        raise RunError(f"process 0 of {ranks.size}: {told[1:].decode()}")
    return None if told == NOTHING else read_from(io.BytesIO(told[1:]), Path("checkpoint"))
