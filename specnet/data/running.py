"""Runs the graph of a pipeline over rows, block by block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.lowered import ROWS, LoweredPipeline
from specnet.data.rows import rows_at_once
from specnet.data.transform import TransformError
from specnet.graph.sizes import at
from specnet.passes.pipeline import plan
from specnet.passes.plan import Plan
from specnet.runtime.emit import emit
from specnet.runtime.execution import Executable
from specnet.runtime.program import NumpyProgram
from specnet.runtime.sharing import Shared

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from specnet.data.transform import Transform

    Array = NDArray[Any]

KEPT = 16
"""How many numbers of rows a workspace stays bound to."""

KEPT_BYTES = 8 << 20
"""The memory of the largest workspace that is kept for later calls."""

Check = tuple[int, int, "Transform"]
"""A transform that cannot take all numbers: the step that it is, its place in the document's list, and itself."""


class Workspace:
    """A plan with memory of its own, which takes at most so many rows at once, for one thread at a time."""

    def __init__(self, executable: Executable, lowered: LoweredPipeline, checks: Sequence[Check]) -> None:
        self._executable, self._checks = executable, checks
        self._rows = np.empty(at(lowered.values[0].shape, executable.plan.batch))
        self.size = self._rows.nbytes + executable.plan.arena
        """How many bytes it takes."""
        self._fitted = lowered.fitted
        self._bound: dict[int, tuple[Array, Callable[[], object], dict[str, Array]]] = {}

    def rows(self, count: int) -> Array:
        """Return the memory of so many rows, which may be filled before they are run."""
        return self._of(count)[0]

    def run(self, array: Array) -> Array:
        """Return rows (rows, ...) after all steps, until the next run; raise TransformError, with its place."""
        rows, step, arrays = self._bound.get(len(array)) or self._of(len(array))
        if array is not rows:
            rows[...] = array
        step()
        for number, place, transform in self._checks:
            try:
                transform.check(arrays[f"before {number}"])
            except TransformError as error:
                error.place = place
                raise
        return arrays["result"]

    def _of(self, count: int) -> tuple[Array, Callable[[], object], dict[str, Array]]:
        if count not in self._bound:
            if len(self._bound) == KEPT:
                self._bound.clear()
            rows = self._rows[:count]
            bound = self._executable.bind(count, {**self._fitted, ROWS: rows})
            numbers = [float(self._fitted[name]) for name in self._executable.plan.numbers]
            self._bound[count] = rows, partial(bound.step, *numbers), bound.arrays
        return self._bound[count]


class Runner(Shared):
    """A lowered pipeline that any number of threads may run at once: each call has a workspace to itself."""

    def __init__(self, lowered: LoweredPipeline, checks: Sequence[Check] = ()) -> None:
        self._lowered, self._checks = lowered, checks
        graph, values = lowered.graph, lowered.values
        graph.outputs = {f"before {number}": values[number] for number, _, _ in checks}
        graph.outputs["result"] = values[-1]
        self.maximum = rows_at_once(at(values[0].shape[1:], 1))
        """How many rows are worked on at once."""
        super().__init__()

    def reset(self) -> None:
        """Begin with nothing kept."""
        super().reset()
        self._written: dict[int, tuple[Plan, NumpyProgram]] = {}
        """The plan for each number of rows, without memory, and what it was written as."""
        self._idle: defaultdict[int, list[Workspace]] = defaultdict(list)
        """Workspaces by the number of rows that they take."""

    def workspace(self, rows: int) -> Workspace:
        """Return a new workspace for at most so many rows."""
        with self.lock:
            written = self._written.get(rows)
            if written is None:
                # Rules of algebra would change the last digits of what was fitted and stored.
                made = plan(self._lowered.graph, rows, optimise=False)
                written = self._written[rows] = made, emit(made)
        executable = Executable(written[0], program=written[1])
        return Workspace(executable, self._lowered, self._checks)

    def __call__(self, array: Array, dtype: DTypeLike = np.float64) -> Array:
        """Return rows (rows, ...) after all steps as an array of their own; raise TransformError, with its place."""
        count = len(array)
        if 0 < count <= self.maximum:
            # A power of two, so that few sizes are kept, and none much larger than what was asked for.
            idle = self._idle[size := 1 << (count - 1).bit_length()]
            try:
                space = idle.pop()
            except IndexError:  # also where another thread has taken the last
                space = self.workspace(size)
            result = space.run(array).astype(dtype)
            if space.size <= KEPT_BYTES:
                idle.append(space)
            return result
        out = np.empty((count, *self._lowered.shape), dtype)
        for start in range(0, count, self.maximum):
            part = slice(start, start + self.maximum)
            try:
                out[part] = self(array[part], dtype)
            except TransformError as error:
                error.row += start
                raise
        return out
