"""A network's prediction, ready for as many threads as ask at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from specnet.data import Encoding
from specnet.data.filling_rows import filler
from specnet.engines.execution import row_writer
from specnet.engines.pool import Pool
from specnet.engines.use import ModelUse
from specnet.model.batching import measured
from specnet.model.calibrators import Calibrators
from specnet.model.measuring_lengths import LengthMeter
from specnet.model.network import Network
from specnet.model.programs import prediction_graph
from specnet.model.quick_rows import QuickRows
from specnet.passes.cores import cores
from specnet.passes.plan import Plan
from specnet.passes.shard import flops

Array = np.ndarray[Any, Any]

PREDICTION_ROWS = 1024
"""Rows predicted at once, so that memory does not grow with the number of rows asked for."""

_ALL = slice(None)

WORTH_WAKING = 60_000_000
"""Floating-point operations of a prediction that are worth waking other threads for: some 0.3 ms of work."""

WORTH_HELP = 12_000_000
"""The same of a compiled prediction, whose helpers stay awake for a moment after it."""

Fill = Callable[[slice, Mapping[str, Array]], bool]
"""Writes some rows into the arrays that a plan reads; returns whether it could."""


PREDICTION_NUMBERS = 1 << 26
"""About how many numbers the widest layer may give for them, 256 MiB of float32."""


def prediction_rows(network: Network) -> int:
    """Return how many rows are predicted at once."""
    return max(1, min(PREDICTION_ROWS, PREDICTION_NUMBERS // network.widest))


class Predictor:
    """Predicts with arrays by name (`parameters`, and each parameter's own), for several threads at once.

    Up to `prediction_rows` are predicted by one execution of a plan, which shares its ops between threads where that is
    worth it. More rows are predicted in pieces, each by one thread: threads that need not meet at every op keep all
    cores busy. How rows are cut follows from their number, the network and the number of threads alone.
    """

    def __init__(
        self,
        network: Network,
        arrays: Mapping[str, Array],
        use: ModelUse,
        calibrators: Calibrators | None = None,
    ) -> None:
        self._network, self._use = network, use
        self._most = prediction_rows(network)
        shapes = [
            dim
            for output in network.forward(training=False, varying=network.varies).outputs.values()
            for dim in output.prediction.shape[1:]
        ]
        self._meter = (
            LengthMeter(network) if network.varies and all(isinstance(dim, int) for dim in shapes) else None
        )
        """Measures rows where these are predicted by length: what is predicted at each step has one length."""

        varying = self._meter is not None

        # These must not name `self`, which would then keep itself and its threads until a garbage collection.
        def compiled(rows: int) -> Plan:
            sizes = {"batch": rows, **network.longest} if varying else rows
            graph = prediction_graph(network, calibrators, varying=varying)
            few = flops(graph, sizes) < (WORTH_HELP if network.engine == "numba" else WORTH_WAKING)
            return network.plan(graph, sizes, threads=1 if few else None)

        def of_one_thread(rows: int) -> Plan:
            return network.plan(prediction_graph(network, calibrators), rows, threads=1)

        self._pool, self._pieces = Pool(compiled, arrays), Pool(of_one_thread, arrays)
        self.quick = QuickRows(self._pool, use)
        """What predicts rows like those that `predict_numbers` had last."""
        self._threads = 0
        """How many predict pieces, once it is known whether it is worth having several."""

    @property
    def by_length(self) -> bool:
        """Whether rows are predicted in batches of like length."""
        return self._meter is not None

    def predict(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the predictions of any number of rows, as `prediction_graph` names them; inputs are as they lie there.

        Raises ModelInUseError while another thread makes steps.
        """
        rows = len(next(iter(inputs.values())))
        if self._meter is not None and rows:
            return self._by_length(inputs, self._meter)

        def fill(part: slice, own: Mapping[str, Array]) -> bool:
            for name, array in own.items():
                array[...] = inputs[name][part]
            return True

        made = self._predict(rows, fill)
        assert made is not None, "all rows can be written"
        return made

    def predict_numbers(
        self, rows: Array, encoding: Encoding, *, again: bool = False
    ) -> dict[str, Array] | None:
        """Return the predictions of `Encoding.numbers`, which are encoded into the only input as they are needed.

        None where the model cannot take them. Rows like these may be predicted `again`, by `quick`, where there is one
        output. Raises ModelInUseError while another thread makes steps.
        """
        count = len(rows)
        if not 0 < count <= self._most:

            def fill(part: slice, own: Mapping[str, Array]) -> bool:
                (array,) = own.values()
                return encoding.put(rows[part], array)

            return self._predict(count, fill)
        with self._use.reading():
            space = self._pool.take(count)
            if space.kept is None:
                own, step, arrays = space.of(count)
                (array,) = own.values()
                writer = row_writer() if self._network.engine == "numba" else None
                space.kept = filler(encoding, array, writer), step, tuple(arrays.items())
            write, step, outputs = space.kept
            made = None
            if write(rows):
                step()
                made = {name: array.copy() for name, array in outputs}
            if again and len(outputs) == 1:
                self.quick.keep(rows, space, write, step, outputs[0][1])
            else:
                self._pool.put_back(space)
            return made

    def _predict(self, rows: int, fill: Fill) -> dict[str, Array] | None:
        with self._use.reading():
            if rows > self._most or not rows:
                return self._in_pieces(rows, fill)
            space = self._pool.take(rows)
            own, step, arrays = space.of(rows)
            made = None
            if fill(_ALL, own):
                step()
                made = {name: array.copy() for name, array in arrays.items()}
            self._pool.put_back(space)
            return made

    def _in_pieces(self, rows: int, fill: Fill) -> dict[str, Array] | None:
        """Return the predictions of many rows, or of none."""
        network = self._network
        if not self._threads:
            worth = flops(prediction_graph(network), self._most) >= WORTH_WAKING
            self._threads = cores(network.threads) if worth else 1
        threads = self._threads
        pool = self._pool if threads == 1 else self._pieces
        size = max(1, self._most // threads)
        out = {
            each.prediction: np.empty((rows, *each.shape), network.spec.dtype)
            for each in network.outputs.values()
        }
        faults: list[int] = []

        def predict(number: int) -> None:
            part = slice(number * size, min((number + 1) * size, rows))
            space = pool.take(size)
            own, step, arrays = space.of(part.stop - part.start)
            if faults or not fill(part, own):
                faults.append(number)
            else:
                step()
                for name, array in arrays.items():
                    out[name][part] = array
            pool.put_back(space)

        count = -(-rows // size)
        if threads == 1:
            for number in range(count):
                predict(number)
        else:
            self._pool.workers(threads).run(predict, count)
        return None if faults else out

    def _by_length(self, inputs: Mapping[str, Array], meter: LengthMeter) -> dict[str, Array]:
        """Return the predictions of rows, which are made in batches of similar length."""
        network = self._network
        batches = measured(network, meter.measure(inputs))
        rows = len(batches.order)
        with self._use.reading():
            out: dict[str, Array] = {}
            for cut in batches.cuts:
                places, sizes = batches.order[cut.start : cut.stop], batches.sizes(cut)
                space = self._pool.take(len(places))
                own, step, arrays = space.of(sizes)
                for name, array in own.items():
                    whole = inputs[name]
                    array[...] = whole[places, : array.shape[1]] if name in network.lengths else whole[places]
                step()
                for name, array in arrays.items():
                    out.setdefault(name, np.empty((rows, *array.shape[1:]), array.dtype))[places] = array
                self._pool.put_back(space)
            return out
