from __future__ import annotations

from typing import Any

import numpy as np

from specnet.compiler.model import Model, streams
from specnet.compiler.pipeline import plan
from specnet.compiler.programs import accumulating_graph, training_graph, update_graph
from specnet.runtime.execution import Bound, Executable
from specnet.runtime.plan import Plan

Array = np.ndarray[Any, Any]


class Program:
    """The compiled steps of a training, and the slots that the optimizer keeps.

    One plan does a whole step. Where several batches share a step (`accumulate`), one plan adds up their
    gradients and a second, `update`, ends the step. A learning rate that is the same throughout is part of the
    plan; others are given to each step. `whole` says that every step sees the same inputs.
    """

    def __init__(self, model: Model, batch_size: int, rate: float | None = None, *, whole: bool = False) -> None:
        network = model.network
        self._model = model
        self.accumulate = network.spec.training.accumulate
        shared = self.accumulate > 1
        update = update_graph(network, rate) if shared else training_graph(network, rate)
        dtype = network.spec.dtype
        self.slots: dict[str, Array] = {
            f"slot/{name}": np.full(shape, first, dtype) for name, (shape, first) in update.slots.items()
        }
        self.update: Bound | None = None
        self.update_plan: Plan | None = None
        if shared:
            self.slots["accumulated"] = np.zeros(network.size, dtype)
            self.update_plan = plan(update.graph, 1)
            self.update = Executable(self.update_plan).bind(1, model.leaves(**self.slots))
        graph = accumulating_graph(network) if shared else update.graph
        self.plan: Plan = plan(graph, batch_size, guard="loss", fixed_inputs=whole)
        self.streams = streams(network.spec.seed, self.plan.streams.values())
        self._executable = Executable(self.plan, self.streams)

    def bind(self, rows: int, inputs: Array, targets: Array) -> Bound:
        """Return the step over arrays that hold a batch of so many rows."""
        return self._executable.bind(rows, self._model.leaves(inputs=inputs, targets=targets, **self.slots))
