"""`predict` as a plain function: transforms, layers, and back to the units of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.data.lowered import ROWS, LoweredPipeline
from specnet.data.pipeline import Pipeline
from specnet.engines.numpy.names import Names
from specnet.engines.numpy.printer import NumpyPrinter
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import leaves
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
from specnet.interchange.numpy.cells import write_cells
from specnet.interchange.numpy.forward import input_expressions, named_values
from specnet.interchange.numpy.layout import indented
from specnet.interchange.numpy.program import Program
from specnet.model.calibrators import calibrated
from specnet.model.compiled import CompiledModel
from specnet.model.inputs import rows_dtype
from specnet.model.naming import VALUE
from specnet.model.uncertainty import SetIntervals
from specnet.passes.simplify import simplify

Array = np.ndarray[Any, Any]

SHORT = 8
"""Numbers of a table that may stand in a line."""

WITH_INTERVALS = "predict_with_intervals"
"""The function that gives predictions with their intervals or prediction sets."""


def parameter_names(model: CompiledModel, program: Program) -> dict[str, str]:
    """Give every parameter its variable: `dense_1.kernel` is `dense_1_kernel`."""
    return {name: program.names.new(name.replace(".", "_")) for name in model.parameters}


def write_predict(
    model: CompiledModel, program: Program, variables: dict[str, str], *, decides: bool = True
) -> bool:
    """Write `predict`, and `prepare` where there are transforms; return whether there are.

    With `decides`, it is followed by `decide` where the document sets thresholds.
    """
    network = model.network
    plain = network.lower(training=False)
    lowered = calibrated(network, plain, model.calibrators)
    values = named_values(network, lowered)
    graph = lowered.graph
    graph.outputs = {VALUE + name: v for name, v in values.items()}
    graph.outputs |= {o.prediction: lowered.outputs[name].prediction for name, o in network.outputs.items()}
    beside = interval_values(model, plain)
    graph.outputs |= beside
    graph = simplify(graph)
    names = Names(["inputs", "rows", *variables.values()])
    arrays = {**variables, **input_expressions(network)}
    known = {leaf.index: arrays[name] for name, leaf in leaves(graph).items()}
    printer = NumpyPrinter(graph, names, known)
    wished = {
        v.index: key.removeprefix(VALUE)
        for key, v in reversed(graph.outputs.items())
        if key.startswith(VALUE)
    }
    wanted = [graph.outputs[output.prediction] for output in network.outputs.values()]
    known |= held_tables(graph, program)
    beside = {name: graph.outputs[name] for name in beside}
    printer.write([*wanted, *beside.values()], {**wished, **_wished(beside)})
    program.helpers |= printer.helpers
    prepared = write_prepare(model, program)
    cells = write_cells(model, program)
    made = "prepare(inputs)" if prepared else f"np.asarray(inputs, dtype=np.{rows_dtype(network.inputs)})"
    shape = documented_shape(model, cells=cells)
    has_intervals = bool(fitted_intervals(model))
    out = [
        f"def {WITH_INTERVALS if has_intervals else 'predict'}(inputs):",
        f'    """{_documentation(model, shape)}"""',
        *(["    inputs = cells_to_numbers(inputs)"] if cells else []),
        f"    inputs = {made}",
    ]
    if printer.rows_used:
        out.append("    rows = len(inputs)")
    out += indented([line for line, _ in printer.lines])
    results = [known.get(value.index) or printer.expression(value) for value in wanted]
    if has_intervals:
        ends = {name: known.get(v.index) or printer.expression(v) for name, v in beside.items()}
        out += indented(_with_intervals(model, program, wanted, results, ends))
        what = ", ".join(f"{name!r}: made[{name!r}]" for name in network.outputs)
        program.functions.append(out)
        out = [
            "def predict(inputs):",
            f'    """Return the predictions for raw inputs ({shape})."""',
            *indented([f"made = {WITH_INTERVALS}(inputs)"] if network.several else []),
            f"    return {{{what}}}"
            if network.several
            else f'    return {WITH_INTERVALS}(inputs)["predictions"]',
        ]
    elif network.several:
        out += indented(_several(model, program, wanted, results))
    elif (way := model.way_back(network.outputs[""])) is None:
        out += indented([f"return {results[0]}"])
    else:
        back = _restored(program, way, wanted[0], "targets", "target")
        out += indented([f"targets = {results[0]}", *back, "return targets"])
    program.functions.append(out)
    if decides:
        write_decide(model.cutoffs, program)
    return prepared


def write_decide(thresholds: Mapping[str, Array], program: Program) -> None:
    """Write `decide` where there are thresholds of labels, given these by output."""
    if not thresholds:
        return
    names = {name: program.names.new(f"{name}_thresholds" if name else "thresholds") for name in thresholds}
    held = {names[name]: cutoffs for name, cutoffs in thresholds.items()}
    program.hold(held, "The values from which labels are predicted.")
    made = {
        name: f"(predictions{f'[{name!r}]' if name else ''} >= {own}).astype(int)"
        for name, own in names.items()
    }
    entries = ", ".join(f"{name!r}: {expression}" for name, expression in made.items())
    program.functions.append(
        [
            "def decide(predictions):",
            '    """Return 1 for each label that is predicted, and 0 for each other, given what `predict` returns."""',
            f"    return {made['']}" if "" in made else f"    return {{{entries}}}",
        ]
    )


def _documentation(model: CompiledModel, shape: str) -> str:
    """Return what the function that runs the network says of itself."""
    if model.uncertainty is None or model.uncertainty.level is None:
        return f"Return the predictions for raw inputs ({shape})."
    level = f"{100 * model.uncertainty.level:g}% of new rows"
    return f"Return predictions for raw inputs ({shape}), with intervals or sets that cover {level}."


def held_tables(graph: Graph, program: Program) -> dict[int, str]:
    """Give the tables of a calibration their variables, and return these by the values' indices."""
    found, held = {}, {}
    for value in graph.values:
        if value.op is ops.FIXED and isinstance(ops.FIXED.of(value).values, tuple):
            numbers = ops.FIXED.of(value).values
            if len(numbers) > SHORT:
                found[value.index] = program.names.new("calibration_table")
                held[found[value.index]] = np.array(numbers, value.dtype)
    program.hold(held, "Numbers that the network and its calibration look up.")
    return found


