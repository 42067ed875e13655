from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from specnet.diagnostics import SpecError
from specnet.vocabulary.schedules import SCHEDULES, RunLength, Schedule

RUN = RunLength(epochs=20, steps_per_epoch=7)
BASE = 0.3

# Each kind with its options, and the PyTorch scheduler that gives the same rates: (kind, options, its class,
# its options, whether it is stepped once an epoch or once a step).
ORACLES: list[tuple[str, dict[str, Any], str, dict[str, Any], str]] = [
    ("constant", {}, "ConstantLR", {"factor": 1.0}, "step"),
    ("step", {"step_size": 6}, "StepLR", {"step_size": 6}, "epoch"),
    (
        "step",
        {"step_size": 9, "gamma": 0.7, "unit": "step"},
        "StepLR",
        {"step_size": 9, "gamma": 0.7},
        "step",
    ),
    ("multistep", {"milestones": [3, 4, 17]}, "MultiStepLR", {"milestones": [3, 4, 17]}, "epoch"),
    (
        "multistep",
        {"milestones": [1, 50], "gamma": 0.5, "unit": "step"},
        "MultiStepLR",
        {"milestones": [1, 50], "gamma": 0.5},
        "step",
    ),
    ("exponential", {"gamma": 0.8}, "ExponentialLR", {"gamma": 0.8}, "epoch"),
    ("exponential", {"gamma": 0.97, "unit": "step"}, "ExponentialLR", {"gamma": 0.97}, "step"),
    ("cosine", {}, "CosineAnnealingLR", {"T_max": RUN.steps}, "step"),
    (
        "cosine",
        {"every": "epoch", "minimum": 0.01},
        "CosineAnnealingLR",
        {"T_max": RUN.epochs, "eta_min": 0.01},
        "epoch",
    ),
    (
        "cosine",
        {"t_0": 3, "every": "epoch", "minimum": 0.02},
        "CosineAnnealingWarmRestarts",
        {"T_0": 3, "eta_min": 0.02},
        "epoch",
    ),
    (
        "cosine",
        {"t_0": 5, "t_mult": 3, "unit": "step"},
        "CosineAnnealingWarmRestarts",
        {"T_0": 5, "T_mult": 3},
        "step",
    ),
    ("cosine", {"t_0": 2, "t_mult": 2}, "CosineAnnealingWarmRestarts", {"T_0": 14, "T_mult": 2}, "step"),
    (
        "linear",
        {"start_factor": 0.25, "end_factor": 1.0, "length": 5, "every": "epoch"},
        "LinearLR",
        {"start_factor": 0.25, "end_factor": 1.0, "total_iters": 5},
        "epoch",
    ),
    (
        "linear",
        {"end_factor": 0.1, "length": 40, "unit": "step"},
        "LinearLR",
        {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 40},
        "step",
    ),
    (
        "polynomial",
        {"power": 2.5, "length": 30, "unit": "step"},
        "PolynomialLR",
        {"power": 2.5, "total_iters": 30},
        "step",
    ),
    ("polynomial", {"every": "epoch"}, "PolynomialLR", {"power": 1.0, "total_iters": RUN.epochs}, "epoch"),
    ("one_cycle", {}, "OneCycleLR", {}, "step"),
    (
        "one_cycle",
        {"anneal": "linear", "pct_start": 0.45, "div_factor": 7, "final_div_factor": 30, "three_phase": True},
        "OneCycleLR",
        {
            "anneal_strategy": "linear",
            "pct_start": 0.45,
            "div_factor": 7.0,
            "final_div_factor": 30.0,
            "three_phase": True,
        },
        "step",
    ),
    ("one_cycle", {"three_phase": True}, "OneCycleLR", {"three_phase": True}, "step"),
    ("one_cycle", {"pct_start": 1.0}, "OneCycleLR", {"pct_start": 1.0}, "step"),
]

