from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import specnet
from specnet.analysis import profiling
from specnet.analysis.explanation import Explanation, explain
from specnet.data import load_data
from specnet.engines.execution import Executable, emitted
from specnet.engines.numpy.emit import emit
from specnet.model.compiled import CompiledModel
from specnet.model.network import Network
from specnet.runs.compiling import compile_spec

DEEP = {
    "layers": [
        {"type": "dense", "units": 1200, "activation": "gelu"},
        {"type": "dense", "units": 200, "activation": "selu"},
        {"type": "dense", "units": 3},
    ],
    "training.batch_size": 64,
}

READING, SLOW = 2.0**-20, 2.0**-9
"""Seconds that reading the clock takes, and those of a step that is made slow; their sums are exact."""


class Clock:
    """A clock that goes on when it is read, and when it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += READING
        return self.now


def compiled(spec: specnet.Spec) -> tuple[CompiledModel, Explanation, specnet.data.Dataset]:
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    network = Network(spec, data.signature)
    return CompiledModel(network, data.encoding), explain(network), data


@pytest.mark.parametrize(
    "changes", [{}, DEEP, {"training.accumulate": 2}], ids=["small", "blocks", "accumulate"]
)
def test_a_plan_with_a_clock_computes_the_same(iris: specnet.Spec, changes: dict[str, object]) -> None:
    model, explanation, data = compiled(specnet.load(iris.source.source, changes))
    plan = explanation.plans.step
    if changes is DEEP:
        assert any(step.block for step in plan.steps)
    seconds = [0.0] * len(plan.steps)
    rows = plan.batch
    results = []
    program = emit(plan)
    for each in (program, profiling.timed(plan, program, seconds, Clock())):
        fresh = CompiledModel(model.network, model.encoding)
        training = profiling.BoundTraining(fresh, explanation.plans)
        train = data.splits["train"]
        leaves = fresh.leaves(inputs=train.inputs[:rows], targets=train.targets[:rows], **training.slots)
        values = {"rate": 0.01, "step": 1, "share": 0.5}
        scalars = (
            Executable(plan, program=each).bind(rows, leaves).step(*(values[name] for name in each.numbers))
        )
        results.append((scalars, fresh.parameters.flat.copy()))
    assert results[0][0] == results[1][0]
    assert np.array_equal(results[0][1], results[1][1])
    for step, code, taken in zip(plan.steps, program.code, seconds, strict=True):
        assert (taken > 0) == (bool(code) and not step.prologue), step


@pytest.mark.parametrize(
    "layers", [[{"type": "lstm", "units": 3}], [{"type": "flatten"}]], ids=["a loop", "a whole step"]
)
def test_steps_within_one_compiled_function_are_measured(layers: list[dict[str, object]]) -> None:
    pytest.importorskip("numba")
    document = {
        "specnet": 1,
        "data": {"type": "npz", "path": "none.npz"},
        "layers": [*layers, {"type": "dense", "units": 2}],
        "loss": "mse",
        "training": {"epochs": 1, "batch_size": 4},
    }
    given = np.ones((8, 5, 3), np.float32), np.ones((8, 2), np.float32)
    model, data = compile_spec(specnet.load(document), given, threads=1, engine="numba")
    explanation = explain(model.network)
    plan = explanation.plans.step
    program = emitted(plan)
    assert program.whole is not None or program.loops[0].tape is not None
    times = profiling.profile(model, data, explanation, seconds=0.0)["step"]
    code = profiling.apart(program).code
    assert times.whole > 0
    for step, lines, taken in zip(plan.steps, code, times.steps, strict=True):
        assert taken == 0 if not lines or step.prologue else taken >= 0
    assert sum(times.steps) > 0


def test_a_slow_step_is_found(iris: specnet.Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    from specnet.engines.numpy.functions import FUNCTIONS, resolve

    model, explanation, data = compiled(iris)
    clock, exact = Clock(), resolve("tanh")

    def tanh(*arguments: object) -> None:
        clock.now += SLOW
        exact(*arguments)

    monkeypatch.setitem(FUNCTIONS, "tanh", tanh)
    times = profiling.profile(model, data, explanation, clock)["step"]
    named = dict(zip((step.op for step in explanation.plans.step.steps), times.steps, strict=True))
    assert named["tanh"] == SLOW
    assert sum(times.steps) == SLOW
    assert times.whole == SLOW + READING
    # An execution is two, one of them with a clock for each step.
    assert 0 < times.executions - 0.9 * profiling.SECONDS / (2 * SLOW) < 0.1 * profiling.SECONDS / (2 * SLOW)


def test_flops_of_a_shared_step_count_each_batch(iris: specnet.Spec) -> None:
    _, alone, _ = compiled(iris)
    _, shared, _ = compiled(specnet.load(iris.source.source, {"training.accumulate": 4}))
    assert shared.flops()["forward"] == pytest.approx(4 * alone.flops()["forward"], rel=0.01)


def test_what_is_compiled_at_the_first_execution_is_not_measured(iris, monkeypatch):
    model, explanation, data = compiled(iris)
    clock, first = Clock(), set()

    def bound(*given, **named):
        made = bind(*given, **named)

        def step(*numbers):
            clock.now += SLOW if step in first else 1.0
            first.add(step)
            return made.step(*numbers)

        return replace(made, step=step)

    bind = profiling._bound
    monkeypatch.setattr(profiling, "_bound", bound)
    times = profiling.profile(model, data, explanation, clock, seconds=16 * SLOW)
    assert times["step"].executions > profiling.MINIMUM
