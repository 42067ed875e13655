from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from specnet.diagnostics import SpecError
from specnet.training.rates import Rates
from specnet.vocabulary.schedules import RunLength
from tests.support.schedule_cases import BASE, RUN, make, rates


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
        Rates(make(name, **options), BASE, RUN)
    (finding,) = caught.value.diagnostics
    assert (finding.code, finding.path, finding.help) == ("SN621", path, "at most 0.3")
    assert finding.message == f"{path[-1]} is 0.4, above the learning rate 0.3 that it decays from"


@pytest.mark.parametrize("run", [RunLength(0, 5), RunLength(5, 0)])
def test_a_training_without_steps_is_an_error(run: RunLength) -> None:
    with pytest.raises(SpecError, match="the training has no steps"):
        Rates(make("constant"), BASE, run)


def test_a_warm_up_longer_than_the_training_is_warned_of_and_goes_part_of_its_way() -> None:
    schedule = make("cosine", warmup_steps=280)
    (finding,) = schedule.findings(BASE, RUN)
    assert (finding.code, finding.severity) == ("SN720", "warning")
    assert finding.path == ("training", "schedule", "warmup_steps")
    assert rates(schedule) == pytest.approx([BASE * step / 280 for step in range(140)])
