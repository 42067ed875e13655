"""What a model consists of: its network and arrays, and how these are copied, pickled and saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from specnet.data.encoding import Encoding
from specnet.data.pipeline import Pipeline
from specnet.data.signature import ColumnSlice
from specnet.diagnostics import RunError, html
from specnet.engines.use import ModelUse
from specnet.graph.sizes import show
from specnet.language.spec import Spec
from specnet.model.calibrators import Calibrators
from specnet.model.cutoffs import initial_cutoffs, named_cutoffs, plain_cutoffs
from specnet.model.generation.stream import GenerationPlans
from specnet.model.model import Model
from specnet.model.network import Network
from specnet.model.outputs import NetworkOutput
from specnet.model.parameters import Parameters, element_settings, initial_parameters
from specnet.model.predicting import Predictor
from specnet.model.uncertainty import Uncertainty
from specnet.storage.model_archive import archived, write_archive
from specnet.storage.origin import FOLDER
from specnet.storage.resolved import resolved
from specnet.vocabulary.losses import NUMBERS

Array = np.ndarray[Any, Any]


class ModelContents(Model):
    """A model's network, its encoding, its arrays, and who uses it."""

    def __init__(
        self, network: Network, encoding: Encoding | None = None, sources: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._start(network, encoding, sources, initial_parameters(network))

    def _start(
        self,
        network: Network,
        encoding: Encoding | None,
        sources: Sequence[tuple[str, str]],
        parameters: Parameters,
    ) -> None:
        self.network = network
        self.encoding = encoding and replace(encoding, arrays=network.inputs)
        self.record: dict[str, Any] | None = None
        """What `resolved.json` of its run contains, if it has a saved run."""
        self._sources = sources
        self._parameters = parameters
        self.use = ModelUse()
        self._own: dict[str, Array] = {
            "parameters": parameters.trained,
            **parameters,
            **parameters.joined,
            **element_settings(network),
        }
        self.cutoffs = initial_cutoffs(network)
        """The thresholds of the labels of each output that the document sets some for; predictions are read by them."""
        self._own |= {network.outputs[name].thresholds: array for name, array in self.cutoffs.items()}
        self._uncertainty: Uncertainty | None = None
        self.generation_plans = GenerationPlans(network)
        self._uncalibrated = self._predictor = Predictor(network, self._own, self.use)
        ways = {name: self.way_back(output) for name, output in network.outputs.items()}
        self._ways = {name: way for name, way in ways.items() if way is not None}
        self._plain = not network.several and not self._ways
        """Whether what the plan gives is what `predict` returns."""

    def __getstate__(self) -> dict[str, Any]:
        """Leave out compiled programs and their memory, which follow from the rest."""
        with self.use.reading():
            return {
                "network": self.network,
                "encoding": self.encoding,
                "sources": self._sources,
                "record": self.record,
                "parameters": self._parameters.flat.copy(),
                "cutoffs": {name: array.copy() for name, array in self.cutoffs.items()},
                "uncertainty": self._uncertainty,
            }

    def __setstate__(self, state: dict[str, Any]) -> None:
        network: Network = state["network"]
        parameters = Parameters(network.arrays, network.spec.dtype)
        parameters.flat[...] = state["parameters"]
        self._start(network, state["encoding"], state["sources"], parameters)
        self.record = state["record"]
        for name, array in state["cutoffs"].items():
            self.cutoffs[name][...] = array
        self.uncertainty = state["uncertainty"]

    @property
    def spec(self) -> Spec:
        return self.network.spec

    @property
    def uncertainty(self) -> Uncertainty | None:
        """The calibration and the intervals of its predictions; None if it has neither."""
        return self._uncertainty

    @uncertainty.setter
    def uncertainty(self, fitted: Uncertainty | None) -> None:
        self._uncertainty, self._predictor = fitted, self._uncalibrated
        if fitted is not None and fitted.calibrators:
            self._predictor = Predictor(self.network, self._own, self.use, fitted.calibrators)

    @property
    def uncertainty_state(self) -> dict[str, Any] | None:
        """What is stored of `uncertainty`, as plain data."""
        return None if self._uncertainty is None else self._uncertainty.model_dump(mode="json")

    @property
    def calibrators(self) -> Calibrators:
        """What calibrates its outputs."""
        return {} if self._uncertainty is None else self._uncertainty.calibrators

    @property
    def classes(self) -> tuple[str, ...] | None:
        return self.network.signature.classes

    @property
    def columns(self) -> tuple[ColumnSlice, ...] | None:
        return self.network.signature.column_slices

    @property
    def thresholds(self) -> dict[str, float]:
        return named_cutoffs(self.network, self.cutoffs)

    @property
    def parameters(self) -> Parameters:
        return self._parameters

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

    def save(self, path: str | PathLike[str]) -> None:
        write_archive(Path(path), [self.archived(path)])

    def archived(self, path: str | PathLike[str]) -> dict[str, bytes]:
        """Return what a file of models has of it; raise RunError naming the file where it cannot be stored."""
        with self.use.reading():
            arrays = {name: array.copy() for name, array in self._parameters.items()}
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                message = f"`{name}` holds NaN or infinite numbers, with which no model can be loaded"
                raise RunError(f"{fspath(path)} was not written: {message}")
        if self.record is None:
            # Made once, so that a model that is saved twice gives equal files.
            self.record = resolved(self.spec, self._sources)
        state = None if self.encoding is None else self.encoding.state()
        # A file that is passed on needs no folder of this machine.
        record = {key: value for key, value in self.record.items() if key != FOLDER}
        parts = plain_cutoffs(self.cutoffs), self.uncertainty_state
        return archived(record, arrays, state, *parts)

    def way_back(self, output: NetworkOutput) -> Pipeline | None:
        """Return the transforms that lead from an output back to the units of the data."""
        encoding = self.encoding
        if encoding is None or (output.name and output.loss.output_activation not in NUMBERS):
            return None
        if output.of_inputs:
            return encoding.inputs if encoding.inputs.transforms else None
        return encoding.way_back

    def leaves(self, **arrays: Array) -> dict[str, Array]:
        """Return what a program over this model's parameters is bound to, and some other arrays."""
        return {**self._own, **arrays}
