"""The events of a training as an iterator that keeps other threads away from its model while it makes steps."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator, Iterator
from inspect import GEN_CLOSED, GEN_RUNNING, getgeneratorstate
from typing import Generic, TypeVar

from specnet.diagnostics import ModelInUseError
from specnet.engines.use import ModelUse
from specnet.training.events import Ended

E = TypeVar("E")


class ExclusiveEvents(Iterator[E], Generic[E]):
    """Gives the events of a generator that makes the steps of a training between them.

    Any thread may ask for the next event, one at a time. While it waits for that, others cannot use the model, and
    it cannot wait for it while others do: the later one raises ModelInUseError. A training that was refused an
    event for this is as it was before, and can be asked again.

    The model is in this training from the first event that is asked for until `Ended` has been given, something
    is raised, or the iterator is closed or garbage-collected. Then, `leave` is called.
    """

    def __init__(
        self, events: Generator[E, None, None], use: ModelUse, leave: Callable[[], object] | None = None
    ) -> None:
        self._events, self._use = events, use
        self._leave = leave and weakref.finalize(self, leave)

    def __next__(self) -> E:
        events, use = self._events, self._use
        state = getgeneratorstate(events)
        if state == GEN_CLOSED:
            raise StopIteration
        if state == GEN_RUNNING:
            raise ModelInUseError("this training is already running: it yields one event at a time")
        use.begin_steps(self)
        try:
            event = next(events)
        except BaseException:
            self._end()
            raise
        finally:
            use.end_steps(self)
        if isinstance(event, Ended):
            self.close()
        return event

    def close(self) -> None:
        """End the training where it is; raise ModelInUseError while another thread waits for an event."""
        try:
            self._events.close()
        except (
            ValueError
        ) as running:  # the generator itself has nothing to do when it is closed that could raise
            message = "this training is running: close it after its next event"
            raise ModelInUseError(message) from running
        self._end()

    def _end(self) -> None:
        self._use.end_training(self)
        if self._leave is not None:
            self._leave()
