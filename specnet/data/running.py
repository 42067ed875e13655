"""Runs the graph of a pipeline over rows, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.lowered import ROWS, LoweredPipeline
from specnet.data.rows import rows_at_once
from specnet.data.transform import TransformError
from specnet.engines.pool import Pool, Workspace
from specnet.graph.sizes import at
from specnet.passes.pipeline import plan

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from specnet.data.transform import Transform

    Array = NDArray[Any]

KEPT_BYTES = 8 << 20
"""The memory of the largest workspace that is kept for later calls."""

Check = tuple[int, int, "Transform"]
"""A transform that cannot take all numbers: the step that it is, its place in the document's list, and itself."""


class Runner:
    """A lowered pipeline that any number of threads may run at once: each call has a workspace to itself."""

    def __init__(self, lowered: LoweredPipeline, checks: Sequence[Check] = ()) -> None:
        self.checks = checks
        """What cannot take all numbers."""
        graph, values = lowered.graph, lowered.values
        graph.outputs = {f"before {number}": values[number] for number, _, _ in checks}
        graph.outputs["result"] = values[-1]
        self._shape = lowered.shape
        self.maximum = rows_at_once(at(values[0].shape[1:], 1))
        """How many rows are worked on at once."""
        # Rules of algebra would change the last digits of what was fitted and stored.
        self.pool = Pool(lambda rows: plan(graph, rows, optimise=False), lowered.fitted)

    def run(self, space: Workspace, array: Array) -> Array:
        """Return rows (rows, ...) after all steps, until the space's next run; raise TransformError, with its place.

        They may lie in the space's own memory before.
        """
        # What a transform cannot take is found by its check, and what is not finite by the reader of the result.
        with np.errstate(all="ignore"):
            return self._run(space, array)

    def _run(self, space: Workspace, array: Array) -> Array:
        """Do what `run` does where NumPy already ignores what overflows."""
        inputs, step, arrays = space.of(len(array))
        if array is not (rows := inputs[ROWS]):
            rows[...] = array
        step()
        for number, place, transform in self.checks:
            try:
                transform.check(arrays[f"before {number}"])
            except TransformError as error:
                error.place = place
                raise
        return arrays["result"]

    def __call__(self, array: Array, dtype: DTypeLike = np.float64) -> Array:
        """Return rows (rows, ...) after all steps as an array of their own; raise TransformError, with its place."""
        out = np.empty((len(array), *self._shape), dtype)
        with np.errstate(all="ignore"):
            self.put(array, out)
        return out

    def put(self, array: Array, out: Array) -> None:
        """Write rows (rows, ...) after all steps into `out`, where NumPy already ignores what overflows."""
        count = min(len(array), self.maximum)
        if not count:
            return
        # A power of two, so that few sizes are kept, and none much larger than what was asked for.
        space = self.pool.take(1 << (count - 1).bit_length())
        for start in range(0, len(array), count):
            part = slice(start, start + count)
            try:
                out[part] = self._run(space, array[part])
            except TransformError as error:
                error.row += start
                raise
        if space.size <= KEPT_BYTES:
            self.pool.put_back(space)
