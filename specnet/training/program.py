from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.engines.aligned import filled
from specnet.engines.execution import Bound, Executable
from specnet.engines.random import streams
from specnet.engines.ranks import RankShares, join
from specnet.graph.sizes import Sizes, value_of
from specnet.model.compiled import CompiledModel
from specnet.model.parameters import Parameters
from specnet.model.plans import Plans
from specnet.model.state import TrainingState, carried_states, drawn, put
from specnet.model.updates import AVERAGE
from specnet.vocabulary.optimizers import Method, Searching

Array = np.ndarray[Any, Any]


class BoundTraining:
    """The plans of a training over real memory: the model's parameters, and the slots that the optimizer keeps.

    Where several processes train together, `shares` says what each has of a batch.
    """

    def __init__(self, model: CompiledModel, plans: Plans, shares: RankShares | None = None) -> None:
        spec = model.network.spec
        self._shares = shares
        self.model, self.plan, self.update_plan = model, plans.step, plans.update
        self._plans = plans
        self.slots: dict[str, Array] = {
            name: filled(plans.slot_shape(name), first, spec.dtype)
            for name, (_, first) in plans.slots.items()
        }
        """What the optimizer keeps; of what processes share, a process has its portion."""
        self.average: Parameters | None = None
        """The running mean of what training fits, where there is one."""
        if f"slot/{AVERAGE}" in self.slots:
            self.average = Parameters(model.network.trained, spec.dtype)
            self.average.flat[...] = model.parameters.trained
            self.slots[f"slot/{AVERAGE}"] = self._own(f"slot/{AVERAGE}", self.average.flat)
        optimizer = spec.training.optimizer
        self.method: Method | None = None
        """What makes the steps of an optimizer that searches."""
        if isinstance(optimizer, Searching):
            own = {name.removeprefix("slot/"): array for name, array in self.slots.items()}
            self.method = optimizer.method(model.parameters.trained, own)
        self.streams = streams(spec.seed, plans.step.streams)
        self.states = carried_states(plans.step)
        """What stateful layers have left to the next batch."""
        self._executable = Executable(plans.step, self.streams, shares=shares)
        self.update: Bound | None = None
        if plans.update is not None:
            self.update = Executable(plans.update, shares=shares).bind(1, model.leaves(**self.slots))

    def bind(self, sizes: Sizes, arrays: Mapping[str, Array]) -> Bound:
        """Return the step over arrays that hold a batch of some sizes; a number is that of its rows."""
        rows = value_of("batch", sizes) if self._shares is None else self._shares.sizes(sizes)["batch"]
        states = {name: state[:rows] for name, state in self.states.items()}
        bound = self._executable.bind(sizes, self.model.leaves(**arrays, **self.slots, **states))
        if self.method is None:
            return bound
        step, evaluate, gradients = self.method.step, bound.step, bound.arrays["gradients"]
        return Bound(lambda: step(evaluate, gradients), {})

    def begin(self) -> None:
        """Begin an epoch: stateful layers begin with zeros."""
        for state in self.states.values():
            state.fill(0.0)

    def _gathered(self, state: Array) -> Array:
        """Return what stateful layers have left at all places of the batch, of which a process has some."""
        if self._shares is None or self._shares.places is None:
            return state
        own = self._shares.of(self._shares.places)
        whole = np.empty((self._shares.places, *state.shape[1:]), state.dtype)
        own.gather(np.ascontiguousarray(state[: len(own)]).reshape(-1), whole.reshape(-1))
        return whole

    def _own_places(self, whole: Array) -> Array:
        if self._shares is None or self._shares.places is None:
            return whole
        own = self._shares.of(self._shares.places)
        return whole[own.start : own.stop]

    def _own(self, slot: str, whole: Array) -> Array:
        """Return what this process has of a slot."""
        portion = self._plans.portion
        if portion is None or not self._plans.in_portions(slot):
            return whole
        return whole[portion.start : portion.stop]

    def _whole(self, slot: str) -> Array:
        """Return a slot of which each process may have its portion."""
        own = self.slots[slot]
        if self._shares is None or not self._plans.in_portions(slot):
            return own
        whole = np.empty(self._plans.slots[slot][0], own.dtype)
        join(self._shares.ranks, own, whole)
        return whole

    def complete(self) -> None:
        """Have the running mean whole, of which each process has its portion: it is about to be read."""
        if self.average is not None and self._shares is not None and self._plans.portion is not None:
            join(self._shares.ranks, self.slots[f"slot/{AVERAGE}"], self.average.flat)

    @property
    def ended(self) -> str | None:
        """Why no further step would lead anywhere, where the optimizer knows it."""
        return None if self.method is None else self.method.ended

    @property
    def measured(self) -> dict[str, Array]:
        """What evaluation is bound to in place of the model's own arrays: the running mean, or nothing."""
        if self.average is None:
            return {}
        return {"parameters": self.average.flat, **self.average, **self.average.joined}

    @property
    def learnt(self) -> tuple[Array, ...]:
        """The arrays that hold what the training has come to: the running mean takes the parameters' place."""
        own = self.model.parameters
        return (own.flat,) if self.average is None else (self.average.flat, own.flat[own.trained.size :])

    def settle(self) -> None:
        """Make the running mean the model's parameters, where there is one; it is whole."""
        if self.average is not None:
            np.copyto(self.model.parameters.trained, self.average.flat)

    def state(self) -> TrainingState:
        """Return the parameters, the optimizer's slots, and where the streams of random numbers stand.

        Several processes ask for it together, and each gets all of it.
        """
        slots = {f"slots/{name}": self._whole(name) for name in self.slots}
        streams = {name: drawn(generator) for name, generator in self.streams.items()}
        plain = {"streams": streams, "method": None if self.method is None else self.method.state()}
        states = {name: self._gathered(state) for name, state in self.states.items()}
        return TrainingState({"parameters": self.model.parameters.flat, **slots, **states}, plain)

    def resume(self, arrays: Mapping[str, Array], plain: Mapping[str, Any]) -> None:
        """Go on from a state."""
        put(self.model.parameters.flat, arrays, "parameters")
        for name, slot in self.slots.items():
            put(slot, {name: self._own(name, arrays[f"slots/{name}"])}, name)
        if self.average is not None:
            put(self.average.flat, arrays, f"slots/slot/{AVERAGE}")
        for name, state in self.states.items():
            own = self._own_places(arrays[name])
            put(state[: len(own)], {name: own}, name)
        for name, generator in self.streams.items():
            generator.bit_generator.state = plain["streams"][name]
        if self.method is not None:
            self.method.resume(plain["method"])