def _wished(beside: dict[str, Value]) -> dict[int, str]:
    """Return the names of variables for intervals and prediction sets, by the values' indices."""
    return {value.index: name.replace(".", "_") for name, value in beside.items()}


def _with_intervals(
    model: CompiledModel, program: Program, made: list[Value], results: list[str], ends: dict[str, str]
) -> list[str]:
    """Return the end of a function that gives predictions with their intervals or sets: a dictionary of them."""
    lines, pairs = [], []
    for output, value, result in zip(model.network.outputs.values(), made, results, strict=True):
        prediction = output.name or "predictions"
        way, of = model.way_back(output), "feature" if output.of_inputs else "target"

        def back(
            key: str, expression: str, value: Value = value, way: Pipeline | None = way, of: str = of
        ) -> str:
            """Write what brings an expression into the units of the data, and return what holds it."""
            if way is None:
                return expression
            name = program.names.new(f"{key.replace('.', '_')}_in_units")
            lines.extend([f"{name} = {expression}", *_restored(program, way, value, name, of)])
            return name

        there = back(prediction, result)
        pairs.append((prediction, there))
        own = fitted_intervals(model).get(output.name)
        lower, upper = (named(output.name, end) for end in (LOWER, UPPER))
        if isinstance(own, SetIntervals):
            pairs.append((named(output.name, SET), ends[named(output.name, SET)]))
        elif own is not None and is_lowered(model, output.name, own):
            low, high = (back(end, ends[end]) for end in (lower, upper))
            if way is not None:
                low, high = f"np.minimum({low}, {high})", f"np.maximum({low}, {high})"
            pairs += [(lower, low), (upper, high)]
        elif own is not None:
            if own.noise is not None:
                half = ends[named(output.name, HALF)]
            else:
                half = program.names.new("half_width")
                shape = at(value.shape[1:], 1)
                program.hold({half: np.reshape(own.half_widths, shape)}, "Half the width of an interval.")
            pairs += [(lower, f"{there} - {half}"), (upper, f"{there} + {half}")]
    inside = [f'    "{key}": {expression},' for key, expression in pairs]
    return [*lines, "return {", *inside, "}"]


