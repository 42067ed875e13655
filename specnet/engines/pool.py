"""Plans that are bound to memory of their own, which any number of threads may borrow at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from specnet.engines.execution import Executable
from specnet.engines.sharing import Shared
from specnet.engines.workers import Workers
from specnet.graph.sizes import Sizes, at, count, named
from specnet.passes.plan import Plan

Array = np.ndarray[Any, Any]

KEPT_BYTES = 64 << 20
"""About how much memory the workspaces may have that a pool keeps for later calls."""

KEPT = 16
"""How many workspaces a pool keeps at most, plans for how many numbers of rows, and bindings of each workspace."""


class Ready(NamedTuple):
    """A plan over the memory of a workspace: the arrays to fill, what runs it, and its outputs until the next run."""

    inputs: dict[str, Array]
    step: Callable[[], object]
    arrays: dict[str, Array]


class Workspace:
    """A plan with memory of its own, which takes at most so many rows at once, for one thread at a time."""

    def __init__(self, executable: Executable, leaves: Mapping[str, Array]) -> None:
        plan = executable.plan
        self.rows = plan.batch
        self._executable, self._leaves = executable, leaves
        self._inputs = {
            name: np.empty(count(shape).at(plan.sizes), dtype)
            for name, (shape, dtype) in plan.leaves.items()
            if name not in leaves
        }
        # Views and code are not counted: that none counts for less than this keeps their number down, too.
        held = sum(array.nbytes for array in self._inputs.values())
        least = KEPT_BYTES // KEPT
        self.size = max(held + plan.arena + plan.prologue, least)
        """About how many bytes it takes."""
        self.is_small = self.size == least
        self.kept: Any = None
        """What its user keeps with it."""
        self._bound: dict[int | tuple[tuple[str, int], ...], Ready] = {}

    def of(self, sizes: Sizes) -> Ready:
        """Return the plan over memory for some sizes; a number is that of rows, `self.rows` at most."""
        key = sizes if isinstance(sizes, int) else tuple(named(sizes).items())
        ready = self._bound.get(key)
        if ready is None:
            if len(self._bound) == KEPT:
                self._bound.clear()
            inputs = {}
            for name, array in self._inputs.items():
                shape = at(self._executable.plan.leaves[name][0], sizes)
                inputs[name] = array[: prod(shape)].reshape(shape)
            bound = self._executable.bind(sizes, {**self._leaves, **inputs})
            numbers = [float(self._leaves[name]) for name in self._executable.plan.numbers]
            step = partial(bound.step, *numbers) if numbers else bound.step
            ready = self._bound[key] = Ready(inputs, step, bound.arrays)
        return ready


class Pool(Shared):
    """Workspaces by the number of rows that they take: `compiled` returns the plan for one.

    While a call runs, its workspace is its own: it is taken out of the pool, made where there is none for that many
    rows, and put back. All whose plans have several workers share one set of them. `leaves` are what the plans read and
    no call gives.
    """

    def __init__(self, compiled: Callable[[int], Plan], leaves: Mapping[str, Array]) -> None:
        self._compiled, self._leaves = compiled, leaves
        super().__init__()

    def reset(self) -> None:
        """Begin with nothing kept."""
        super().reset()
        self._idle: list[Workspace] = []
        """Those that were used last are at the end."""
        self._size = 0
        self._executables: dict[int, Executable] = {}
        """Never run themselves: each workspace has a twin."""
        self._workers: Workers | None = None

    def take(self, rows: int) -> Workspace:
        """Return a workspace, of which nobody else knows until it is put back."""
        with self.lock:
            for space in reversed(self._idle):
                if space.rows == rows:
                    self._idle.remove(space)
                    self._size -= space.size
                    return space
        return self.workspace(rows)

    def put_back(self, space: Workspace) -> None:
        """Keep a workspace for later calls: not if something was raised, since a worker may still be writing then.

        Those that have not been used for longest are dropped, but not the last, however large it is.
        """
        with self.lock:
            self._idle.append(space)
            self._size += space.size
            while self._size > KEPT_BYTES and len(self._idle) > 1:
                self._size -= self._idle.pop(0).size

    def workers(self, count: int) -> Workers:
        """Return the workers of all workspaces, so many."""
        with self.lock:
            if self._workers is None:
                self._workers = Workers(count)
            return self._workers

    def workspace(self, rows: int) -> Workspace:
        """Return a new workspace, whose plan is compiled by the first of several threads that ask for it."""
        with self.lock:
            executable = self._executables.pop(rows, None)
            if executable is None:
                plan = self._compiled(rows)
                workers = self.workers(plan.workers) if plan.workers > 1 else None
                executable = Executable(plan, workers=workers)
            self._executables[rows] = executable
            while len(self._executables) > KEPT:
                del self._executables[next(iter(self._executables))]
        return Workspace(executable.twin(), self._leaves)
