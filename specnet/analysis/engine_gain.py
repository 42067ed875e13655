"""From how many steps on compiled code pays: what compiling takes, divided by what a step then takes less."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from statistics import median
from time import perf_counter

import numpy as np

from specnet.analysis.explanation import Explanation
from specnet.analysis.profiling import first_batch, first_numbers
from specnet.data import Dataset
from specnet.engines.execution import Bound, Executable, compile_code
from specnet.engines.random import streams
from specnet.engines.subnormals import flushing
from specnet.graph.sizes import Sizes
from specnet.model.compiled import CompiledModel

SECONDS = 0.5
"""About how long the steps of an engine are measured."""

AT_ONCE = 200
"""Steps that are made by one call where an engine makes several."""

LEAST = 3

Trained = tuple[CompiledModel, Dataset, Explanation]


@dataclass(frozen=True, slots=True)
class Gain:
    """Seconds: what it took to compile all plans or to load them, and a step of either engine."""

    compilation: float
    numpy: float
    compiled: float

    @property
    def steps(self) -> int | None:
        """The number of steps from which on compiling has paid; None if a compiled step takes no less."""
        saved = self.numpy - self.compiled
        return ceil(self.compilation / saved) if saved > 0 else None


def gain(numpy: Trained, compiled: Trained) -> Gain:
    """Return what compiling takes, and steps of the same training with the NumPy engine and with a compiled one.

    The models are trained on the first rows for it, and are of no use afterwards.
    """
    began = perf_counter()
    for plan in compiled[2].programs.values():
        compile_code(plan)
    compilation = perf_counter() - began
    return Gain(compilation, _step(*numpy), _step(*compiled))


def _step(model: CompiledModel, data: Dataset, explanation: Explanation) -> float:
    sizes, leaves = first_batch(model, data, explanation)
    plans, settings = explanation.plans, model.network.spec.training
    start = model.parameters.flat.copy()

    def seconds(plan_name: str, of: Sizes) -> float:
        plan = explanation.programs[plan_name]
        bound = Executable(plan, streams(model.network.spec.seed, plan.streams)).bind(of, leaves)
        return _seconds(bound, first_numbers(model, plan), lambda: np.copyto(model.parameters.flat, start))

    whole = settings.accumulate * seconds("step", sizes)
    return whole if plans.update is None else whole + seconds("update", 1)


@flushing
def _seconds(bound: Bound, numbers: tuple[float, ...], begin: Callable[[], None]) -> float:
    """Return how long a step takes."""
    found: list[float] = []
    until = perf_counter() + SECONDS
    with np.errstate(all="ignore"):
        bound.step(*numbers)
        while len(found) < LEAST or perf_counter() < until:
            begin()
            began = perf_counter()
            made = 1
            if bound.many is not None:
                made = len(bound.many(AT_ONCE, *numbers))
            else:
                bound.step(*numbers)
            found.append((perf_counter() - began) / made)
    return median(found)
