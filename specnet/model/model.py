from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from specnet.data.encoding import Encoding
from specnet.data.inputs import plain
from specnet.data.pipeline import Pipeline
from specnet.diagnostics import html
from specnet.engines.execution import Executable
from specnet.engines.random import stream
from specnet.engines.use import ModelUse
from specnet.graph.sizes import show
from specnet.model.arrays import as_inputs, as_targets
from specnet.model.network import Network
from specnet.model.outputs import NetworkOutput
from specnet.model.parameters import Parameters, initial_parameters, multipliers, views
from specnet.model.predicting import Predictor
from specnet.model.programs import gradient_graph
from specnet.passes.pipeline import plan

Array = np.ndarray[Any, Any]


class Model:
    """A compiled network with its own parameters, and with the encoding of the data if it has seen data.

    Any number of threads may predict with a model, and call its other methods, at once. While a training makes
    steps, other threads cannot: the methods raise ModelInUseError, and so does the training when its next event is
    requested while another thread predicts. Between two events, any thread may predict. Nothing prevents writing to
    `parameters` while another thread uses them.
    """

    def __init__(self, network: Network, encoding: Encoding | None = None) -> None:
        self._start(network, encoding, initial_parameters(network))

    def _start(self, network: Network, encoding: Encoding | None, parameters: Parameters) -> None:
        self.network = network
        self.encoding = encoding and replace(encoding, arrays=network.inputs)
        self.parameters = parameters
        self.use = ModelUse()
        self._own: dict[str, Array] = {"parameters": parameters.trained, **parameters, **parameters.joined}
        if network.rates_differ:
            self._own["multipliers"] = multipliers(network)
        self._predictor = Predictor(network, self._own, self.use)
        ways = {name: self.way_back(output) for name, output in network.outputs.items()}
        self._ways = {name: way for name, way in ways.items() if way is not None}

    def __getstate__(self) -> tuple[Network, Encoding | None, Array]:
        with self.use.reading():
            return self.network, self.encoding, self.parameters.flat.copy()

    def __setstate__(self, state: tuple[Network, Encoding | None, Array]) -> None:
        network, encoding, flat = state
        parameters = Parameters(network.arrays, network.spec.dtype)
        parameters.flat[...] = flat
        self._start(network, encoding, parameters)

    def __repr__(self) -> str:
        """Return its name, and the numbers of its layers and parameters."""
        network = self.network
        return f"<Model {network.spec.name}: {len(network.layers)} layers, {network.size:,} parameters>"

    def _repr_html_(self) -> str:
        """Return its layers as a table, for notebooks."""
        network = self.network
        sizes = {p.name: p.size for p in network.arrays}
        rows = [
            [layer.name, layer.type, show(layer.output), sum(sizes[name] for name in layer.parameters)]
            for layer in network.layers
        ]
        facts = f"{network.size:,} parameters, {network.spec.dtype}"
        return html.heading(network.spec.name, facts) + html.table(
            ["layer", "type", "output", "parameters"], rows
        )

    def loss_and_gradients(
        self, inputs: Any, targets: Any, *, training: bool = False
    ) -> tuple[float, Mapping[str, Array]]:
        """Return the loss, penalties included, and its gradient with respect to each parameter.

        `inputs` (rows, ...) and `targets` (rows, ...) are as the network takes them: after the document's
        transforms. With `training`, layers act as in training (dropout drops). Raises ValueError if shapes
        do not match.
        """
        arrays = as_inputs(self.network, inputs)
        rows, given = len(next(iter(arrays.values()))), np.asarray(targets)
        if given.ndim and not 0 < rows == len(given):
            raise ValueError(f"{rows} inputs cannot be compared with {len(given)} targets")
        arrays |= as_targets(self.network, given, plain(arrays))
        compiled = plan(gradient_graph(self.network, training=training), rows, threads=self.network.threads)
        executable = Executable(compiled, streams(self.network.spec.seed, compiled.streams))
        bound = executable.bind(rows, self.leaves(**arrays))
        with self.use.reading(), np.errstate(all="ignore"):
            loss = bound.step()[0]
        return loss, views(self.network.trained, bound.arrays["gradients"])

    def predict(self, inputs: Any) -> Any:
        """Return the predictions (rows, ...) for raw inputs: as the data contain them, before any transform.

        Classes are predicted as probabilities; numbers have the units of the data's targets. If the document has
        several `outputs`, the result is a dictionary of their predictions by name. Raises ValueError if the shape does
        not match, and SpecError for cells of a table that it cannot read.
        """
        made = self.predictions(inputs if self.encoding is None else self.encoding.encode(inputs))
        return made if self.network.several else made[""]

    def predictions(self, inputs: Any) -> dict[str, Array]:
        """Return predictions in the units of the data by output, for inputs as `forward` takes them.

        The name of the only output is empty if the document gives it none.
        """
        made = self._forward(inputs)
        for name, way in self._ways.items():
            made[name] = way.invert(made[name])
        return made

    def way_back(self, output: NetworkOutput) -> Pipeline | None:
        """Return the transforms that lead from an output back to the units of the data."""
        encoding = self.encoding
        if encoding is None or (output.name and output.loss.output_activation not in ("identity", "mean")):
            return None
        if output.of_inputs:
            return encoding.inputs if encoding.inputs.transforms else None
        return encoding.way_back

    @property
    def no_predictions(self) -> dict[str, Array]:
        """What `predictions` gives for no rows."""
        dtype = self.network.spec.dtype
        return {name: np.empty((0, *output.shape), dtype) for name, output in self.network.outputs.items()}

    def forward(self, inputs: Any) -> Any:
        """Return the output of the network for inputs (rows, ...) as it takes them: after the transforms.

        It is an array, or a dictionary if the document has several `outputs`, as `predict` returns.
        """
        made = self._forward(inputs)
        return made if self.network.several else made[""]

    def _forward(self, inputs: Any) -> dict[str, Array]:
        arrays = as_inputs(self.network, inputs)
        with np.errstate(all="ignore"):
            made = self._predictor.predict(arrays)
        return {name: made[output.prediction] for name, output in self.network.outputs.items()}

    def leaves(self, **arrays: Array) -> dict[str, Array]:
        """Return what a program over this model's parameters is bound to, and some other arrays."""
        return {**self._own, **arrays}


def streams(seed: int, names: Any) -> dict[str, np.random.Generator]:
    """Return the generators that a plan draws from, by name."""
    return {name: stream(seed, name) for name in names}