# What PyTorch has no class for is held against Hugging Face's and Keras's formulas, written out:
# rate of step s as a share of BASE.
FORMULAS: list[tuple[str, dict[str, Any], Callable[[int], float]]] = [
    ("inverse_sqrt", {}, lambda s: math.sqrt(10_000 / (s + 10_000))),
    ("inverse_sqrt", {"timescale": 25}, lambda s: math.sqrt(25 / (s + 25))),
    (
        "inverse_sqrt",
        {"warmup_steps": 30},
        lambda s: min((s + 0.0) ** -0.5, s * 30**-1.5) * 30**0.5 if s else 0.0,
    ),
    (
        "inverse_sqrt",
        {"warmup_steps": 30, "timescale": 50},
        lambda s: s / 30 if s < 30 else 1 / math.sqrt((s + 20) / 50),
    ),
    ("polynomial", {"power": 2, "end": 0.03}, lambda s: 0.9 * (1 - s / 140) ** 2 + 0.1),
    ("constant", {"warmup_steps": 10}, lambda s: min(s / 10, 1.0)),
    ("constant", {"warmup_epochs": 1.5}, lambda s: min(s / 10, 1.0)),  # 10.5 steps
    ("constant", {"warmup_epochs": 2, "warmup_from": 0.25}, lambda s: min(0.25 + 0.75 * s / 14, 1.0)),
    (
        "cosine",
        {"warmup_epochs": 5},
        lambda s: s / 35 if s < 35 else max(0.0, 0.5 * (1 + math.cos(math.pi * (s - 35) / (140 - 35)))),
    ),
    ("linear", {"warmup_steps": 20}, lambda s: s / 20 if s < 20 else (140 - s) / 120),
    (
        "polynomial",
        {"warmup_steps": 20, "power": 2, "end": 3e-8},
        lambda s: s / 20 if s < 20 else (1 - 1e-7) * (1 - (s - 20) / 120) ** 2 + 1e-7,
    ),
    # Goyal et al.: the milestones stay where they are.
    (
        "multistep",
        {"warmup_epochs": 5, "milestones": [10, 15]},
        lambda s: s / 35 if s < 35 else 0.1 ** ((s >= 70) + (s >= 105)),
    ),
    ("step", {"warmup_epochs": 2, "step_size": 8}, lambda s: s / 14 if s < 14 else 0.1 ** (s // 56)),
    # The warm-up leads to where the fall has got by then, without a jump.
    (
        "exponential",
        {"warmup_epochs": 2, "gamma": 0.9},
        lambda s: 0.81 * s / 14 if s < 14 else 0.9 ** (s // 7),
    ),
]


def make(name: str, **options: Any) -> Schedule:
    return TypeAdapter(Annotated[Schedule, SCHEDULES]).validate_python({"type": name, **options})


def rates(schedule: Schedule, run: RunLength = RUN, base: float = BASE) -> list[float]:
    source = schedule.start(base, run)
    return [source.rate(step) for step in range(run.steps)]


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
    assert not schedule.start(BASE, RUN).constant


def test_constant_says_that_it_is() -> None:
    assert make("constant").start(BASE, RUN).constant
    assert not make("constant", warmup_steps=1).start(BASE, RUN).constant
    assert not make("plateau").start(BASE, RUN).constant


def test_planned_rates_have_no_state() -> None:
    source = make("cosine").start(BASE, RUN)
    before = [source.rate(step) for step in (0, 50, 139)]
    source.observe({"validation.loss": 1.0})
    source.restore(source.state())
    assert source.state() == {}
    assert [source.rate(step) for step in (0, 50, 139)] == before


@pytest.mark.parametrize("name", ["cosine", "linear", "polynomial", "one_cycle"])
def test_after_the_end_the_last_rate_stays(name: str) -> None:
    source = make(name).start(BASE, RUN)
    assert source.rate(RUN.steps) == source.rate(RUN.steps + 1000) <= source.rate(RUN.steps - 1)


PLATEAUS: list[dict[str, Any]] = [
    {},
    {"patience": 0},
    {"patience": 3, "factor": 0.5},
    {"patience": 2, "cooldown": 4, "factor": 0.3},
    {"patience": 1, "minimum": 0.05, "factor": 0.5},
    {"patience": 2, "threshold": 0.2},
    {"patience": 2, "threshold": 0.1, "threshold_mode": "absolute"},
    {"patience": 2, "monitor": "validation.accuracy", "threshold": 0.05},
]


@pytest.mark.parametrize("options", PLATEAUS)
@pytest.mark.parametrize("better", ["lower", "higher"])
def test_plateaus_are_pytorch_s(options: dict[str, Any], better: Any) -> None:
    torch = pytest.importorskip("torch")
    import numpy as np

    random = np.random.default_rng(3)
    curve = np.concatenate([1 / np.arange(1, 25), np.full(25, 0.05)]) * np.exp(random.normal(0, 0.3, 49))
    observed = [*(curve if better == "lower" else 1 - curve).tolist(), math.nan, math.nan]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE)
    renamed = {
        {"minimum": "min_lr"}.get(key, key): {"absolute": "abs"}.get(value, value)
        for key, value in options.items()
        if key != "monitor"
    }
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="min" if better == "lower" else "max", eps=0.0, **renamed
    )
    schedule = make("plateau", **options)
    ours = schedule.start(BASE, RUN, better)
    assert schedule.watched is not None
    fell = 0
    for epoch, value in enumerate(observed):
        assert ours.rate(epoch) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        before = ours.rate(epoch)
        theirs.step(value)
        ours.observe({schedule.watched: value, "train.loss": 0.0})
        fell += ours.rate(epoch) < before
    assert fell >= 1


def test_a_plateau_goes_on_from_its_state() -> None:
    schedule = make("plateau", patience=1, cooldown=1, factor=0.5, monitor="validation.accuracy")
    values = [0.1, 0.5, 0.4, 0.3, 0.2, 0.6, 0.1, 0.1, 0.1, 0.1, 0.1]
    whole = schedule.start(BASE, RUN, "higher")
    expected = []
    for epoch, value in enumerate(values):
        expected.append(whole.rate(epoch))
        whole.observe({"validation.accuracy": value})
    source = schedule.start(BASE, RUN, "higher")
    found = []
    for epoch, value in enumerate(values):
        resumed = schedule.start(BASE, RUN, "higher")
        resumed.restore(json.loads(json.dumps(source.state(), allow_nan=False)))
        source = resumed
        found.append(source.rate(epoch))
        source.observe({"validation.accuracy": value})
    assert found == expected
    assert len(set(expected)) > 2


def test_a_plateau_counts_only_validations_that_measured_its_value() -> None:
    source = make("plateau", patience=0).start(BASE, RUN)
    for _ in range(5):
        source.observe({"train.loss": 1.0})
    assert source.rate(0) == BASE
    source.observe({"validation.loss": 1.0})
    source.observe({"validation.loss": 1.0})
    assert source.rate(1) == pytest.approx(BASE / 10)


def test_a_plateau_counts_no_validation_in_the_warm_up() -> None:
    source = make("plateau", patience=0, warmup_steps=14, warmup_from=0.1).start(BASE, RUN)
    found = []
    for step in range(28):
        found.append(source.rate(step))
        if step % 7 == 6:
            source.observe({"validation.loss": float(step)})
    assert found[:14] == pytest.approx([BASE * (0.1 + 0.9 * step / 14) for step in range(14)])
    # The validation after the warm-up's last step is the first that counts, and the next is worse.
    assert found[14:21] == [BASE] * 7
    assert found[21:] == pytest.approx([BASE / 10] * 7)


@pytest.mark.parametrize(
    ("name", "options", "path", "message"),
    [
        (
            "constant",
            {"warmup_steps": 1, "warmup_epochs": 1},
            ("warmup_epochs",),
            "a warm-up is given in steps",
        ),
        ("cosine", {"warmup_from": 0.1}, ("warmup_from",), "warmup_from needs a warm-up"),
        ("cosine", {"t_mult": 2}, ("t_mult",), "t_mult needs t_0"),
        ("multistep", {"milestones": [3, 5, 5]}, ("milestones", 2), "milestones rise, and 5 comes after 5"),
        ("linear", {"start_factor": 0, "end_factor": 0}, ("start_factor",), "both factors are 0"),
        ("one_cycle", {"three_phase": True, "pct_start": 0.6}, ("pct_start",), "with three phases"),
    ],
)
def test_options_that_contradict_are_refused(
    name: str, options: dict[str, Any], path: tuple[str | int, ...], message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        make(name, **options)
    (error,) = caught.value.errors()
    assert error["msg"].startswith(message)
    assert error["ctx"]["path"] == path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("step", {"step_size": 0}),
        ("step", {"step_size": 1.5}),
        ("multistep", {"milestones": []}),
        ("exponential", {"gamma": 1.1}),
        ("exponential", {"gamma": 0}),
        ("linear", {"end_factor": 1.5}),
        ("polynomial", {"power": 0}),
        ("polynomial", {"end": -1}),
        ("cosine", {"minimum": -0.1}),
        ("one_cycle", {"div_factor": 0.5}),
        ("plateau", {"factor": 1}),
        ("plateau", {"patience": -1}),
        ("constant", {"warmup_from": 1}),
        ("constant", {"warmup_steps": -1}),
        ("inverse_sqrt", {"timescale": 0}),
        ("cosine", {"unit": "batch"}),
    ],
)
def test_values_out_of_range_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        make(name, **options)
    assert [error["loc"][0] for error in caught.value.errors()] == list(options)