def _several(model: CompiledModel, program: Program, made: list[Value], results: list[str]) -> list[str]:
    """Return the end of `predict` where a network has several outputs: a dictionary of them."""
    lines, pairs = [], []
    for output, value, result in zip(model.network.outputs.values(), made, results, strict=True):
        name = result
        if (way := model.way_back(output)) is not None:
            name = program.names.new(f"{output.name}_predictions")
            of = "feature" if output.of_inputs else "target"
            lines += [f"{name} = {result}", *_restored(program, way, value, name, of)]
        pairs.append(f"{output.name!r}: {name}")
    return [*lines, f"return {{{', '.join(pairs)}}}"]


def documented_shape(model: CompiledModel, *, cells: bool) -> str:
    """Return what `predict` says of the rows that it takes: their shape, or that they are cells."""
    raw = model.network.signature.inputs if model.encoding is None else model.encoding.raw_shape
    return "rows of cells" if cells else ", ".join(["rows", *map(str, raw)])


def write_prepare(model: CompiledModel, program: Program) -> bool:
    """Write what brings raw inputs into the form that the network takes; return whether there is anything."""
    encoding = model.encoding
    if encoding is None or not encoding.inputs.transforms:
        return False
    lowered = encoding.inputs.lower(encoding.raw_shape)
    lines = ["inputs = np.asarray(inputs, dtype=float)", *_through(program, lowered, "inputs", "feature")]
    dtype = rows_dtype(model.network.inputs)
    lines.append("return inputs" if dtype == "float64" else f"return inputs.astype(np.{dtype})")
    doc = '"""Return raw inputs as the network takes them."""'
    program.functions.append(["def prepare(inputs):", *indented([doc, *lines])])
    return True


def _through(program: Program, lowered: LoweredPipeline, name: str, of: str) -> list[str]:
    """Return the lines that take what a variable holds through transforms, or their way back.

    What these learnt is called by what it was learnt `of`: `feature_mean`, say.
    """
    lowered.graph.outputs = {"result": lowered.values[-1]}
    graph = simplify(lowered.graph)
    variables = {leaf: program.names.new(f"{of}_{leaf.split('_', 2)[2]}") for leaf in lowered.fitted}
    held = {variables[leaf]: array for leaf, array in lowered.fitted.items()}
    program.hold(held, "Statistics of the training rows, for the transforms.")
    known = {v.index: name if leaf == ROWS else variables[leaf] for leaf, v in leaves(graph).items()}
    result = graph.outputs["result"]
    if result.index in known:
        return []
    printer = NumpyPrinter(graph, Names([name, *variables.values()]), known)
    printer.count_uses([result])
    printer.write_below(result)
    printer.state(result, name)
    program.helpers |= printer.helpers
    return [f"rows = len({name})"] * printer.rows_used + [line for line, _ in printer.lines]


def _restored(program: Program, way: Pipeline, value: Value, name: str, of: str) -> list[str]:
    """Return the lines that bring predictions, held by a variable, into the units of the data."""
    back = way.lower(at(value.shape[1:], 1), inverse=True)
    return [f"{name} = {name}.astype(float)", *_through(program, back, name, of)]
