"""What calls and trainings take of memory, as Python and NumPy report it to tracemalloc."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np

import specnet
from specnet.data import load_data, small_pages
from specnet.model.training_memory import memory
from specnet.training.loop import Trainer


@contextmanager
def traced() -> Iterator[None]:
    """Trace memory, beginning with no garbage: what is collected meanwhile does not depend on earlier tests.

    Large arrays have their memory from NumPy, as all others, since what the system gives directly is not traced.
    """
    gc.collect()
    with patch.object(small_pages, "HUGE", sys.maxsize):
        tracemalloc.start()
        try:
            yield
        finally:
            tracemalloc.stop()


REPEATED = 5
"""How often a call is repeated at most whose memory is measured."""


def growth(call: Callable[[], object], enough: int = 0) -> int:
    """Return how many bytes more than before a call has in use at most, when it is repeated.

    It is the least of several repetitions: what a call allocates, it allocates each time, while Python's lists of
    freed tuples and the like fill up in some of them. It is not repeated further once it has taken no more than is
    little `enough`. Garbage of earlier tests stays where it is meanwhile, since to collect it takes longer than a call.
    """
    call()
    collecting = gc.isenabled()
    gc.disable()
    tracemalloc.start()
    try:
        call()
        grown = []
        while len(grown) < REPEATED and not (grown and grown[-1] <= enough):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            call()
            grown.append(tracemalloc.get_traced_memory()[1] - before)
        return min(grown)
    finally:
        tracemalloc.stop()
        if collecting:
            gc.enable()


def growth_of_epochs(events: Iterable[object]) -> list[int]:
    """Return how many bytes more than at its start each epoch of a training has in use at most, from the third on."""
    peaks: list[int] = []
    with traced():
        before = 0
        for event in events:
            if isinstance(event, specnet.EpochEnded):
                peaks.append(tracemalloc.get_traced_memory()[1] - before)
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
    assert len(peaks) > 2
    return peaks[2:]


@dataclass(frozen=True)
class Taken:
    """The memory that a training took, in bytes."""

    trainer: Trainer
    predicted: dict[str, int]
    """By what it is for."""
    peak: int
    """The most that was in use, objects of Python included."""
    arrays: int
    """The most that arrays had in use at an event; this does not depend on when Python collects its garbage."""


def of_arrays() -> int:
    """Return the bytes of NumPy's arrays that are in use."""
    ours = tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([ours]).traces)


def taken(make: Callable[[], Trainer]) -> Taken:
    """Train to the end, and return what that took; `make` returns the same trainer every time.

    The smaller of two trainings counts: in one of them, Python's table of interned strings may grow by megabytes.
    """
    for _ in make().events():
        pass  # imports and caches are not the training's
    found = []
    for _ in range(2):
        with traced():
            trainer = make()
            arrays = max(of_arrays() for _ in trainer.events())
            found.append((tracemalloc.get_traced_memory()[1], arrays))
    peak, arrays = map(min, zip(*found, strict=True))
    return Taken(trainer, memory(trainer.model.network, trainer.plans, trainer.rows), peak, arrays)


def trainer_maker(spec: specnet.Spec) -> Callable[[], Trainer]:
    """Return what makes a trainer of a document, and reads its data; that takes no more than the training does."""
    model = specnet.compile(spec)

    def make() -> Trainer:
        loaded = load_data(spec.data, spec.source.folder, seed=spec.seed, dtype=spec.dtype)
        if tracemalloc.is_tracing():
            tracemalloc.reset_peak()
        return Trainer(type(model)(model.network, loaded.encoding), loaded)

    return make