@pytest.mark.parametrize(
    ("name", "options", "path"),
    [
        ("cosine", {"minimum": 0.4}, ("training", "schedule", "minimum")),
        ("plateau", {"minimum": 0.4}, ("training", "schedule", "minimum")),
        ("polynomial", {"end": 0.4}, ("training", "schedule", "end")),
    ],
)
def test_a_rate_cannot_fall_to_what_is_above_it(
    name: str, options: dict[str, Any], path: tuple[str, ...]
) -> None:
    with pytest.raises(SpecError) as caught:
        make(name, **options).start(BASE, RUN)
    (finding,) = caught.value.diagnostics
    assert (finding.code, finding.path, finding.help) == ("SN621", path, "at most 0.3")
    assert finding.message == f"{path[-1]} is 0.4, above the learning rate 0.3 that it is to fall from"


@pytest.mark.parametrize("run", [RunLength(0, 5), RunLength(5, 0)])
def test_a_training_without_steps_is_an_error(run: RunLength) -> None:
    with pytest.raises(SpecError, match="the training has no steps"):
        make("constant").start(BASE, run)


def test_a_warm_up_longer_than_the_training_is_warned_of_and_goes_part_of_its_way() -> None:
    schedule = make("cosine", warmup_steps=280)
    (finding,) = schedule.findings(BASE, RUN)
    assert (finding.code, finding.severity) == ("SN720", "warning")
    assert finding.path == ("training", "schedule", "warmup_steps")
    assert rates(schedule) == pytest.approx([BASE * step / 280 for step in range(140)])


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


@given(
    schedules(),
    st.builds(RunLength, st.integers(1, 30), st.integers(1, 12)),
    st.floats(1e-4, 1e6),
    st.lists(st.floats(allow_nan=True), max_size=10),
)
def test_rates_are_finite_and_not_negative(
    schedule: Schedule, run: RunLength, base: float, observed: list[float]
) -> None:
    source = schedule.start(base, run)
    highest = 0.0
    for step in range(run.steps + 3):
        rate = source.rate(step)
        assert isinstance(rate, float)
        assert math.isfinite(rate)
        assert rate >= 0
        highest = max(highest, rate)
        if step % run.steps_per_epoch == 0 and observed:
            source.observe({"validation.loss": observed[step % len(observed)]})
    assert highest <= base * (1 + 1e-12)


@given(schedules(), st.builds(RunLength, st.integers(1, 30), st.integers(1, 12)))
def test_a_rate_depends_on_its_step_alone(schedule: Schedule, run: RunLength) -> None:
    source = schedule.start(BASE, run)
    forwards = [source.rate(step) for step in range(run.steps)]
    assert [source.rate(step) for step in reversed(range(run.steps))] == forwards[::-1]
