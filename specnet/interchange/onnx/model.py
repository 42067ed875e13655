"""A model as an ONNX file: transforms, layers, and back to the units of the data; the batch axis is free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from specnet._version import __version__
from specnet.data.lowered import ROWS, LoweredPipeline
from specnet.diagnostics import RunError
from specnet.graph.graph import Value
from specnet.graph.leaves import name_of
from specnet.graph.sizes import at
from specnet.interchange.intervals import (
    HALF,
    LOWER,
    SET,
    UPPER,
    fitted_intervals,
    interval_values,
    is_lowered,
    named,
)
from specnet.interchange.onnx.graphs import GraphWriter
from specnet.model.averaged import AveragedModel
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


def write_onnx(path: Path, model: CompiledModel | AveragedModel) -> None:
    """Write a model as ONNX: `inputs` (rows, ...) raw, as the data hold them, to `predictions` (rows, ...).

    Several outputs go by their names. Predictions are calibrated as the model's are. Its intervals are the outputs
    `lower` and `upper`, its prediction sets `prediction_set` (rows, classes), true for classes in the set; of several
    outputs these begin with the output's name and a dot. Where the document sets thresholds, `labels` (rows, labels)
    are what is read by them, 1 or 0; of an output of several, `NAME.labels`. The mean of several models has their
    standard deviation beside it, `std` or `NAME.std`, and intervals that hold those of each.

    Tables enter as the numbers that their cells become. Both are in the document's dtype, and inputs that are all
    read as indices are int64, or double where some are. Transforms are computed in double precision, as specnet does.
    Raises RunError where the extra `onnx` is not installed, or the model has something that ONNX cannot say.
    """
    onnx = needed("onnx", "onnx", "an export to ONNX")
    made = _mean(onnx, model) if isinstance(model, AveragedModel) else _ModelWriter(onnx, model).model()
    onnx.checker.check_model(made, full_check=True)
    content = made.SerializeToString(deterministic=True)
    write_bytes(path, content)


def _mean(onnx: Any, model: AveragedModel) -> Any:
    """Return the mean of several models as ONNX has it: these, one after the other, and what joins them.

    Raises RunError where one row of a table is other numbers for each model.
    """
    read = [_numbers_of_cells(own) for own in model.compiled]
    for column, first in read[0].items():
        if any(own[column] != first for own in read):
            raise RunError(
                f"the models read `{column}` as other categories, dates or tokens than each other, and in ONNX all "
                "take the same numbers: export to numpy, or train with the same `values`, `parts` or tokens"
            )
    writer: _ModelWriter | None = None
    each: list[dict[str, _Prediction]] = []
    ends: list[dict[str, list[_End]]] = []
    taken = np.result_type(*(rows_dtype(own.network.inputs) for own in model.compiled))
    for number, own in enumerate(model.compiled, 1):
        writer = _ModelWriter(onnx, own, writer)
        writer.prefix = f"{number}."
        inputs = "inputs" if writer.taken == taken else writer.cast("inputs", writer.taken)
        each.append(writer.predictions(inputs))
        ends.append({name: writer.intervals(made, final=False) for name, made in each[-1].items()})
    last = _ModelWriter(onnx, model.compiled[0], writer)
    outputs = []
    for name, made in each[0].items():
        outputs += last.mean([own[name] for own in each], name)
        outputs += last.labels(made, name, model.cutoffs)
        outputs += last.widest([own[name] for own in ends])
    return last.file(outputs, taken)


def _numbers_of_cells(model: CompiledModel) -> dict[str, object]:
    """Return what decides which numbers the cells of each column of a table become; {} for what is no table."""
    columns = None if model.encoding is None else model.encoding.columns
    return {
        column.name: (column.categories, column.encode, column.parts, column.texts and column.texts.state())
        for column in ([] if columns is None else columns.features)
    }


class _Prediction(NamedTuple):
    """What is predicted for one output, in the units of the data."""

    output: NetworkOutput
    name: str
    """What the value is called that holds it."""
    shape: tuple[int, ...]
    """Its shape without the rows."""
    values: dict[str, str]
    """What is called by which name in the graph: the outputs and the ends of their intervals."""


class _End(NamedTuple):
    """The lower or the upper ends of intervals, or prediction sets."""

    name: str
    """What it is called as an output of the graph."""
    value: str
    """What it is called in the graph."""
    shape: tuple[int, ...]
    """Its shape without the rows."""
    join: str
    """The operator that makes one of those of two models, which holds both."""


class _ModelWriter(GraphWriter):
    """Writes a model: what prepares its inputs, its layers, and what brings its outputs back."""

    def __init__(self, onnx: Any, model: CompiledModel, after: _ModelWriter | None = None) -> None:
        super().__init__(onnx)
        self.prefix = ""
        """What the names of arrays begin with, where several models are written."""
        if after is not None:
            self.nodes, self.held, self.written = after.nodes, after.held, after.written
        self.of = model
        self.network, self.encoding = model.network, model.encoding
        self.parameters, self.way_back = model.parameters, model.way_back
        self.cutoffs = model.cutoffs
        self.dtype = np.dtype(model.network.spec.dtype)

    def hold(self, array: Any, dtype: Any, name: str | None = None) -> str:
        """Keep an array in the file, and return its name."""
        return super().hold(array, dtype, name and self.prefix + name)

    @property
    def raw(self) -> tuple[int, ...]:
        """The shape of one raw input."""
        return self.network.signature.inputs if self.encoding is None else self.encoding.raw_shape

    @property
    def taken(self) -> Any:
        """The dtype of the inputs that it takes."""
        return np.dtype(rows_dtype(self.network.inputs))

    def model(self) -> Any:
        """Return the model as ONNX has it."""
        outputs = []
        for name, made in self.predictions("inputs").items():
            self.node("Identity", [made.name], name=name)
            outputs.append(self._output(name, self.dtype, made.shape))
            outputs += self.labels(made, name, self.cutoffs)
            outputs += self._written(self.intervals(made, final=True))
        return self.file(outputs, self.taken)

    def predictions(self, inputs: str) -> dict[str, _Prediction]:
        """Append what the model predicts, given the name of its raw inputs; return it by the outputs' names."""
        network, raw, dtype = self.network, self.raw, self.taken
        plain = network.lower(training=False)
        lowered = calibrated(network, plain, self.of.calibrators)
        graph = lowered.graph
        made = {output.name or "predictions": output for output in network.outputs.values()}
        graph.outputs = {name: lowered.outputs[output.name].prediction for name, output in made.items()}
        graph.outputs |= interval_values(self.of, plain)
        graph = simplify(graph)
        if self.encoding is not None and self.encoding.inputs.transforms:
            inputs = self._through(self.encoding.inputs.lower(raw), inputs, dtype)
        rows, cut = cut_rows(network.inputs, network.signature.inputs)
        found = self.write(rows.graph, lambda _: inputs)
        arrays = {name: found[value.index] for name, value in cut.items()}

        def leaf(value: Value) -> str:
            name = name_of(value)
            return arrays.get(name) or self.hold(self.parameters[name], self.dtype, name)

        names = self.write(graph, leaf)
        values, found_outputs = {n: names[v.index] for n, v in graph.outputs.items()}, {}
        for name, value in graph.outputs.items():
            if name not in made:
                continue
            x, shape = names[value.index], at(value.shape[1:], 1)
            way = self.way_back(made[name])
            if way is not None:
                back = way.lower(shape, inverse=True)
                x, shape = self._through(back, x, self.dtype), back.shape
            found_outputs[name] = _Prediction(made[name], x, shape, values)
        return found_outputs

    def file(self, outputs: list[Any], taken: Any) -> Any:
        """Return what was written, with outputs, as a whole model that takes inputs of a dtype."""
        network, helper = self.network, self.onnx.helper
        written = helper.make_graph(
            self.nodes,
            network.spec.name,
            [helper.make_tensor_value_info("inputs", self.kind(taken), ["rows", *self.raw])],
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

    def labels(self, made: _Prediction, predictions: str, thresholds: Mapping[str, Any]) -> list[Any]:
        """Append what is read by thresholds, if there are some: 1 for each label that is predicted, else 0."""
        output = made.output
        if output.name not in thresholds:
            return []
        name = named(output.name, "labels")
        cutoffs = self.hold(thresholds[output.name], self.dtype, output.thresholds)
        reached = self.node("GreaterOrEqual", [predictions, cutoffs])
        self.node("Cast", [reached], name=name, to=self.kind(np.dtype(np.int64)))
        return [self._output(name, np.int64, made.shape)]

    def mean(self, each: Sequence[_Prediction], name: str) -> list[Any]:
        """Append the mean of what several models predict, and the standard deviation of a sample."""
        shape, spread = each[0].shape, named(each[0].output.name, "std")
        parts = [self.cast(own.name, np.float64) for own in each]
        # Runtimes have no `Mean` of double precision.
        mean = self.node("Mul", [self.node("Sum", parts), self.hold(1.0 / len(parts), np.float64)])
        squares = []
        for part in parts:
            off = self.node("Sub", [part, mean])
            squares.append(self.node("Mul", [off, off]))
        share = self.hold(1.0 / (len(parts) - 1), np.float64)
        variance = self.node("Mul", [self.node("Sum", squares), share])
        for result, value in ((name, mean), (spread, self.node("Sqrt", [variance]))):
            self.node("Cast", [value], name=result, to=self.kind(self.dtype))
        return [self._output(result, self.dtype, shape) for result in (name, spread)]

    def _output(self, name: str, dtype: Any, shape: tuple[int, ...]) -> Any:
        return self.onnx.helper.make_tensor_value_info(name, self.kind(dtype), ["rows", *shape])

    def intervals(self, made: _Prediction, *, final: bool) -> list[_End]:
        """Append the intervals or the prediction set of an output, as outputs of the graph where they are `final`."""
        output, prediction = made.output, made.name
        own = fitted_intervals(self.of).get(output.name)
        if own is None:
            return []
        if isinstance(own, SetIntervals):
            name, count = named(output.name, SET), len(own.thresholds)
            held = self.node("Identity", [made.values[name]], name=name) if final else made.values[name]
            classes = output.shape if output.loss.targets == "classes" else (2,) if count == 1 else (count, 2)
            return [_End(name, held, classes, "Or")]
        lower, upper = (named(output.name, end) for end in (LOWER, UPPER))
        names = (lower, upper) if final else (None, None)
        if not is_lowered(self.of, output.name, own):
            half = made.values.get(named(output.name, HALF))
            half = half or self.hold(np.reshape(own.half_widths, made.shape), self.dtype)
            low = self.node("Sub", [prediction, half], name=names[0])
            high = self.node("Add", [prediction, half], name=names[1])
        else:
            ends = [made.values[lower], made.values[upper]]
            if (way := self.way_back(output)) is not None:
                ends = [self._through(way.lower(output.shape, inverse=True), x, self.dtype) for x in ends]
            # A transform may have turned the order round.
            low, high = self.node("Min", ends, name=names[0]), self.node("Max", ends, name=names[1])
        return [_End(lower, low, made.shape, "Min"), _End(upper, high, made.shape, "Max")]

    def widest(self, each: Sequence[Sequence[_End]]) -> list[Any]:
        """Append intervals and sets that hold those of several models, as outputs of the graph."""
        found = []
        for parts in zip(*each, strict=True):
            first, joined = parts[0], parts[0].value
            for number, part in enumerate(parts[1:], 2):
                name = first.name if number == len(parts) else None
                joined = self.node(first.join, [joined, part.value], name=name)
            found.append(first)
        return self._written(found)

    def _written(self, ends: Sequence[_End]) -> list[Any]:
        return [
            self._output(end.name, np.bool_ if end.join == "Or" else self.dtype, end.shape) for end in ends
        ]

    def _through(self, lowered: LoweredPipeline, x: str, dtype: Any) -> str:
        """Append transforms, or their way back, in double precision."""
        rows = self.cast(x, np.float64)

        def leaf(value: Value) -> str:
            name = name_of(value)
            return rows if name == ROWS else self.hold(lowered.fitted[name], np.float64, name)

        lowered.graph.outputs = {"result": lowered.values[-1]}
        graph = simplify(lowered.graph)
        return self.cast(self.write(graph, leaf)[graph.outputs["result"].index], dtype)
