from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specnet.training.rates import Rates
from specnet.vocabulary.schedules import SCHEDULES, RunLength, Schedule
from tests.support.schedule_cases import BASE, FORMULAS, ORACLES, PLATEAUS, RUN, make, rates


def torch_rates(name: str, options: dict[str, Any], each: str) -> Iterator[float]:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE)
    if name == "OneCycleLR":
        options = {"max_lr": BASE, "total_steps": RUN.steps, "cycle_momentum": False, **options}
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    for step in range(RUN.steps):
        yield optimizer.param_groups[0]["lr"]
        if step + 1 < RUN.steps and (each == "step" or (step + 1) % RUN.steps_per_epoch == 0):
            optimizer.step()
            scheduler.step()


@pytest.mark.parametrize(("name", "options", "theirs", "their_options", "each"), ORACLES)
def test_rates_are_pytorch_s(
    name: str, options: dict[str, Any], theirs: str, their_options: dict[str, Any], each: str
) -> None:
    expected = list(torch_rates(theirs, their_options, each))
    assert rates(make(name, **options)) == pytest.approx(expected, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("name", "options", "formula"), FORMULAS)
def test_rates_are_the_formula_s(name: str, options: dict[str, Any], formula: Callable[[int], float]) -> None:
    expected = [BASE * formula(step) for step in range(RUN.steps)]
    assert rates(make(name, **options)) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_the_tables_cover_every_schedule_and_option() -> None:
    tried: dict[str, set[str]] = {}
    for name, options, *_ in [*ORACLES, *FORMULAS]:
        tried.setdefault(name, set()).update(options)
    tried["plateau"] = {key for options in PLATEAUS for key in options}
    assert set(tried) == set(SCHEDULES.kinds)
    shared = {"type", "warmup_steps", "warmup_epochs", "warmup_from"}
    for name, kind in SCHEDULES.kinds.items():
        assert tried[name] >= set(kind.model_fields) - shared, name


@pytest.mark.parametrize("name", sorted(set(SCHEDULES.kinds) - {"constant", "plateau"}))
def test_a_warm_up_runs_on_into_the_schedule(name: str) -> None:
    needed = {"step": {"step_size": 5}, "multistep": {"milestones": [9]}, "exponential": {"gamma": 0.9}}
    schedule = make(name, warmup_steps=10, warmup_from=0.5, **needed.get(name, {}))
    found = rates(schedule)
    line = [found[10] * (0.5 + 0.05 * step) for step in range(11)]
    assert found[:11] == pytest.approx(line, rel=1e-12)
    assert not Rates(schedule, BASE, RUN).steady


def test_constant_says_that_it_is() -> None:
    assert Rates(make("constant"), BASE, RUN).steady
    assert not Rates(make("constant", warmup_steps=1), BASE, RUN).steady
    assert not Rates(make("plateau"), BASE, RUN).steady


def test_planned_rates_have_no_state() -> None:
    source = Rates(make("cosine"), BASE, RUN)
    before = [source.at(step) for step in (1, 51, 140)]
    source.observe({"validation.loss": 1.0}, 140)
    source.restore(source.state())
    assert source.state() == {}
    assert [source.at(step) for step in (1, 51, 140)] == before


@pytest.mark.parametrize("name", ["cosine", "flat_cosine", "coslog", "linear", "polynomial", "one_cycle"])
def test_after_the_end_the_last_rate_stays(name: str) -> None:
    source = Rates(make(name), BASE, RUN)
    assert source.at(RUN.steps + 1) == source.at(RUN.steps + 1001) <= source.at(RUN.steps)


def schedules() -> st.SearchStrategy[Schedule]:
    share = st.floats(0, 1)
    positive = st.integers(1, 50)
    gamma = st.floats(0, 1, exclude_min=True)
    unit = st.sampled_from(["epoch", "step"])
    low = st.sampled_from([0.0, 1e-12, 1e-5])
    options: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "constant": {},
        "step": {"step_size": positive, "gamma": gamma, "unit": unit},
        "multistep": {
            "milestones": st.lists(positive, min_size=1, unique=True).map(sorted),
            "gamma": gamma,
            "unit": unit,
        },
        "exponential": {"gamma": gamma, "unit": unit},
        "cosine": {"t_0": positive, "t_mult": st.integers(1, 4), "unit": unit, "every": unit, "minimum": low},
        "flat_cosine": {"flat": st.floats(0, 0.99), "minimum": low},
        "coslog": {"cycles": st.integers(1, 20)},
        "linear": {
            "start_factor": st.floats(0.1, 1),
            "end_factor": share,
            "length": st.none() | positive,
            "every": unit,
        },
        "polynomial": {
            "power": st.floats(0.01, 20),
            "end": low,
            "length": st.none() | positive,
            "unit": unit,
        },
        "inverse_sqrt": {"timescale": st.none() | positive},
        "one_cycle": {
            "pct_start": st.floats(0, 0.5),
            "three_phase": st.booleans(),
            "anneal": st.sampled_from(["cosine", "linear"]),
            "div_factor": st.floats(1, 1e3),
            "final_div_factor": st.floats(1, 1e6),
        },
        "plateau": {
            "factor": st.floats(0, 1, exclude_min=True, exclude_max=True),
            "patience": st.integers(0, 3),
            "cooldown": st.integers(0, 3),
            "minimum": low,
        },
    }
    assert set(options) == set(SCHEDULES.kinds)
    warm = st.fixed_dictionaries({}, optional={"warmup_steps": st.integers(0, 60)}) | st.fixed_dictionaries(
        {"warmup_epochs": st.floats(0.5, 5), "warmup_from": st.floats(0, 1, exclude_max=True)}
    )
    kinds = [st.tuples(st.just(name), st.fixed_dictionaries(fields)) for name, fields in options.items()]
    return st.tuples(st.one_of(kinds), warm).map(lambda pair: make(pair[0][0], **pair[0][1], **pair[1]))


@settings(deadline=None)
@given(
    schedules(),
    st.builds(RunLength, st.integers(1, 30), st.integers(1, 12)),
    st.floats(1e-4, 1e6),
    st.lists(st.floats(allow_nan=True), max_size=10),
)
def test_rates_are_finite_and_not_negative(
    schedule: Schedule, run: RunLength, base: float, observed: list[float]
) -> None:
    source = Rates(schedule, base, run)
    highest = 0.0
    for step in range(run.steps + 3):
        rate = source.at(step + 1)
        assert isinstance(rate, float)
        assert math.isfinite(rate)
        assert rate >= 0
        highest = max(highest, rate)
        if step % run.steps_per_epoch == 0 and observed:
            source.observe({"validation.loss": observed[step % len(observed)]}, step + 1)
    assert highest <= base * (1 + 1e-12)


@settings(deadline=None)
@given(schedules(), st.builds(RunLength, st.integers(1, 30), st.integers(1, 12)))
def test_a_rate_depends_on_its_step_alone(schedule: Schedule, run: RunLength) -> None:
    source = Rates(schedule, BASE, run)
    steps = range(1, run.steps + 1)
    forwards = [source.at(step) for step in steps]
    assert [source.at(step) for step in reversed(steps)] == forwards[::-1]
