"""The fit verdict by its rules, on losses made up for each, and on noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from specnet.analysis.chance import chance_of_costing_more
from specnet.analysis.curves import jitter
from specnet.analysis.verdict import Baseline, BaselineScore, Costs, Evidence, Verdict, judge

BASELINE = Baseline(1.0, "the mean of the targets")


def history(train: Sequence[float], validation: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {"epoch": epoch, "train": {"loss": t}, "validation": {"loss": v}}
        for epoch, (t, v) in enumerate(zip(train, validation, strict=True), start=1)
    ]


def judged(
    train: Sequence[float],
    validation: Sequence[float],
    *,
    final: tuple[float, float] | None = None,
    rows: tuple[int, int] = (1000, 300),
    deviation: float = 0.3,
    chance: float = 1.0,
    best_epoch: int | None = None,
    accuracy: tuple[float, float] | None = None,
    constant: BaselineScore | None = None,
    figures: dict[str, float] | None = None,
) -> Verdict:
    t, v = final or (train[-1], validation[-1])
    splits: dict[str, dict[str, Any]] = {"train": {"loss": t}, "validation": {"loss": v}}
    if accuracy is not None:
        splits["train"]["accuracy"], splits["validation"]["accuracy"] = accuracy
    splits["validation"] |= figures or {}
    evidence = Evidence(Costs(rows[0], t, deviation), Costs(rows[1], v, deviation), chance, constant)
    return judge(history(train, validation), splits, BASELINE, evidence, best_epoch)


def settled(level: float, epochs: int = 60) -> list[float]:
    return [level + (1.0 - level) * math.exp(-epoch / 5) for epoch in range(epochs)]


def risen(lowest: float, epochs: int = 60, slope: float = 0.004) -> list[float]:
    return [level + slope * max(0, epoch - 20) for epoch, level in enumerate(settled(lowest, epochs))]


def test_no_validation_split() -> None:
    assert judge([], {"train": {"loss": 0.1}}, BASELINE) == Verdict("unknown", "no validation split")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_losses_that_are_not_finite(bad: float) -> None:
    found = judge([], {"train": {"loss": 0.1}, "validation": {"loss": bad}}, BASELINE)
    assert found == Verdict("unknown", "the losses are not finite")


@pytest.mark.parametrize("baseline", [None, Baseline(math.inf, "nothing")])
def test_no_baseline(baseline: Baseline | None) -> None:
    found = judge([], {"train": {"loss": 0.1}, "validation": {"loss": 0.1}}, baseline)
    assert found == Verdict("unknown", "no constant prediction to compare the losses with")


def test_good_where_the_gap_is_no_more_than_chance() -> None:
    found = judged(settled(0.2), settled(0.22), accuracy=(0.95, 0.94))
    assert found == Verdict(
        "good",
        "the validation loss, 0.22, is 0.02 (standard error 0.02) above the training loss, 0.2, no more than by "
        "chance; both are below 1 for always predicting the mean of the targets "
        "(accuracy 95.0% in training, 94.0% in validation)",
    )


def test_good_where_the_gap_is_real_and_small() -> None:
    found = judged(settled(0.2), settled(0.3))
    assert found.verdict == "good"
    assert found.why.endswith(
        "12% of what was learned is lost, measured from 1 for always predicting the mean of the targets"
    )


def test_overfit_by_the_gap() -> None:
    found = judged(settled(0.1), settled(0.4))
    assert found == Verdict(
        "overfit",
        "the validation loss, 0.4, is 0.3 (standard error 0.02) above the training loss, 0.1: 33% of what was "
        "learned is lost, measured from 1 for always predicting the mean of the targets",
    )


def test_overfit_by_a_gap_that_only_ranks_or_counts_tell_from_chance() -> None:
    few = {"rows": (40, 20), "deviation": 1.0}
    assert judged(settled(0.1), settled(0.4), **few).verdict == "unknown"
    assert judged(settled(0.1), settled(0.4), **few, chance=0.0019).verdict == "overfit"
    assert judged(settled(0.1), settled(0.4), **few, chance=0.0021).verdict == "unknown"


def test_more_lost_than_was_learned() -> None:
    found = judged(settled(0.1), [2.5] * 60)
    assert found.verdict == "overfit"
    assert "more than all of what was learned is lost" in found.why


def test_overfit_by_a_rise_after_the_lowest() -> None:
    found = judged(settled(0.05), risen(0.1), deviation=0.1)
    assert found.verdict == "overfit"
    assert found.why == (
        "the validation loss was lowest, 0.1165, at epoch 21 and has risen to 0.256 since, while the training "
        "loss fell on to 0.05001"
    )


def test_a_rise_that_the_best_parameters_undo_is_no_fault_of_theirs() -> None:
    best = min(risen(0.1))
    found = judged(settled(0.05), risen(0.1), final=(0.06, best), deviation=0.1, best_epoch=22)
    assert found.verdict == "good"
    assert found.why.startswith("the validation loss with the parameters of epoch 22, 0.1")


def test_a_rise_within_the_error_of_the_validation_loss_is_none() -> None:
    curve = risen(0.1, slope=0.002)
    assert judged(settled(0.05), curve, deviation=0.3).verdict == "overfit"
    assert judged(settled(0.05), curve, rows=(1000, 20), deviation=0.3).verdict == "good"


def test_a_rise_of_both_losses_is_no_overfit() -> None:
    assert judged(risen(0.1), risen(0.15), deviation=0.1).verdict == "good"


def test_unknown_where_the_rows_are_too_few() -> None:
    found = judged(settled(0.1), settled(0.5), rows=(24, 8), deviation=0.6)
    assert found == Verdict(
        "unknown",
        "the validation loss, 0.5, is 0.4 (standard error 0.24) above the training loss, 0.1, which 8 validation "
        "rows cannot distinguish from chance",
    )


def test_few_rows_need_a_clearer_gap() -> None:
    """At 3.3 standard errors a thousand rows are enough, and eight are not."""
    for rows, expected in ((1000, "overfit"), (8, "unknown")):
        gap = 3.3 * 0.3 * math.sqrt(2 / rows)
        found = judged(settled(0.1), settled(0.1 + gap), rows=(rows, rows), deviation=0.3)
        by_share = "good" if gap < 0.18 else expected
        assert found.verdict == by_share
    gap, deviation = 0.3, 0.3 / 3.3 / math.sqrt(2 / 8)
    assert judged(settled(0.1), settled(0.1 + gap), rows=(8, 8), deviation=deviation).verdict == "unknown"
    deviation = 0.3 / 3.3 / math.sqrt(2 / 1000)
    assert (
        judged(settled(0.1), settled(0.1 + gap), rows=(1000, 1000), deviation=deviation).verdict == "overfit"
    )


def test_without_evidence_a_large_gap_is_unknown_and_a_small_one_good() -> None:
    for validation, expected in ((0.5, "unknown"), (0.2, "good")):
        splits = {"train": {"loss": 0.1}, "validation": {"loss": validation}}
        assert judge(history(settled(0.1), settled(validation)), splits, BASELINE).verdict == expected


def test_unknown_where_a_constant_does_as_well_on_the_validation_rows() -> None:
    """The validation rows are easier than the training rows: below the baseline is not below the constant there."""
    ends = {"final": (0.5, 0.24)}
    found = judged(settled(0.5), settled(0.24), **ends, rows=(60, 30), constant=BaselineScore(0.2, 0.04))
    assert found == Verdict(
        "unknown",
        "the validation loss, 0.24, is no lower than 0.2 for always predicting the mean of the targets on the same "
        "rows; 30 validation rows cannot tell the difference, 0.04 (standard error 0.04), from chance",
    )
    found = judged(settled(0.5), settled(0.24), **ends, rows=(60, 1), constant=BaselineScore(0.2, math.inf))
    assert found.why.endswith("1 validation rows cannot tell the difference, 0.04, from chance")


def test_overfit_where_a_constant_does_better_on_the_validation_rows() -> None:
    found = judged(settled(0.5), settled(0.24), final=(0.5, 0.24), constant=BaselineScore(0.2, 0.01))
    assert found == Verdict(
        "overfit",
        "the validation loss, 0.24, is 0.04 (standard error 0.01) above 0.2 for always predicting the mean of the "
        "targets on the same rows, while the training loss, 0.5, is below 1 for it",
    )


def test_a_constant_must_be_better_by_more_errors_with_fewer_rows() -> None:
    """Student's quantile at 1 in 500 is 2.885 for 1000 rows, and 3.835 for ten (scipy.stats.t.ppf(0.998, ...))."""
    for errors, rows, verdict in (
        (2.8, 1000, "unknown"),
        (2.95, 1000, "overfit"),
        (3.7, 10, "unknown"),
        (4.0, 10, "overfit"),
    ):
        constant = BaselineScore(0.2, 0.04 / errors)
        ends = (0.5, 0.24)
        found = judged(settled(0.5), settled(0.24), final=ends, rows=(1000, rows), constant=constant)
        assert found.verdict == verdict, (errors, rows)


