"""A model that computes: losses, gradients, predictions and measures of its network."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, overload

import numpy as np

from specnet.data import Split
from specnet.data.inputs import plain
from specnet.data.weights import given_weights
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed
from specnet.engines.execution import Executable
from specnet.engines.random import streams
from specnet.graph.sizes import Sizes
from specnet.model.arrays import as_inputs, as_targets, as_weights, held_arrays
from specnet.model.batching import Batching, largest, measured
from specnet.model.conformal import Intervals, PredictionSets
from specnet.model.contents import ModelContents
from specnet.model.evaluation import Evaluation
from specnet.model.evaluator import Evaluator, data_units
from specnet.model.fitting import coverage
from specnet.model.forecast import Backtest, Forecast
from specnet.model.forecasting import Forecaster
from specnet.model.generation.generating import Generation, generation
from specnet.model.generation.settings import Sampling, stops
from specnet.model.hidden import layer_outputs, member_predictions
from specnet.model.intervals import chosen
from specnet.model.labelled import labelled_split, raw_labelled
from specnet.model.measuring_lengths import LengthMeter
from specnet.model.outputs import WEIGHTS
from specnet.model.parameters import views
from specnet.model.predicting import Predictor
from specnet.model.programs import evaluation_graph, gradient_graph
from specnet.model.scoring import deviation
from specnet.model.settings import evaluation_rows

Array = np.ndarray[Any, Any]

GIVEN = "data"
"""What the split of rows is called that belong to no split of a run."""


class CompiledModel(ModelContents):
    """A model with what the package needs of it besides `Model`: measures on splits, and inputs that are encoded."""

    def loss_and_gradients(
        self, inputs: Any, targets: Any, *, weights: Any = None, training: bool = False
    ) -> tuple[float, Mapping[str, Array]]:
        arrays = as_inputs(self.network, inputs)
        rows, given = len(next(iter(arrays.values()))), np.asarray(targets)
        if given.ndim and not 0 < rows == len(given):
            raise ValueError(f"{rows} inputs cannot be compared with {len(given)} targets")
        arrays |= as_targets(self.network, given, plain(arrays))
        if weights is not None:
            arrays[WEIGHTS] = as_weights(self.network, given_weights(weights, rows))
        graph = gradient_graph(self.network, training=training, weighted=weights is not None)
        compiled = self.network.plan(graph, rows)
        executable = Executable(compiled, streams(self.network.spec.seed, compiled.streams))
        bound = executable.bind(rows, self.leaves(**arrays))
        with self.use.reading(), np.errstate(all="ignore"):
            loss = bound.step(*[0.0] * len(compiled.numbers))[0]  # no steps are done
        return loss, views(self.network.trained, bound.arrays["gradients"])

    @overload
    def predict(self, inputs: Any) -> Array | Any: ...

    @overload
    def predict(self, inputs: Any, *, output: str) -> Array: ...

    def predict(self, inputs: Any, *, output: str | None = None) -> Array | Any:
        if output is None and self._plain:
            quick = self._predictor.quick(inputs)
            if quick is not None:
                return quick
        key = "" if output is None else self._output(output)
        made = self._of_numbers(inputs, again=output is None and self._plain)
        if made is None:
            made = self.predictions(self._encoded(inputs))
        return made if output is None and self.network.several else made[key]

    @overload
    def spread(self, inputs: Any) -> Array | Any: ...

    @overload
    def spread(self, inputs: Any, *, output: str) -> Array: ...

    def spread(self, inputs: Any, *, output: str | None = None) -> Array | Any:
        key = "" if output is None else self._output(output)
        found = self.spreads(self._encoded(inputs))
        if not found or (output is not None and key not in found):
            whose = "the model" if output is None else f"the output `{output}`"
            raise ValueError(
                f"{whose} is not that of an `ensemble`, whose members' predictions have a spread"
            )
        return found if output is None and self.network.several else found[key]

    def spreads(self, inputs: Any) -> dict[str, Array]:
        """Return what `spread` does by output, for inputs as `forward` takes them; nothing without an ensemble."""
        found: dict[str, Array] = {}
        for name, members in self._members(inputs).items():
            way = self._ways.get(name)
            each = [
                members[:, n] if way is None else way.invert(members[:, n]) for n in range(members.shape[1])
            ]
            found[name] = deviation(np.stack(each, axis=1)).astype(members.dtype)
        return found

    def deviations(self, inputs: Any) -> dict[str, Array]:
        """Return what `spreads` does, in the units of the transformed targets and in float64."""
        return {name: deviation(members) for name, members in self._members(inputs).items()}

    def _members(self, inputs: Any) -> dict[str, Array]:
        """Return what each member of an ensemble predicts, (rows, members, ...), by output; nothing without one."""
        if not any(info.type == "ensemble" for info in self.network.layers):
            return {}
        arrays = as_inputs(self.network, inputs)
        with self.use.reading():
            return member_predictions(self.network, self._own, arrays)

    def forecast(self, data: Any, *, name: str | None = None) -> Forecast:
        """Return what `Model.forecast` does; `name` is what messages call a file."""
        return Forecaster(self, self.encoding, data, name).forecast()

    def backtest(
        self, data: Any, origins: int = 1, *, step: int | None = None, name: str | None = None
    ) -> Backtest:
        """Return what `Model.backtest` does; `name` is what messages call a file."""
        if origins < 1 or (step is not None and step < 1):
            raise ValueError(f"a backtest has at least one origin, and steps between them: {origins}, {step}")
        forecaster = Forecaster(self, self.encoding, data, name)
        made, splits, naive = forecaster.origins(origins, step or forecaster.settings.horizon)
        return Backtest(made, self.measure(splits), naive)

    def predict_intervals(self, inputs: Any, *, output: str | None = None) -> Intervals:
        key = None if output is None else self._output(output)
        return chosen(self, self._encoded(inputs), key, Intervals)

    def predict_sets(self, inputs: Any, *, output: str | None = None) -> PredictionSets:
        key = None if output is None else self._output(output)
        return chosen(self, self._encoded(inputs), key, PredictionSets)

    def _output(self, name: str) -> str:
        """Return the key of an output; the only one, which has no name, is called like the last layer."""
        network = self.network
        last = [layer.name for layer in network.layers if layer.depth == 0][-1]
        known = list(network.outputs) if network.several else [last]
        check_name("output", name, known)
        return name if network.several else ""

    def _encoded(self, inputs: Any) -> Any:
        return inputs if self.encoding is None else self.encoding.encode(inputs)

    def generate(
        self,
        prompt: str | Sequence[int] | None = None,
        *,
        tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        repetition_penalty: float = 1.0,
        stop: str | int | Sequence[str | int] = (),
        seed: int = 0,
        n: int = 1,
        beams: int | None = None,
        source: Any = None,
    ) -> Generation:
        sampling = Sampling(
            tokens,
            temperature,
            top_k,
            top_p,
            min_p,
            repetition_penalty,
            stops(stop),
            seed,
            n,
            beams,
        )
        vocabulary = None if self.encoding is None else self.encoding.vocabulary
        return generation(self.generation_plans, self._own, self.use, vocabulary, prompt, source, sampling)

    def evaluate(
        self, inputs: Any, targets: Any = None, *, weights: Any = None, name: str | None = None
    ) -> Evaluation:
        """Return what `Model.evaluate` does; `name` is what messages call a file."""
        assert self.encoding is not None, "a model without an encoding takes no raw rows"
        rows = raw_labelled(self.encoding, inputs, targets, weights, name)
        return self.measure({GIVEN: labelled_split(self.network, self.encoding, rows)})

    def measure(self, splits: Mapping[str, Split]) -> Evaluation:
        """Return the loss and the metrics on some splits."""
        network = self.network
        arrays = {name: held_arrays(network, split) for name, split in splits.items()}
        batches: dict[str, Batching] = {}
        if network.varies:
            meter = LengthMeter(network)
            batches = {name: measured(network, meter.measure(own)) for name, own in arrays.items()}
        evaluator = self.evaluator(splits.values(), batches.values())
        figures = {
            name: evaluator.prepare(split, arrays[name], batches.get(name))
            .evaluate()
            .extended(coverage(self, split))
            for name, split in splits.items()
        }
        rows = {name: len(split) for name, split in splits.items()}
        fitted = {} if self._uncertainty is None else self._uncertainty.as_dict()
        return Evaluation(figures, rows, self.classes, fitted)

    def evaluator(self, splits: Collection[Split], batches: Collection[Batching] = ()) -> Evaluator:
        """Return what measures the loss and the metrics on some splits, one after the other.

        `batches` are those of the splits where they are made by length.
        """
        network = self.network
        units = data_units(network, self.encoding)
        maximum: Sizes = evaluation_rows(network, max(map(len, splits)))
        if batches:
            maximum = largest(batches)
        weighted = any(split.weights is not None for split in splits)
        calibrators = self.calibrators
        graph = evaluation_graph(
            network, units=bool(units), weighted=weighted, calibrators=calibrators, varying=bool(batches)
        )
        compiled = network.plan(graph, maximum)
        return Evaluator(network, compiled, self.leaves(**units), self.use)

    def outputs_of(self, layer: str, inputs: Any) -> Array:
        check_name("layer", layer, [info.name for info in self.network.layers])
        return self.hidden(layer, self._encoded(inputs))

    def hidden(self, layer: str, inputs: Any) -> Array:
        """Return what `outputs_of` does, for inputs as `forward` takes them."""
        arrays = as_inputs(self.network, inputs)
        with self.use.reading():
            return layer_outputs(self.network, self._own, arrays, layer)

    def predictions(self, inputs: Any) -> dict[str, Array]:
        """Return predictions in the units of the data by output, for inputs as `forward` takes them.

        The name of the only output is empty if the document gives it none.
        """
        return self._in_units(self._forward(inputs))

    def _in_units(self, made: dict[str, Array]) -> dict[str, Array]:
        for name, way in self._ways.items():
            made[name] = way.invert(made[name])
        return made

    def _of_numbers(self, inputs: Any, *, again: bool) -> dict[str, Array] | None:
        """Return `predictions` of raw rows that are encoded where the plan reads them; None where that cannot be."""
        encoding, predictor = self.encoding, self._predictor
        if encoding is None or not encoding.is_direct or predictor.by_length:
            return None
        rows = encoding.numbers(inputs)
        if rows is None:
            return None
        with np.errstate(all="ignore"):
            made = predictor.predict_numbers(rows, encoding, again=again and rows is inputs)
        return None if made is None else self._in_units(self._named(made))

    def _named(self, made: dict[str, Array]) -> dict[str, Array]:
        """Return what a plan gives by the names of outputs."""
        return {name: made[output.prediction] for name, output in self.network.outputs.items()}

    def uncalibrated(self, inputs: Any) -> dict[str, Array]:
        """Return what the network itself gives by output, before any calibration and in the units of its targets."""
        return self._forward(inputs, self._uncalibrated)

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

    def _forward(self, inputs: Any, predictor: Predictor | None = None) -> dict[str, Array]:
        arrays = as_inputs(self.network, inputs)
        with np.errstate(all="ignore"):
            return self._named((predictor or self._predictor).predict(arrays))


def check_name(what: str, name: str, known: Sequence[str]) -> None:
    """Raise ValueError for the name of a layer or an output that a model does not have, with what was meant."""
    if name in known:
        return
    near = closest(str(name), known)
    there = f"there {'is' if len(known) == 1 else 'are'} {listed(known)}"
    help_ = f"did you mean `{near}`?" if near else there
    raise ValueError(f"the model has no {what} `{clipped(str(name))}`; {help_}")
