"""A model as an ONNX file: transforms, layers, and back to the units of the data; the batch axis is free."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from specnet._version import __version__
from specnet.data.lowered import ROWS, LoweredPipeline
from specnet.graph.graph import Value
from specnet.graph.leaves import name_of
from specnet.graph.sizes import at
from specnet.interchange.intervals import (
    LOWER,
    SET,
    UPPER,
    fitted_intervals,
    interval_values,
    is_lowered,
    named,
)
from specnet.interchange.onnx.graphs import GraphWriter
from specnet.model.calibrators import calibrated
from specnet.model.compiled import CompiledModel
from specnet.model.inputs import cut_rows, rows_dtype
from specnet.model.outputs import NetworkOutput
from specnet.model.uncertainty import SetIntervals
from specnet.passes.simplify import simplify
from specnet.runs.extras import needed
from specnet.storage.files import write_bytes

OPSET = 18
"""The version of the operators: of 2022, which every runtime of the last years knows."""

IR_VERSION = 9


def write_onnx(path: Path, model: CompiledModel) -> None:
    """Write a model as ONNX: `inputs` (rows, ...) raw, as the data hold them, to `predictions` (rows, ...).

    Several outputs go by their names. Predictions are calibrated as the model's are. Its intervals are the outputs
    `lower` and `upper`, its prediction sets `prediction_set` (rows, classes), true for classes in the set; of several
    outputs these begin with the output's name and a dot. Where the document sets
    thresholds, `labels` (rows, labels) are what is read by them, 1 or 0; of an output of several, `NAME.labels`.

    Tables enter as the numbers that their cells become. Both are in the document's dtype, and inputs that are all
    read as indices are int64, or double where some are. Transforms are computed in double precision, as specnet does.
    Raises RunError where the extra `onnx` is not installed, or the
    model has something that ONNX cannot say.
    """
    onnx = needed("onnx", "onnx", "an export to ONNX")
    made = _ModelWriter(onnx, model).model()
    onnx.checker.check_model(made, full_check=True)
    content = made.SerializeToString(deterministic=True)
    write_bytes(path, content)


class _ModelWriter(GraphWriter):
    """Writes a model: what prepares its inputs, its layers, and what brings its outputs back."""

    def __init__(self, onnx: Any, model: CompiledModel) -> None:
        super().__init__(onnx)
        self.of = model
        self.network, self.encoding = model.network, model.encoding
        self.parameters, self.way_back = model.parameters, model.way_back
        self.cutoffs = model.cutoffs
        self.dtype = np.dtype(model.network.spec.dtype)

    def model(self) -> Any:
        """Return the model as ONNX has it."""
        network, helper = self.network, self.onnx.helper
        raw = network.signature.inputs if self.encoding is None else self.encoding.raw_shape
        plain = network.lower(training=False)
        lowered = calibrated(network, plain, self.of.calibrators)
        graph = lowered.graph
        made = {output.name or "predictions": output for output in network.outputs.values()}
        graph.outputs = {name: lowered.outputs[output.name].prediction for name, output in made.items()}
        graph.outputs |= interval_values(self.of, plain)
        graph = simplify(graph)
        inputs, dtype = "inputs", np.dtype(rows_dtype(network.inputs))
        if self.encoding is not None and self.encoding.inputs.transforms:
            inputs = self._through(self.encoding.inputs.lower(raw), inputs, dtype)
        rows, cut = cut_rows(network.inputs, network.signature.inputs)
        found = self.write(rows.graph, lambda _: inputs)
        arrays = {name: found[value.index] for name, value in cut.items()}

        def leaf(value: Value) -> str:
            name = name_of(value)
            return arrays.get(name) or self.hold(self.parameters[name], self.dtype, name)

        names = self.write(graph, leaf)
        outputs = []
        for name, value in graph.outputs.items():
            if name not in made:
                continue
            x, shape = names[value.index], at(value.shape[1:], 1)
            way = self.way_back(made[name])
            if way is not None:
                back = way.lower(shape, inverse=True)
                x, shape = self._through(back, x, self.dtype), back.shape
            self.node("Identity", [x], name=name)
            outputs.append(self._output(name, self.dtype, shape))
            if made[name].name in self.cutoffs:
                outputs.append(self._labels(made[name], name, shape))
            outputs += self._intervals(
                made[name], {n: names[v.index] for n, v in graph.outputs.items()}, x, shape
            )
        written = helper.make_graph(
            self.nodes,
            network.spec.name,
            [helper.make_tensor_value_info("inputs", self.kind(dtype), ["rows", *raw])],
            outputs,
            list(self.held.values()),
        )
        result = helper.make_model(
            written,
            producer_name="specnet",
            producer_version=__version__,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        signature = network.signature
        notes = {"features": signature.features, "classes": signature.classes}
        helper.set_model_props(result, {k: "\n".join(map(str, v)) for k, v in notes.items() if v})
        return result

    def _labels(self, output: NetworkOutput, predictions: str, shape: tuple[int, ...]) -> Any:
        """Append what is read by thresholds: 1 for each label that is predicted, and 0 for each other."""
        name = f"{output.name}.labels" if output.name else "labels"
        cutoffs = self.hold(self.cutoffs[output.name], self.dtype, output.thresholds)
        reached = self.node("GreaterOrEqual", [predictions, cutoffs])
        self.node("Cast", [reached], name=name, to=self.kind(np.dtype(np.int64)))
        return self.onnx.helper.make_tensor_value_info(name, self.kind(np.dtype(np.int64)), ["rows", *shape])

    def _output(self, name: str, dtype: Any, shape: tuple[int, ...]) -> Any:
        return self.onnx.helper.make_tensor_value_info(name, self.kind(dtype), ["rows", *shape])

    def _intervals(
        self, output: NetworkOutput, names: dict[str, str], prediction: str, shape: tuple[int, ...]
    ) -> list[Any]:
        """Append the intervals or the prediction set of an output, given its prediction in the units of the data."""
        own = fitted_intervals(self.of).get(output.name)
        if own is None:
            return []
        if isinstance(own, SetIntervals):
            name, count = named(output.name, SET), len(own.thresholds)
            self.node("Identity", [names[name]], name=name)
            classes = output.shape if output.loss.targets == "classes" else (2,) if count == 1 else (count, 2)
            return [self._output(name, np.bool_, classes)]
        lower, upper = (named(output.name, end) for end in (LOWER, UPPER))
        if not is_lowered(self.of, output.name, own):
            half = self.hold(np.reshape(own.half_widths, shape), self.dtype)
            self.node("Sub", [prediction, half], name=lower)
            self.node("Add", [prediction, half], name=upper)
        else:
            ends = [names[lower], names[upper]]
            if (way := self.way_back(output)) is not None:
                ends = [self._through(way.lower(output.shape, inverse=True), x, self.dtype) for x in ends]
            # A transform may have turned the order round.
            self.node("Min", ends, name=lower)
            self.node("Max", ends, name=upper)
        return [self._output(name, self.dtype, shape) for name in (lower, upper)]

    def _through(self, lowered: LoweredPipeline, x: str, dtype: Any) -> str:
        """Append transforms, or their way back, in double precision."""
        rows = self.cast(x, np.float64)

        def leaf(value: Value) -> str:
            name = name_of(value)
            return rows if name == ROWS else self.hold(lowered.fitted[name], np.float64, name)

        lowered.graph.outputs = {"result": lowered.values[-1]}
        graph = simplify(lowered.graph)
        return self.cast(self.write(graph, leaf)[graph.outputs["result"].index], dtype)
