from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from specnet.training.rates import Rates
from tests.support.schedule_cases import BASE, PLATEAUS, RUN, make


@pytest.mark.parametrize("options", PLATEAUS)
@pytest.mark.parametrize("better", ["lower", "higher"])
def test_plateaus_are_pytorch_s(options: dict[str, Any], better: Any) -> None:
    torch = pytest.importorskip("torch")
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
    ours = Rates(schedule, BASE, RUN, better)
    assert schedule.watched is not None
    fell = 0
    for epoch, value in enumerate(observed):
        assert ours.at(epoch + 1) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        before = ours.at(epoch + 1)
        theirs.step(value)
        ours.observe({schedule.watched: value, "train.loss": 0.0}, epoch + 1)
        fell += ours.at(epoch + 1) < before
    assert fell >= 1


def test_a_plateau_resumes_from_its_state() -> None:
    schedule = make("plateau", patience=1, cooldown=1, factor=0.5, monitor="validation.accuracy")
    values = [0.1, 0.5, 0.4, 0.3, 0.2, 0.6, 0.1, 0.1, 0.1, 0.1, 0.1]
    whole = Rates(schedule, BASE, RUN, "higher")
    expected = []
    for epoch, value in enumerate(values):
        expected.append(whole.at(epoch + 1))
        whole.observe({"validation.accuracy": value}, epoch + 1)
    source = Rates(schedule, BASE, RUN, "higher")
    found = []
    for epoch, value in enumerate(values):
        resumed = Rates(schedule, BASE, RUN, "higher")
        resumed.restore(json.loads(json.dumps(source.state(), allow_nan=False)))
        source = resumed
        found.append(source.at(epoch + 1))
        source.observe({"validation.accuracy": value}, epoch + 1)
    assert found == expected
    assert len(set(expected)) > 2


def test_a_plateau_counts_only_validations_that_measured_its_value() -> None:
    source = Rates(make("plateau", patience=0), BASE, RUN)
    for _ in range(5):
        source.observe({"train.loss": 1.0}, 1)
    assert source.at(1) == BASE
    source.observe({"validation.loss": 1.0}, 1)
    source.observe({"validation.loss": 1.0}, 1)
    assert source.at(2) == pytest.approx(BASE / 10)


def test_a_plateau_counts_no_validation_in_the_warm_up() -> None:
    source = Rates(make("plateau", patience=0, warmup_steps=14, warmup_from=0.1), BASE, RUN)
    found = []
    for step in range(28):
        found.append(source.at(step + 1))
        if step % 7 == 6:
            source.observe({"validation.loss": float(step)}, step + 1)
    assert found[:14] == pytest.approx([BASE * (0.1 + 0.9 * step / 14) for step in range(14)])
    # The validation after the warm-up's last step is the first that counts, and the next is worse.
    assert found[14:21] == [BASE] * 7
    assert found[21:] == pytest.approx([BASE / 10] * 7)
