from __future__ import annotations

from typing import Any

import numpy as np

from specnet.compiler.model import Model, streams
from specnet.compiler.plans import Plans
from specnet.runtime.execution import Bound, Executable

Array = np.ndarray[Any, Any]


class Program:
    """The plans of a training over real memory: the model's parameters, and the slots that the optimizer keeps."""

    def __init__(self, model: Model, plans: Plans) -> None:
        spec = model.network.spec
        self.model, self.plan, self.update_plan = model, plans.step, plans.update
        self.slots: dict[str, Array] = {
            name: np.full(shape, first, spec.dtype) for name, (shape, first) in plans.slots.items()
        }
        self.streams = streams(spec.seed, plans.step.streams.values())
        self._executable = Executable(plans.step, self.streams)
        self.update: Bound | None = None
        if plans.update is not None:
            self.update = Executable(plans.update).bind(1, model.leaves(**self.slots))

    def bind(self, rows: int, inputs: Array, targets: Array) -> Bound:
        """Return the step over arrays that hold a batch of so many rows."""
        return self._executable.bind(rows, self.model.leaves(inputs=inputs, targets=targets, **self.slots))
