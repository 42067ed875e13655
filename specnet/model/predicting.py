"""A network's prediction, ready for as many threads as ask at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.engines.pool import Pool
from specnet.engines.use import ModelUse
from specnet.model.calibrators import Calibrators
from specnet.model.network import Network
from specnet.model.programs import prediction_graph
from specnet.passes.pipeline import plan

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
        self._pool = Pool(
            lambda rows: plan(prediction_graph(network, calibrators), rows, threads=network.threads), arrays
        )

    def predict(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the predictions of any number of rows, as `prediction_graph` names them; inputs are as they lie there.

        Raises ModelInUseError while another thread makes steps.
        """
        rows = len(next(iter(inputs.values())))
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