def test_next_to_nothing_learned_is_underfit_whatever_a_constant_does() -> None:
    assert judged([0.95], [0.96], constant=BaselineScore(0.5, 0.01)).verdict == "underfit"


def test_unknown_where_r2_is_not_above_0() -> None:
    """A constant that knew the validation rows would do as well: what R2 compares with."""
    better = BaselineScore(0.5, 0.01, own_mean=0.2)
    found = judged(settled(0.5), settled(0.24), constant=better)
    assert found == Verdict(
        "unknown",
        "R2 on the validation rows is -0.2: by squared errors the model is no better than the mean of their own "
        "targets",
    )
    for figures, verdict in (
        ({"r2": -0.01}, "unknown"),
        ({"r2": 0.01}, "good"),
        ({"r2": math.nan}, "good"),
        ({"image.r2": -3.0, "again.r2": 0.5}, "unknown"),
        ({"mae": -1.0}, "good"),
    ):
        assert judged(settled(0.5), settled(0.24), figures=figures).verdict == verdict, figures


def test_unknown_where_always_the_most_frequent_class_is_right_more_often() -> None:
    constant = BaselineScore(0.5, 0.01, accuracy=0.75)
    found = judged(settled(0.2), settled(0.24), accuracy=(0.8, 0.7), constant=constant)
    assert found == Verdict(
        "unknown",
        "the accuracy on the validation rows is 70.0%, and 75.0% for always the class that is most frequent in "
        "training (accuracy 80.0% in training, 70.0% in validation)",
    )
    assert judged(settled(0.2), settled(0.24), accuracy=(0.8, 0.75), constant=constant).verdict == "good"
    assert judged(settled(0.2), settled(0.24), constant=constant).verdict == "good"


