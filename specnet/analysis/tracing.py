"""One example's way through the steps of a training, with the numbers of the run."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from specnet.analysis.trace_passes import PassReader
from specnet.analysis.trace_updates import UpdateReader
from specnet.analysis.traced import Observed, Trace, TracedStep
from specnet.data import Dataset
from specnet.diagnostics import RunError
from specnet.engines.execution import Bound
from specnet.model.batch import Batch
from specnet.model.compiled import CompiledModel
from specnet.training.loop import Trainer

Array = np.ndarray[Any, Any]


def trace(model: CompiledModel, data: Dataset, *, row: int | None = None, steps: int = 1) -> Trace:
    """Train a model for some steps, and return all that happens to one row of the training split, from 0.

    The model is left as it is after the last of them, to the bit what a run has after as many. Without `row`, it is
    the first row of the first batch. Raises ValueError for a row that there is not, and RunError for batches by length.
    """
    rows = len(data.splits["train"])
    if model.network.varies:
        raise RunError("batches by length are not traced: take a document without `training.batch_by`")
    if row is not None and not 0 <= row < rows:
        raise ValueError(f"the training split has {rows:,} rows")
    trainer = Trainer(model, data, stop=lambda: trainer.steps.step >= steps)
    watch = _Watch(trainer, row)
    events = trainer.events()
    ended = ""
    for event in events:
        if trainer.steps.step >= steps:
            break
        ended = getattr(event, "why", "")
    events.close()
    assert watch.row is not None
    return Trace(model.network.spec.name, watch.row, rows, tuple(watch.steps), ended)


class _Watch:
    """Stands between a training and its plans, and notes what each step begins with and comes to."""

    def __init__(self, trainer: Trainer, row: int | None) -> None:
        self.trainer, self.row = trainer, row
        self.steps: list[TracedStep] = []
        self._passes = PassReader(trainer.model, trainer.batch_size)
        self._updates = UpdateReader(trainer.model.network)
        program = trainer.program
        trainer.feed.batches = [self._around(batch) for batch in trainer.feed.batches]
        if program.update is not None:
            program.update = Bound(self._around_update(program.update), program.update.arrays)

    def _around(self, batch: Batch) -> Batch:
        step = batch.bound.step

        def observed(*numbers: float) -> tuple[float, ...]:
            seen = self._before(batch)
            scalars = step(*numbers)
            traced = self._passes.read(seen, scalars)
            if self.trainer.settings.accumulate == 1:
                traced = self._updates.read(traced, seen, self.trainer.model.parameters.trained.copy())
            self.steps.append(traced)
            return scalars

        # What is observed is there before the step.
        return replace(batch, bound=Bound(observed, batch.bound.arrays), in_step=None)

    def _around_update(self, update: Bound) -> Callable[..., tuple[float, ...]]:
        def observed(*numbers: float) -> tuple[float, ...]:
            seen = replace(self._seen, accumulated=self.trainer.program.slots["accumulated"].copy())
            scalars = update.step(*numbers)
            after = self.trainer.model.parameters.trained.copy()
            self.steps[-1] = self._updates.read(self.steps[-1], seen, after)
            return scalars

        return observed

    def _before(self, batch: Batch) -> Observed:
        """Note all that a step begins with."""
        trainer = self.trainer
        places = np.arange(batch.rows) if batch.places is None else batch.places.copy()
        if self.row is None:
            self.row = int(places[0])
        found = np.flatnonzero(places == self.row)
        self._seen = Observed(
            step=trainer.steps.step + 1,
            epoch=trainer.epoch + 1,
            rows=places,
            place=int(found[0]) if len(found) else None,
            comes=self._comes(places),
            arrays={name: array.copy() for name, array in batch.arrays.items()},
            parameters=trainer.model.parameters.flat.copy(),
            slots={name.removeprefix("slot/"): a.copy() for name, a in trainer.program.slots.items()},
            streams=deepcopy(trainer.program.streams),
            rate=trainer.rates.at(trainer.steps.step + 1),
        )
        return self._seen

    def _comes(self, places: Array) -> int | None:
        """Return the step of this epoch whose batch holds the row, given the rows of this step's batch."""
        order, trainer = self.trainer.feed.order, self.trainer
        if order is None:
            return trainer.steps.step + 1
        now, then = (
            int(np.flatnonzero(order == row)[0]) // trainer.batch_size for row in (places[0], self.row)
        )
        if then >= len(trainer.feed.batches):
            return None
        share = trainer.settings.accumulate
        return trainer.steps.step + 1 + then // share - now // share
