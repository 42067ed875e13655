from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.compiler.model import Model, streams
from specnet.compiler.plans import Plans
from specnet.runtime.execution import Bound, Executable
from specnet.training.state import State, drawn, put

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

    def state(self) -> State:
        """Return the parameters, the optimizer's slots, and where the streams of random numbers stand."""
        slots = {f"slots/{name}": array for name, array in self.slots.items()}
        streams = {name: drawn(generator) for name, generator in self.streams.items()}
        return State({"parameters": self.model.parameters.flat, **slots}, {"streams": streams})

    def resume(self, arrays: Mapping[str, Array], plain: Mapping[str, Any]) -> None:
        """Go on from a state."""
        put(self.model.parameters.flat, arrays, "parameters")
        for name, slot in self.slots.items():
            put(slot, arrays, f"slots/{name}")
        for name, generator in self.streams.items():
            generator.bit_generator.state = plain["streams"][name]