def test_good_names_both_costs_of_the_constant_where_they_differ() -> None:
    found = judged(settled(0.2), settled(0.2), constant=BaselineScore(0.9, 0.01))
    assert found.why.endswith(
        "both are below 1 in training and 0.9 in validation for always predicting the mean of the targets"
    )
    found = judged(settled(0.2), settled(0.2), constant=BaselineScore(1.00001, 0.01))
    assert found.why.endswith("both are below 1 for always predicting the mean of the targets")


def test_underfit_where_next_to_nothing_was_learned() -> None:
    found = judged([1.0, 0.95, 0.95, 0.95, 0.95], [1.0, 0.96, 0.96, 0.96, 0.96], deviation=0.1)
    assert found == Verdict(
        "underfit",
        "the training loss, 0.95, is only 5.0% below 1 for always predicting the mean of the targets; the model "
        "or the training is too small, or the inputs say little about the targets",
    )


def test_underfit_where_nothing_was_learned() -> None:
    found = judged([1.3, 1.2, 1.1], [1.3, 1.2, 1.1])
    assert found.verdict == "underfit"
    assert found.why == (
        "the training loss, 1.1, is no lower than 1 for always predicting the mean of the targets; both losses "
        "are still falling: train longer"
    )


def test_underfit_where_both_losses_are_still_falling() -> None:
    line = [1.0 - 0.03 * epoch for epoch in range(20)]
    found = judged(line, line)
    assert found == Verdict(
        "underfit",
        "both losses are still falling: from epoch 15 to 20 the validation loss fell by 0.15, to 0.445; train longer",
    )


def test_what_has_settled_is_not_still_falling() -> None:
    """exp(-t/5) over 60 epochs falls in every one of them."""
    assert judged(settled(0.2), settled(0.2)).verdict == "good"


def test_a_training_loss_that_falls_on_alone_is_not_underfit() -> None:
    line = [1.0 - 0.03 * epoch for epoch in range(20)]
    flat = [0.5] * 20
    assert judged(line, flat, final=(0.43, 0.5)).verdict == "good"


def test_one_epoch_is_judged_by_its_losses_alone() -> None:
    assert judged([0.2], [0.21]).verdict == "good"
    assert judged([0.1], [0.6]).verdict == "overfit"
    assert judged([0.99], [0.99]).verdict == "underfit"


def test_units_are_taken_out() -> None:
    """A summed loss grows with the rows; the verdict does not."""
    train, validation = settled(0.05), risen(0.1)
    expected = judged(train, validation, deviation=0.1)
    evidence = Evidence(
        Costs(1000, train[-1], 0.1, unit=1000.0), Costs(300, validation[-1], 0.1, unit=300.0), 1.0
    )
    splits = {"train": {"loss": 1000 * train[-1]}, "validation": {"loss": 300 * validation[-1]}}
    summed = history([1000 * t for t in train], [300 * v for v in validation])
    found = judge(summed, splits, BASELINE, evidence)
    assert found.verdict == expected.verdict == "overfit"
    assert found.why == expected.why


def test_epochs_without_validation_are_skipped() -> None:
    rows = history(settled(0.05), risen(0.1))
    for row in rows:
        if row["epoch"] % 3:
            del row["validation"]
    splits = {"train": {"loss": 0.05}, "validation": {"loss": risen(0.1)[-1]}}
    evidence = Evidence(Costs(1000, 0.05, 0.1), Costs(300, risen(0.1)[-1], 0.1))
    found = judge(rows, splits, BASELINE, evidence)
    assert found.verdict == "overfit"
    assert "at epoch 21 " in found.why


