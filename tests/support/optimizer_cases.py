"""What the tests of optimizers share: each kind with its options, and a plain reading of their graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import TypeAdapter

from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf, name_of, number, scalar_of
from specnet.graph.sizes import DType
from specnet.graph.update_builder import UpdateBuilder
from specnet.vocabulary.optimizers import OPTIMIZERS, Optimizer, Searching, Stepping

STEPS = 40

# Each kind with the options that are tried, in the language's names.
CASES: dict[str, list[dict[str, Any]]] = {
    "sgd": [
        {},
        {"weight_decay": 0.1},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.3},
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.5, "nesterov": True, "weight_decay": 0.05},
        {"momentum": 0.5, "dampening": 0.3, "weight_decay": 0.05},
    ],
    "adam": [
        {},
        {"weight_decay": 0.1},
        {"amsgrad": True},
        {"beta_1": 0.0, "beta_2": 0.0},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1, "amsgrad": True, "weight_decay": 0.01},
    ],
    "adamw": [
        {},
        {"weight_decay": 0.0},
        {"amsgrad": True, "weight_decay": 0.2},
        {"epsilon": 1e-3, "beta_1": 0.8, "beta_2": 0.95},
    ],
    "nadam": [
        {},
        {"weight_decay": 0.1},
        {"momentum_decay": 0.3, "beta_1": 0.7, "beta_2": 0.9},
        {"epsilon": 1e-2, "beta_1": 0.0, "momentum_decay": 0.0},
    ],
    "rmsprop": [
        {},
        {"weight_decay": 0.1},
        {"momentum": 0.9},
        {"centered": True},
        {"centered": True, "momentum": 0.5, "alpha": 0.8, "epsilon": 1e-3, "weight_decay": 0.01},
    ],
    "adagrad": [
        {},
        {"weight_decay": 0.1},
        {"lr_decay": 0.2},
        {"initial_accumulator_value": 0.1, "epsilon": 1e-2, "lr_decay": 0.01, "weight_decay": 0.1},
    ],
    "adadelta": [{}, {"weight_decay": 0.1}, {"rho": 0.5, "epsilon": 1e-3}],
    "lion": [{}, {"weight_decay": 0.3}, {"beta_1": 0.5, "beta_2": 0.7}, {"beta_1": 0.0, "beta_2": 0.0}],
}

STEPPING = [name for name, kind in OPTIMIZERS.kinds.items() if not issubclass(kind, Searching)]
"""The kinds that are one rule of one gradient; the others have tests of their own (tests/runtime)."""

RUNS = [(name, options) for name, many in CASES.items() for options in many]


def make(name: str, **options: Any) -> Optimizer:
    return TypeAdapter(Annotated[Optimizer, OPTIMIZERS]).validate_python({"type": name, **options})


def gradients() -> Iterator[np.ndarray]:
    """Yield gradients that vary, of which some elements are always 0, now and then 0, tiny, or large."""
    random = np.random.default_rng(5)
    scale = np.array([1.0, 1.0, 1e-3, 1e3, 1.0, 0.0, 1e-30, 1e-7, 1.0, 1.0, 1e5, 1e-12])
    for step in range(STEPS):
        g = random.normal(0.2, 1.0, scale.size) * scale
        g[4] *= step % 3 == 0
        g[8] *= step > 5
        yield g


def start() -> np.ndarray:
    return np.array([0.0, 1.0, -0.5, 2.0, 0.0, 1.5, 0.3, 0.0, -1.0, 0.0, 0.7, 0.0])


def rates(base: float) -> list[float]:
    return [base * (0.2 + 0.8 * (0.5 + 0.5 * np.cos(step / 5))) for step in range(STEPS)]


def graph_of(
    optimizer: Optimizer, size: int, dtype: DType = "float64", *, textbook: bool = False
) -> tuple[UpdateBuilder, Graph]:
    assert isinstance(optimizer, Stepping)
    graph = Graph(dtype)
    p, g = leaf(graph, "p", "parameter", (size,)), leaf(graph, "g", "input", (size,))
    lr, t = number(graph, "lr"), number(graph, "t")
    build = UpdateBuilder(graph, size)
    make = optimizer.textbook if textbook else optimizer.step
    graph.assign(p, make(build, p, g, lr, t))
    return build, graph


FORMULAS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
    "square": lambda a: a * a,
    "sqrt": np.sqrt,
    "sign": np.sign,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "reduce_sum": np.sum,
}


def interpret(graph: Graph, leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each leaf holds after the step, by the plainest reading of the graph."""
    at: dict[int, Any] = {}
    for value in graph.values:
        if value.op.leaf:
            at[value.index] = leaves[name_of(value)]
        elif value.op.name == "constant":
            at[value.index] = scalar_of(value)[0]
        else:
            at[value.index] = FORMULAS[value.op.name](*(at[i.index] for i in value.inputs))
    after = {name_of(target): at[value.index] for target, value in graph.assignments}
    return {**leaves, **after}


def fitted(optimizer: Optimizer, rate_of: list[float]) -> Iterator[np.ndarray]:
    return (leaves["p"] for leaves in held(optimizer, rate_of))


def held(optimizer: Optimizer, rate_of: list[float], *, textbook: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the parameters `p` and the slots after each step."""
    p = start()
    build, graph = graph_of(optimizer, p.size, textbook=textbook)
    leaves: dict[str, Any] = {"p": p, **build.options}
    leaves |= {f"slot/{name}": np.full(shape, initial) for name, (shape, initial) in build.slots.items()}
    for t, (g, lr) in enumerate(zip(gradients(), rate_of, strict=True), start=1):
        leaves = interpret(graph, {**leaves, "g": g, "lr": lr, "t": float(t)})
        yield leaves
