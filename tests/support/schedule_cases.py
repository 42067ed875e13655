"""What the tests of schedules share: each kind with its options, and whose rates they must be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import TypeAdapter

from specnet.training.rates import Rates
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
    # As pytabkit 1.8 has them, whose time goes from 0 to 1.
    (
        "flat_cosine",
        {},
        lambda s: 1.0 if s < 70 else 0.5 * (1 + math.cos(math.pi * (s / 70 - 1))),
    ),
    (
        "flat_cosine",
        {"flat": 0.25, "minimum": 0.03, "warmup_steps": 20},
        lambda s: s / 20 if s < 20 else 0.1 + 0.45 * (1 + math.cos(math.pi * max(0, (s - 50) / 90))),
    ),
    ("coslog", {}, lambda s: 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * s / 140)))),
    (
        "coslog",
        {"warmup_steps": 40},
        lambda s: min(s / 40, 1) * 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * max(s, 40) / 140))),
    ),
    ("coslog", {"cycles": 2}, lambda s: 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 3 * s / 140)))),
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
    source = Rates(schedule, base, run)
    return [source.at(step + 1) for step in range(run.steps)]


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
