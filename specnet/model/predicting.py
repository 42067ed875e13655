"""A network's prediction, ready for as many threads as ask at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.engines.pool import Pool
from specnet.engines.use import ModelUse
from specnet.model.batching import measured
from specnet.model.calibrators import Calibrators
from specnet.model.measuring_lengths import LengthMeter
from specnet.model.network import Network
from specnet.model.programs import prediction_graph
from specnet.passes.plan import Plan

Array = np.ndarray[Any, Any]

PREDICTION_ROWS = 1024
"""Rows predicted at once, so that memory does not grow with the number of rows asked for."""


class Predictor:
    """Predicts with arrays by name (`parameters`, and each parameter's own), for several threads at once."""

    def __init__(
        self,
        network: Network,
        arrays: Mapping[str, Array],
        use: ModelUse,
        calibrators: Calibrators | None = None,
    ) -> None:
        self._network, self._use = network, use
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

        # It must not name `self`, which would then keep itself and its threads until a garbage collection.
        def compiled(rows: int) -> Plan:
            sizes = {"batch": rows, **network.longest} if varying else rows
            return network.plan(prediction_graph(network, calibrators, varying=varying), sizes)

        self._pool = Pool(compiled, arrays)

    def predict(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the predictions of any number of rows, as `prediction_graph` names them; inputs are as they lie there.

        Raises ModelInUseError while another thread makes steps.
        """
        rows = len(next(iter(inputs.values())))
        if self._meter is not None and rows:
            return self._by_length(inputs, self._meter)
        with self._use.reading():
            if 0 < rows <= PREDICTION_ROWS:
                space = self._pool.take(rows)
                own, step, arrays = space.of(rows)
                for name, array in own.items():
                    array[...] = inputs[name]
                step()
                predictions = {name: array.copy() for name, array in arrays.items()}
                self._pool.put_back(space)
                return predictions
            network = self._network
            shapes = {each.prediction: (rows, *each.shape) for each in network.outputs.values()}
            out = {name: np.empty(shape, network.spec.dtype) for name, shape in shapes.items()}
            for start in range(0, rows, PREDICTION_ROWS):
                part = slice(start, start + PREDICTION_ROWS)
                for name, array in self.predict({n: a[part] for n, a in inputs.items()}).items():
                    out[name][part] = array
            return out

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
