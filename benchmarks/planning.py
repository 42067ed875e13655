"""How the time of planning grows with the network: 100 layers beside 1,000, and where the time goes.

    python -m benchmarks.planning                        # under two minutes
    python -m benchmarks.planning --layers 50 400 --only dense

Nothing is trained. Reading the document, lowering the layers, all stages of both plans and the data that
`specnet explain` shows are timed together, and each stage by itself.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import specnet
from benchmarks.side_by_side import machine
from specnet.analysis.explanation import explain
from specnet.data import inspect_data
from specnet.engines.numpy.emit import emit
from specnet.model import plans
from specnet.model.building import build
from specnet.passes import pipeline

STAGES = ("simplify", "lay_out_phases", "join_biases", "spread", "group", "allocate", "scheduled")


def dense(layers: int) -> list[dict[str, Any]]:
    return [{"type": "dense", "units": 16, "activation": "relu"}] * layers


def dropout(layers: int) -> list[dict[str, Any]]:
    """A dropout after each dense layer; both count."""
    pair = [{"type": "dense", "units": 16, "activation": "relu"}, {"type": "dropout", "rate": 0.1}]
    return pair * (layers // 2)


def wide(layers: int) -> list[dict[str, Any]]:
    """Wide enough that element-wise ops run as chains, piece by piece."""
    pair = [{"type": "dense", "units": 512, "activation": "gelu"}, {"type": "dropout", "rate": 0.1}]
    return pair * (layers // 2)


def convolutions(layers: int) -> list[dict[str, Any]]:
    kernel = {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"}
    return [*[kernel] * layers, {"type": "flatten"}]


def residual(layers: int) -> list[dict[str, Any]]:
    """One block of a dense layer, repeated; the block and what is in it count."""
    inner = [{"type": "dense", "units": 16, "activation": "relu"}]
    block = {"type": "residual", "activation": "relu", "layers": inner}
    return [{"type": "dense", "units": 16}, {"type": "sequential", "repeat": layers // 2, "layers": [block]}]


NETWORKS = {make.__name__: make for make in (dense, dropout, wide, convolutions, residual)}


def document(name: str, layers: int, folder: Path) -> Path:
    """Write a document with a network of so many layers, and return its path."""
    transforms: list[dict[str, Any]] = [{"type": "scale", "factor": 0.0625}]
    if name == "convolutions":
        transforms.append({"type": "reshape", "shape": [8, 8, 1]})
    made = {
        "specnet": 1,
        "data": {"type": "builtin", "name": "digits", "transforms": transforms},
        "layers": [*NETWORKS[name](layers), {"type": "dense", "units": 10}],
        "loss": "cross_entropy",
        "training": {"epochs": 1, "batch_size": 64, "optimizer": "adam"},
    }
    path = folder / f"{name}-{layers}.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


class Clock:
    """Seconds by stage; stages that others call are taken out of theirs."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.inner = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        before, self.inner = self.inner, 0.0
        began = perf_counter()
        try:
            yield
        finally:
            took = perf_counter() - began
            self.seconds[name] += took - self.inner
            self.inner = before + took

    def watch(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*given: Any, **options: Any) -> Any:
            with self.stage(name):
                return function(*given, **options)

        return watched


def measure(path: Path) -> dict[str, float]:
    """Return the milliseconds of each stage from reading a document to its explanation."""
    clock = Clock()
    kept = {name: getattr(pipeline, name) for name in STAGES}
    graphs = {name: getattr(plans, name) for name in ("training_graph", "evaluation_graph")}
    gc.collect()
    try:
        for name, function in kept.items():
            setattr(pipeline, name, clock.watch(name, function))
        for name, function in graphs.items():
            setattr(plans, name, clock.watch("differentiate and update", function))
        with clock.stage("read and validate"):
            spec = specnet.load(path)
            signature = inspect_data(spec.data, spec.folder)
        with clock.stage("lower"):
            network = build(spec, signature)
        with clock.stage("the rest"):
            explanation = explain(network)
        with clock.stage("explain"):
            explanation.as_dict()
        for name in ("step", "evaluation"):
            with clock.stage("emit"):
                program = emit(explanation.programs[name])
            with clock.stage("Python's compiler"):
                compile(program.source, "<plan>", "exec")
    finally:
        for module, functions in ((pipeline, kept), (plans, graphs)):
            for name, function in functions.items():
                setattr(module, name, function)
    return {name: 1e3 * seconds for name, seconds in clock.seconds.items()}


def show(name: str, sizes: list[int], rounds: int, folder: Path) -> None:
    """Print the table of one kind of network."""
    paths = {size: document(name, size, folder) for size in sizes}
    measure(paths[sizes[0]])
    found = [{size: measure(path) for size, path in paths.items()} for _ in range(rounds)]
    stages = list(found[0][sizes[0]])
    medians = {stage: [median(each[size][stage] for each in found) for size in sizes] for stage in stages}
    whole = [median(sum(each[size].values()) for each in found) for size in sizes]
    print(f"| {name} | {' | '.join(f'{size:,} layers, ms' for size in sizes)} | times as long |")
    print(f"| --- | {'---: | ' * len(sizes)}---: |")
    for stage, times in [*medians.items(), ("all", whole)]:
        figures = " | ".join(f"{time:,.1f}" for time in times)
        print(f"| {stage} | {figures} | {times[-1] / times[0]:.1f} |")
    print()


def main() -> None:
    """Print a table for each kind of network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", type=int, nargs=2, default=[100, 1000], metavar=("FEW", "MANY"))
    parser.add_argument("--only", choices=NETWORKS, help="one kind of network alone")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is taken (3)")
    options = parser.parse_args()
    before = machine("numpy")
    with tempfile.TemporaryDirectory() as folder:
        for name in [options.only] if options.only else NETWORKS:
            show(name, options.layers, options.rounds, Path(folder))
    print(f"Before: {before}")
    print(f"After:  {machine('numpy')}")


if __name__ == "__main__":
    main()
