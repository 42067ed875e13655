"""That planning takes work in proportion to the layers: counted in bytecode instructions, function by function."""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from contextlib import redirect_stdout

import pytest

import specnet
from specnet.cli.explain import explain
from specnet.cli.options import OutputStyle
from specnet.engines.numpy.names import Names
from specnet.engines.numpy.printer import NumpyPrinter
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.interchange.exporting import Exported, numpy_program
from specnet.passes.fuse import group
from specnet.passes.pipeline import plan

FEW, MANY = 5, 25
TIMES = MANY // FEW
MAXIMUM = 2 * TIMES
"""How much more often a function's instructions may run: as often as there are layers, and a logarithm of that."""

SMALL = 2000
"""Instructions below which a function's share is mostly what it does once."""


def instructions(work):
    """Return how many bytecode instructions of each function of specnet run while some work is done."""
    counts = Counter()

    def count(frame, event, _):
        if event == "opcode":
            code = frame.f_code
            counts[code.co_filename, code.co_firstlineno, code.co_name] += 1
        return count

    def trace(frame, *_):
        if "specnet" not in frame.f_globals.get("__name__", ""):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return count

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return counts


def faster_than_layers(prepare):
    """Return the functions whose work grows faster than the layers do, each with how many times it grew."""
    # Whatever is imported or cached only once; from 3.12 on, opcodes are traced in functions that have been, too.
    instructions(prepare(2))
    few, many = (instructions(prepare(size)) for size in (FEW, MANY))
    assert sum(many.values()) > FEW * 1000
    return {
        function: count / max(1, few[function])
        for function, count in many.items()
        if count > max(SMALL, MAXIMUM * few[function])
    }


def dense(count):
    """Return layers with all that a dense network has, each with a literal of its own."""
    return [
        layer
        for number in range(count)
        for layer in (
            {
                "type": "dense",
                "units": 8,
                "activation": {"type": "leaky_relu", "slope": 0.01 + number / 1000},
            },
            {"type": "dropout", "rate": 0.1},
        )
    ]


def relu(count):
    return [{"type": "dense", "units": 8, "activation": "relu"}] * count


def branching(count):
    """Return named layers, each of which takes two by their names."""
    first = {"type": "dense", "units": 8, "name": "layer_0"}
    others = [
        {"type": "add", "inputs": [f"layer_{number}", "layer_0"], "name": f"layer_{number + 1}"}
        for number in range(count)
    ]
    return [first, *others]


def repeated(count):
    inner = [{"type": "dense", "units": 8, "activation": "relu"}, {"type": "layer_norm"}]
    block = {"type": "residual", "activation": "relu", "layers": inner}
    return [{"type": "dense", "units": 8}, {"type": "sequential", "repeat": count // 2, "layers": [block]}]


def images(count):
    block = [
        {"type": "conv2d", "filters": 3, "kernel_size": 3, "padding": "same"},
        {"type": "batch_norm"},
        {"type": "activation", "activation": "relu"},
    ]
    # One more than for the others: the first one has no gradient of its images.
    return [*block * (count // 2 + 1), {"type": "flatten"}]


NETWORKS = {make.__name__: make for make in (dense, relu, branching, repeated, images)}


def document(name, count, folder):
    """Write a document with a network of about so many layers, and return its path."""
    transforms = [{"type": "scale", "factor": 0.0625}]
    if name == "images":
        transforms.append({"type": "reshape", "shape": [8, 8, 1]})
    path = folder / f"{name}-{count}.json"
    made = {
        "specnet": 1,
        "data": {"type": "builtin", "name": "digits", "transforms": transforms},
        "layers": [*NETWORKS[name](count), {"type": "dense", "units": 10}],
        "loss": "cross_entropy",
        "training": {"epochs": 1, "batch_size": 64, "optimizer": "adam"},
    }
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", NETWORKS)
def test_planning_and_explaining_take_work_in_proportion_to_the_layers(name, tmp_path):
    def prepare(count):
        path = str(document(name, count, tmp_path))

        def work():
            with redirect_stdout(io.StringIO()):
                explain(path, output=OutputStyle.JSON if name == "relu" else OutputStyle.TABLE)

        return work

    assert faster_than_layers(prepare) == {}


@pytest.mark.parametrize("name", ["relu", "branching"])
def test_validation_takes_work_in_proportion_to_the_layers(name, tmp_path):
    def prepare(count):
        path = document(name, count, tmp_path)
        return lambda: specnet.validate(path)

    assert faster_than_layers(prepare) == {}


@pytest.mark.parametrize("name", ["relu", "repeated"])
def test_writing_a_program_takes_work_in_proportion_to_the_layers(name, tmp_path):
    def prepare(count):
        source = Exported.of(document(name, count, tmp_path))
        return lambda: numpy_program(source, training=True, beside="program.npz")

    assert faster_than_layers(prepare) == {}


def test_looking_for_chains_that_are_of_no_use_takes_work_in_proportion_to_the_ops():
    def prepare(count):
        graph = Graph("float32")
        for number in range(10 * count):
            x = leaf(graph, f"x{number}", "input", (BATCH, 4))
            graph.outputs[f"y{number}"] = ops.relu(x)
        return lambda: group(graph, 8, workers=2)

    assert faster_than_layers(prepare) == {}


def test_many_outputs_take_work_in_proportion_to_them():
    def prepare(count):
        graph = Graph("float32")
        x = leaf(graph, "x", "input", (BATCH, 4))
        for number in range(10 * count):
            graph.outputs[f"y{number}"] = ops.exp(x) * ops.tanh(x * number)
        return lambda: plan(graph, 8)

    assert faster_than_layers(prepare) == {}


def test_printing_what_is_stretched_takes_work_in_proportion_to_the_ops():
    def prepare(count):
        graph = Graph("float32")
        x = y = leaf(graph, "x", "input", (BATCH, 4))
        for _ in range(10 * count):
            y = y * ops.expand(ops.sum_all(y), shape=y.shape)
        return lambda: NumpyPrinter(graph, Names(), {x.index: "x"}).write([y], {})

    assert faster_than_layers(prepare) == {}