# Noise


Draw = Callable[[np.random.Generator, int], Any]
SKEWS: dict[str, Draw] = {
    "even": lambda random, n: random.uniform(0.1, 0.5, n),
    "exponential": lambda random, n: random.exponential(0.3, n),
    "squares": lambda random, n: 0.3 * random.normal(size=n) ** 2,
    "lognormal": lambda random, n: random.lognormal(-3.0, 2.0, n),
    "a few wrong": lambda random, n: np.where(random.random(n) < 0.05, random.uniform(1, 8, n), 0.01),
}


def noisy(random: np.random.Generator, level: float, epochs: int, memory: float, size: float) -> list[float]:
    """Return a curve that settles at a level, with noise that each epoch partly inherits from the one before."""
    noise, curve = 0.0, []
    for smooth in settled(level, epochs):
        noise = memory * noise + size * math.sqrt(1 - memory**2) * random.normal()
        curve.append(max(smooth + noise, 0.0))
    return curve


@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("rows", [(24, 8), (120, 30), (1000, 200), (60, 60)])
def test_equal_curves_with_noise_are_not_called_overfit(skew: str, rows: tuple[int, int]) -> None:
    """Rows dealt to both splits by chance, losses that jump from epoch to epoch: at most 1 in 100 may be accused."""
    random = np.random.default_rng(sum(rows) + len(skew))
    accused, runs = 0, 200
    for _ in range(runs):
        costs = [SKEWS[skew](random, n) for n in rows]
        memory, size = random.choice([0.0, 0.6, 0.95]), random.choice([0.002, 0.02, 0.1])
        curves = [noisy(random, float(c.mean()), 40, memory, size) for c in costs]
        found = _judged_rows(costs, curves)
        accused += found.verdict == "overfit"
    assert accused <= runs // 100


def test_noise_about_a_small_gap_is_not_called_overfit() -> None:
    """A real gap of a tenth of what was learnt, and a validation loss that jumps by as much."""
    random = np.random.default_rng(1)
    accused = 0
    for _ in range(200):
        costs = [random.exponential(0.2, 2000), random.exponential(0.28, 2000)]
        memory = random.choice([0.0, 0.6])
        curves = [noisy(random, float(c.mean()), 80, memory, 0.05) for c in costs]
        accused += _judged_rows(costs, curves).verdict == "overfit"
    assert accused <= 2


def test_what_was_memorised_is_seen_in_few_rows() -> None:
    """No cost in training, and in validation a third of the rows dearly wrong."""
    random = np.random.default_rng(2)
    caught = 0
    for _ in range(200):
        wrong = random.random(60) < 0.33
        costs = [random.exponential(1e-3, 60), np.where(wrong, random.lognormal(1.5, 1.0, 60), 1e-3)]
        curves = [settled(float(c.mean()), 40) for c in costs]
        caught += _judged_rows(costs, curves).verdict == "overfit"
    assert caught >= 198


def _judged_rows(costs: list[Any], curves: list[list[float]]) -> Verdict:
    splits = {name: {"loss": float(c.mean())} for name, c in zip(("train", "validation"), costs, strict=True)}
    train, validation = (Costs(len(c), float(c.mean()), float(c.std(ddof=1))) for c in costs)
    chance = chance_of_costing_more(costs[1], costs[0], BASELINE.loss)
    return judge(history(*curves), splits, BASELINE, Evidence(train, validation, chance))


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_jitter_is_the_noise_s_own_whatever_the_course(slope: float) -> None:
    random = np.random.default_rng(4)
    curve = [slope * math.exp(-epoch / 50) + random.normal(0, 0.01) for epoch in range(4000)]
    assert jitter(curve) == pytest.approx(0.01, rel=0.05)


def test_chances_are_scipy_s() -> None:
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(6)
    for n, m, shift in ((8, 24, 0.0), (30, 120, 0.5), (50, 40, 1.0), (200, 300, 0.1)):
        a, b = random.exponential(1 + shift, n).round(2), random.exponential(1, m).round(2)
        ranks = stats.mannwhitneyu(a, b, alternative="greater", method="asymptotic").pvalue
        table = [[(a > 1.3).sum(), (a <= 1.3).sum()], [(b > 1.3).sum(), (b <= 1.3).sum()]]
        count = stats.fisher_exact(table, alternative="greater").pvalue
        assert chance_of_costing_more(a, b, 1.3) == pytest.approx(min(ranks, count), rel=1e-9)


def test_equal_costs_are_chance() -> None:
    assert chance_of_costing_more(np.ones(5), np.ones(9), 2.0) == 1.0
