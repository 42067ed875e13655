"""The model of what steps take is fitted to what was measured, here to times that are made up by known rules."""

from __future__ import annotations

import math

import numpy as np
import pytest

import specnet
from specnet.analysis.cost_model import GENERAL, CostModel, MeasuredPlan, fit, terms
from specnet.analysis.explanation import explain
from specnet.analysis.profiling import Times
from specnet.engines.numba.whole import SHARED
from specnet.graph.sizes import at
from specnet.passes.plan import Plan
from specnet.runs.compiling import compile_spec

CALL, BYTE, OPERATION = 1e-6, 2e-10, 5e-11
"""Seconds that an imaginary machine takes."""


def plan(layers: list[dict[str, object]], rows: int, *shape: int, engine: str = "numpy") -> Plan:
    document = {
        "specnet": 1,
        "data": {"type": "npz", "path": "none.npz"},
        "layers": [*layers, {"type": "dense", "units": 3}],
        "loss": "cross_entropy",
        "training": {"epochs": 1, "batch_size": rows},
    }
    given = np.ones((rows, *shape), np.float32), np.arange(rows) % 3
    model, _ = compile_spec(specnet.load(document), given, threads=2, engine=engine)
    return explain(model.network).plans.step


def dense(units: int, rows: int, features: int) -> Plan:
    return plan([{"type": "dense", "units": units, "activation": "tanh"}], rows, features)


def made_up(plan: Plan, longer: float = 1.0) -> MeasuredPlan:
    """Return what the imaginary machine takes: so much longer for the whole than for its steps."""
    seconds = [0.0] * len(plan.steps)
    for number, key, amounts in terms(plan):
        if key.endswith("of numbers"):
            seconds[number] = CALL * amounts[0]
        elif key == "matmul shared":
            seconds[number] = CALL * amounts[1] + OPERATION * amounts[3]
        elif key.startswith("matmul"):
            seconds[number] = CALL * amounts[0] + OPERATION * amounts[-3]
        else:
            seconds[number] = CALL * (amounts[0] + amounts[1]) + BYTE * amounts[2]
    return MeasuredPlan(plan, Times(longer * sum(seconds), tuple(seconds), 1))


SIZES = [
    (32, 16, 8),
    (64, 256, 64),
    (512, 128, 64),
    (256, 512, 128),
    (512, 384, 128),
    (256, 2048, 128),
    (1024, 512, 256),
    (48, 4096, 700),
]


def test_times_of_other_sizes_are_found() -> None:
    plans = [dense(*size) for size in SIZES]
    found = fit([made_up(each, 1.25 if each.workers else 1.1) for each in plans])
    assert (found.between, found.shared) == (pytest.approx(1.1, rel=0.03), pytest.approx(1.25, rel=0.03))
    other = dense(384, 1024, 192)
    assert found.seconds(other) == pytest.approx(made_up(other, 1.25).times.whole, rel=0.1)


def test_an_op_that_was_never_measured_takes_what_others_take() -> None:
    found = fit([made_up(dense(*size)) for size in SIZES])
    other = plan([{"type": "dense", "units": 512, "activation": "softplus"}], 512, 64)
    unknown = {key for _, key, _ in terms(other)} - set(found.coefficients)
    assert unknown
    assert found.seconds(other) == pytest.approx(made_up(other).times.whole, rel=0.2)


def test_ops_in_loops_and_in_pieces_have_coefficients_of_their_own() -> None:
    looped = plan([{"type": "gru", "units": 8}], 16, 12, 4)
    places = {key.rpartition(" in ")[2] for _, key, _ in terms(looped) if " in " in key}
    assert places == {"loops"}
    chained = dense(512, 512, 512)
    places = {key.rpartition(" in ")[2] for _, key, _ in terms(chained) if " in " in key}
    assert places == {"pieces"}
    model = CostModel({"add": [1.0], "add in loops": [0.25], GENERAL: [7.0]})
    assert [model.step(f"add{place}", (2.0,)) for place in ("", " in loops", " in pieces")] == [2.0, 0.5, 2.0]
    assert model.step("square in pieces", (2.0,)) == 14.0


def test_no_coefficient_is_negative() -> None:
    observed = [made_up(dense(*size)) for size in SIZES]
    rng = np.random.default_rng(0)
    noisy = [
        MeasuredPlan(
            each.plan,
            Times(each.times.whole, tuple(s * rng.lognormal(0, 1) for s in each.times.steps), 1),
        )
        for each in observed
    ]
    assert all(c >= 0 for each in fit(noisy).coefficients.values() for c in each)


def test_it_can_be_stored() -> None:
    found = fit([made_up(dense(*size)) for size in SIZES[:3]])
    assert CostModel.from_dict(found.as_dict()) == found


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"coefficients": {GENERAL: [1.0]}, "between": 1, "shared": 1},
        {"coefficients": {}, "between": 1, "shared": 1, "compiled": 1},
        {"coefficients": {GENERAL: [1.0]}, "between": math.nan, "shared": 1, "compiled": 1},
        {"coefficients": {GENERAL: [-1.0]}, "between": 1, "shared": 1, "compiled": 1},
        {"coefficients": {GENERAL: ["fast"]}, "between": 1, "shared": 1, "compiled": 1},
    ],
)
def test_nothing_else_is_a_model(data: object) -> None:
    with pytest.raises(ValueError, match=r"not a cost model|could not convert"):
        CostModel.from_dict(data)


def test_a_convolution_by_tiles_costs_its_own_multiplications() -> None:
    conv = {"type": "conv2d", "filters": 48, "kernel_size": 3, "padding": "same"}
    made = plan([conv, {"type": "flatten"}], 16, 14, 14, 32)
    found = {key: amounts for _, key, amounts in terms(made) if key.startswith("conv")}
    assert set(found) == {"conv2d by tiles", "conv2d_kernel by tiles"}
    _, products, _, kernels = found["conv2d by tiles"]
    # Of 8 images that each of two workers has: 49 tiles with 16 products, for each channel and filter.
    assert products == pytest.approx(8 * 49 * 16 * 32 * 48, rel=0.01)
    assert kernels == 16 * 32 * 48
    alone = plan([conv, {"type": "flatten"}], 1, 7, 7, 32)
    assert {key for _, key, _ in terms(alone) if key.startswith("conv")} == {"conv2d", "conv2d_kernel"}


def test_a_compiled_loop_is_one_step_whose_calls_cost_nothing_where_all_is_compiled() -> None:
    pytest.importorskip("numba")
    layers: list[dict[str, object]] = [{"type": "dense", "units": 512, "activation": "tanh"}]
    other = plan(layers, 64, 16, engine="numba")
    one_by_one, as_run = (list(terms(other, as_run=way)) for way in (False, True))
    loops = [(number, amounts) for number, key, amounts in one_by_one if key == "loop"]
    assert {number for number, _, _ in one_by_one} == {number for number, _, _ in as_run}
    assert all(amounts[0] == 1 for _, amounts in loops)
    assert sum(amounts[4] for _, amounts in loops) >= 64 * 512  # tanh
    run = {number: amounts for number, _, amounts in as_run}
    for number, amounts in loops:
        assert run[number][:2] == (0, 0)
        threads = 2 if math.prod(at(other.steps[number].shape, other.sizes)) >= SHARED else 1
        assert run[number][2:] == tuple(amount / threads for amount in amounts[2:])
