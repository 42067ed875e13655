"""A network's prediction, ready for as many threads as ask at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import ref

import numpy as np

from specnet.compiler.network import Network
from specnet.compiler.programs import prediction_graph
from specnet.passes.pipeline import plan
from specnet.runtime.execution import Bound, Executable
from specnet.runtime.sharing import Shared
from specnet.runtime.use import ModelUse
from specnet.runtime.workers import Workers

Array = np.ndarray[Any, Any]

PREDICTION_ROWS = 1024
"""Rows predicted at once, so that memory does not grow with the number of rows asked for."""

KEPT_BYTES = 64 << 20
"""About how much memory the bound plans may have that a model keeps for later calls."""

KEPT = 16
"""How many of them there may be, and how many batch sizes whose plans are kept."""


class Ready:
    """A plan that is bound to memory of its own, which one thread at a time is lent."""

    __slots__ = ("__weakref__", "inputs", "key", "predictions", "reader", "rows", "size", "step")

    def __init__(self, rows: int, inputs: Mapping[str, Array], bound: Bound, memory: int) -> None:
        self.rows = rows
        self.inputs, self.step = tuple(inputs.items()), bound.step
        self.predictions = tuple(bound.arrays.items())
        # Views and code are not counted: that none counts for less than this keeps their number down, too.
        held = sum(array.nbytes for array in inputs.values())
        self.size = max(held + memory, KEPT_BYTES // KEPT)
        self.key = id(self)
        self.reader: ref[object] = ref(self)


class Predictor(Shared):
    """Predicts with arrays by name (`parameters`, and each parameter's own), for several threads at once.

    While a call runs, the memory that it runs in is its own: bound plans are taken out of a pool, made where it has
    none for that many rows, and put back. All of them share one set of workers.
    """

    def __init__(self, network: Network, arrays: Mapping[str, Array], use: ModelUse) -> None:
        self._network, self._arrays, self._use = network, arrays, use
        super().__init__()

    def reset(self) -> None:
        """Begin with nothing kept."""
        super().reset()
        self._pool: dict[int, list[Ready]] = {}
        """By rows; those that were used last are at the end. Changed under the lock of `use`."""
        self._size = 0
        self._executables: dict[int, Executable] = {}
        """Never run themselves: each bound plan has a twin."""
        self._workers: Workers | None = None

    def predict(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the predictions of any number of rows, as `prediction_graph` names them; inputs are as they lie there.

        Raises ModelInUseError while another thread makes steps.
        """
        rows = len(next(iter(inputs.values())))
        if 0 < rows <= PREDICTION_ROWS:
            ready = self._take(rows)
            for name, array in ready.inputs:
                array[...] = inputs[name]
            ready.step()
            predictions = {name: array.copy() for name, array in ready.predictions}
            # Not if something was raised: after Ctrl-C a worker may still be writing.
            self._put_back(ready)
            return predictions
        dtype = self._network.spec.dtype
        out = {
            each.prediction: np.empty((rows, *each.shape), dtype) for each in self._network.outputs.values()
        }
        with self._use.reading():
            for start in range(0, rows, PREDICTION_ROWS):
                part = slice(start, start + PREDICTION_ROWS)
                for name, array in self.predict({n: a[part] for n, a in inputs.items()}).items():
                    out[name][part] = array
        return out

    def _take(self, rows: int) -> Ready:
        """Return a bound plan, as a reader of the parameters until it is put back, or dropped."""
        use = self._use
        with use.lock:
            if use.stepping is not None:
                use.check()
            same = self._pool.get(rows)
            if same:
                ready = same.pop()
                if not same:
                    del self._pool[rows]
                self._size -= ready.size
                use.readers[ready.key] = ready.reader
                return ready
        ready = self._bind(rows)
        with use.lock:
            use.check()
            use.readers[ready.key] = ready.reader
        return ready

    def _put_back(self, ready: Ready) -> None:
        use, pool = self._use, self._pool
        with use.lock:
            use.readers.pop(ready.key, None)
            if ready.rows in pool:
                pool[ready.rows].append(ready)
            else:
                pool[ready.rows] = [ready]
            self._size += ready.size
            if self._size > KEPT_BYTES:
                self._trim(ready)

    def _trim(self, last: Ready) -> None:
        """Drop those that have not been used for longest, but not the last, however large it is."""
        pool = self._pool
        pool[last.rows] = pool.pop(last.rows)
        while self._size > max(KEPT_BYTES, last.size):
            oldest = next(iter(pool))
            self._size -= pool[oldest].pop(0).size
            if not pool[oldest]:
                del pool[oldest]

    def _bind(self, rows: int) -> Ready:
        network = self._network
        inputs = {array.name: np.empty((rows, *array.shape), array.dtype) for array in network.inputs}
        executable = self._executable(rows).twin()
        bound = executable.bind(rows, {**self._arrays, **inputs})
        return Ready(rows, inputs, bound, executable.plan.arena + executable.plan.prologue)

    def _executable(self, rows: int) -> Executable:
        """Return the plan for that many rows, compiled by the first of several threads that ask for it."""
        with self.lock:
            executable = self._executables.pop(rows, None)
            if executable is None:
                compiled = plan(prediction_graph(self._network), rows)
                if compiled.workers and self._workers is None:
                    self._workers = Workers(compiled.workers)
                executable = Executable(compiled, workers=self._workers)
            self._executables[rows] = executable
            while len(self._executables) > KEPT:
                del self._executables[next(iter(self._executables))]
            return executable
