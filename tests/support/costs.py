"""What a training step of a shipped document costs, counted and not timed: kernel calls, bytes moved, allocations."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np

from specnet.analysis.explanation import explain
from specnet.analysis.profiling import first_batch
from specnet.engines import execution
from specnet.engines.execution import Executable
from specnet.engines.numpy.calls import perform
from specnet.engines.random import streams
from specnet.engines.workers import Workers
from specnet.model.compiled import CompiledModel
from specnet.passes.plan import Plan

NUMBERS = {"abs", "float", "max", "min"}
"""Functions of Python numbers; those called `scalar_...` are, too."""

VIEWS = {"reshape", "swapaxes", "transpose", "view"}
"""Methods of arrays that touch no elements."""

WHOLE = {"each_piece", "each_share", "perform"}
"""Functions that call others, which are counted."""

ALLOCATED = 8_192
"""Bytes from which on what a call takes is an array: views, frames and NumPy's iterators with buffers are smaller."""

TRIES = 3
"""Executions of which one has to allocate nothing: what threads of the process take meanwhile is counted, too."""


@dataclass
class Kernel:
    """What the calls of one function in a step come to."""

    calls: int = 0
    moved: int = 0
    """Bytes of the arrays that it is given, to be read or written."""
    allocations: int = 0


@dataclass
class Cost:
    """What a step comes to, by function."""

    kernels: dict[str, Kernel] = field(default_factory=dict)

    def note(self, name: str, arguments: tuple[Any, ...], taken: int) -> None:
        """Count one call."""
        kernel = self.kernels.setdefault(name, Kernel())
        kernel.calls += 1
        kernel.moved += _bytes(arguments)
        kernel.allocations += taken >= ALLOCATED


class _OneThread(Workers):
    """Workers whose parts are done by the calling thread, one after the other."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count

    def run(self, task: Callable[[int], None], parts: int) -> None:
        for part in range(parts):
            task(part)


def _bytes(arguments: Any) -> int:
    if isinstance(arguments, np.ndarray):
        return arguments.nbytes
    if isinstance(arguments, tuple | list):
        return sum(map(_bytes, arguments))
    return 0


class _Counting:
    """Counts the calls of the functions that it gives in place of others."""

    def __init__(self) -> None:
        self.cost = Cost()
        self.resolve = execution.resolve

    def __call__(self, name: str) -> Any:
        """Return the function that a statement names, counted if it is a kernel."""
        function = self.resolve(name)
        if name == "perform":
            return self._perform
        if name in NUMBERS | WHOLE or name.startswith("scalar_"):
            return function

        def counted(*arguments: Any, **options: Any) -> Any:
            return self._called(name, function, arguments, options)

        return counted

    def _perform(self, calls: Any) -> None:
        for function, arguments in calls:
            if function is perform:
                self._perform(*arguments)
                continue
            self._called(function.__name__, function, arguments, {})

    def _called(
        self,
        name: str,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        result = function(*arguments, **options)
        self.cost.note(name, (*arguments, *options.values()), tracemalloc.get_traced_memory()[1] - before)
        return result

    def method(self, frame: Any, event: str, called: Any) -> None:
        """Count what statements call as a method of an array, as a profiler is told of it."""
        array = getattr(called, "__self__", None)
        here = event == "c_call" and frame.f_code.co_filename.startswith("<")
        if here and isinstance(array, np.ndarray) and called.__name__ not in VIEWS:
            self.cost.note(called.__name__, (array,), 0)


def cost_of(plan: Plan, model: CompiledModel, leaves: Any, sizes: Any) -> Cost:
    """Execute a plan on one thread, and return what an execution after the first costs."""
    counting = _Counting()
    with patch.object(execution, "resolve", counting):
        executable = Executable(
            plan, streams(model.network.spec.seed, plan.streams), _OneThread(plan.workers or 1)
        )
        step = executable.bind(sizes, leaves).step
    values = {"rate": 1e-3, "step": 1, "share": 1.0}
    numbers = [values[name] for name in plan.numbers]
    step(*numbers)
    for _ in range(TRIES):
        counting.cost = Cost()
        tracemalloc.start()
        sys.setprofile(counting.method)
        try:
            results = step(*numbers)
        finally:
            sys.setprofile(None)
            tracemalloc.stop()
        assert np.isfinite(results).all(), "a step that has diverged ends early"
        if not any(kernel.allocations for kernel in counting.cost.kernels.values()):
            break
    return counting.cost


def costs(network: Any, data: Any) -> dict[str, tuple[Plan, Cost]]:
    """Return the plans of a training step on the first rows, and what each costs."""
    explanation = explain(network)
    model = CompiledModel(network, data.encoding)
    sizes, leaves = first_batch(model, data, explanation)
    plans = explanation.plans
    found = {"step": (plans.step, cost_of(plans.step, model, leaves, sizes))}
    if plans.update is not None:
        found["update"] = (plans.update, cost_of(plans.update, model, leaves, 1))
    return found
