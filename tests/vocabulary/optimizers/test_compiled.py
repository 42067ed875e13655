"""The optimizers as plans: what the compiler makes of them must step as their graphs say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from specnet.engines.execution import Executable
from specnet.graph.leaves import name_of
from specnet.graph.sizes import DType
from specnet.passes.pipeline import plan
from specnet.vocabulary.optimizers import Optimizer
from tests.support.optimizer_cases import RUNS, graph_of, interpret, make

STEPS = 6


def runs_alike(
    optimizer: Optimizer, size: int, dtype: DType, tolerance: float, optimise: bool = True
) -> None:
    random = np.random.default_rng(11)
    build, graph = graph_of(optimizer, size, dtype)
    compiled = plan(graph, 1, optimise=optimise)
    first = random.normal(size=size).astype(dtype)
    arrays = {"p": first.copy(), "g": np.zeros(size, dtype)}
    arrays |= {f"slot/{slot}": np.full(shape, value, dtype) for slot, (shape, value) in build.slots.items()}
    plain: dict[str, Any] = {key: array.astype("float64") for key, array in arrays.items()}
    bound = Executable(compiled).bind(1, arrays)
    for t in range(1, STEPS + 1):
        g = random.normal(size=size).astype(dtype)
        g[::7] = 0.0
        np.copyto(arrays["g"], g)
        numbers = {"lr": 0.01 * t, "t": t}
        bound.step(*(numbers[key] for key in compiled.numbers))
        plain = interpret(graph, {**plain, "g": g.astype("float64"), "lr": 0.01 * t, "t": float(t)})
        for key, array in arrays.items():
            if key == "g":
                continue
            np.testing.assert_allclose(array, plain[key], rtol=tolerance, atol=tolerance, err_msg=key)


@pytest.mark.parametrize(("name", "options"), RUNS)
@pytest.mark.parametrize("optimise", [True, False])
# The last two are cut into pieces, the last piece smaller than the others.
@pytest.mark.parametrize("size", [1, 13, 2 * 16_384, 40_001])
def test_a_plan_steps_as_its_graph_says(
    name: str, options: dict[str, Any], optimise: bool, size: int
) -> None:
    runs_alike(make(name, **options), size, "float64", 1e-12, optimise)


# Lion's direction is a sign, and the centered variance a difference: a rounding may change either wholly.
ROUNDED = [(name, options) for name, options in RUNS if name != "lion" and "centered" not in options]


@pytest.mark.parametrize(("name", "options"), ROUNDED)
def test_float32_steps_as_float64_up_to_rounding(name: str, options: dict[str, Any]) -> None:
    runs_alike(make(name, **options), 33_000, "float32", 2e-5)


@pytest.mark.parametrize(("name", "options"), RUNS)
def test_no_slot_is_copied(name: str, options: dict[str, Any]) -> None:
    """Every new slot, and the parameters, are computed in the memory of the old."""
    _, graph = graph_of(make(name, **options), 40_001)
    compiled = plan(graph, 1)
    assigned = {name_of(target) for target, _ in graph.assignments}
    written = {step.memory for step in compiled.steps}
    assert assigned <= written
    assert "assign" not in {step.op for step in compiled.steps}
