"""The fit verdict: whether a run learnt too little, too much by heart, or well.

docs/fit-verdict.md gives the rules in words, and the reasons for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import Any, Literal

from specnet.runs.curves import Curves, fallen_lately, risen_since_its_lowest

LOST = 0.2
"""Overfit: the share of what was learnt on the training split that the validation split does not show."""

NOTICEABLE = 0.01
"""Overfit: the share of the baseline's loss that a rise of the validation loss must reach."""

LEARNT = 0.1
"""Underfit: the share of the baseline's loss that a training must have taken away."""

LATE = 0.05
"""Underfit: the share of what was learnt that the last quarter of the epochs still brought."""

RARE = 0.002
"""The probability below which chance is no explanation for a gap."""

DOUBT = 2.878
"""Standard errors that a difference must exceed: the normal quantile of RARE."""

RARE_BESIDE_A_RISE = 0.05
"""RARE where the validation loss has risen as well, and so speaks for itself."""

DOUBT_BESIDE_A_RISE = 1.645
"""DOUBT in that case."""


Word = Literal["good", "overfit", "underfit", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well a run fits, and the evidence for it in words."""

    verdict: Word
    why: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the best constant prediction costs on the training split."""

    loss: float
    """Its mean cost a row."""
    prediction: str
    """What it predicts, such as `the mean of the targets`."""
    accuracy: float | None = None
    """The share of rows that are of the most frequent class."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What the rows of one split cost under the final parameters: no dropout, no penalties."""

    rows: int
    mean: float
    deviation: float
    """The standard deviation between rows."""
    unit: float = 1.0
    """The split's loss, as results and curves give it, for a cost of 1 in every row."""

    @property
    def error(self) -> float:
        """The standard error of the mean; infinite for a single row, which says nothing of it."""
        return self.deviation / sqrt(self.rows) if self.rows > 1 else inf


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a run's final losses beyond their size."""

    train: Costs
    validation: Costs
    chance: float = 1.0
    """How likely chance alone makes single validation rows cost as much more than training rows as they do."""


def judge(
    history: Iterable[Mapping[str, Any]],
    splits: Mapping[str, Mapping[str, Any]],
    baseline: Baseline | None,
    evidence: Evidence | None = None,
    best_epoch: int | None = None,
) -> Verdict:
    """Return how well a run fits, by the rules of docs/fit-verdict.md.

    `history` is an entry an epoch, `{"epoch": 1, "train": {"loss": ...}, "validation": {"loss": ...}}`, the
    validation left out where it was not measured; `splits` is the losses and metrics of the final parameters.
    Without `evidence` of how costs vary from row to row, no gap between the splits can be told from chance.
    `best_epoch` is the epoch whose parameters were put back, if any.
    """
    if "validation" not in splits:
        return Verdict("unknown", "no validation split")
    if evidence is None:
        train, validation = (Costs(1, float(splits[name]["loss"]), 0.0) for name in ("train", "validation"))
        evidence = Evidence(train, validation)
    if not (isfinite(evidence.train.mean) and isfinite(evidence.validation.mean)):
        return Verdict("unknown", "the losses are not finite")
    if baseline is None or not isfinite(baseline.loss):
        return Verdict("unknown", "no constant prediction to compare the losses with")
    case = _Case(history, splits, baseline, evidence, best_epoch)
    return case.overfit() or case.underfit() or case.doubtful() or case.good()


class _Case:
    """One run before its judge; every loss in it is a mean cost a row."""

    def __init__(
        self,
        history: Iterable[Mapping[str, Any]],
        splits: Mapping[str, Mapping[str, Any]],
        baseline: Baseline,
        evidence: Evidence,
        best_epoch: int | None,
    ) -> None:
        self.splits, self.baseline, self.best_epoch = splits, baseline, best_epoch
        self.train, self.validation = evidence.train, evidence.validation
        self.curves = Curves.of(history, self.train.unit, self.validation.unit)
        self.final = float(splits["validation"]["loss"]) / self.validation.unit
        self.learnt = baseline.loss - self.train.mean
        self.gap = self.validation.mean - self.train.mean
        self.error = sqrt(self.train.error**2 + self.validation.error**2)
        self.chance = evidence.chance
        self.beyond_chance = self._exceeds(DOUBT, RARE)
        self.lost = self.gap / self.learnt if self.learnt > 0 else 0.0

    def _exceeds(self, doubt: float, rare: float) -> bool:
        """Say whether the gap is more than chance makes it, by its standard error or by the rows one by one."""
        needed = quantile(doubt, _freedom(self.train, self.validation)) * self.error
        return self.gap > 0 and (self.gap > needed or self.chance < rare)

    def overfit(self) -> Verdict | None:
        if self.learnt <= 0 or not self._exceeds(DOUBT_BESIDE_A_RISE, RARE_BESIDE_A_RISE):
            return None
        rise = risen_since_its_lowest(self.curves, self.final, self.validation.error, DOUBT)
        if rise is not None and rise.by >= NOTICEABLE * abs(self.baseline.loss):
            return self._say(
                "overfit",
                f"the validation loss was lowest, {rise.lowest:.4g}, at epoch {rise.epoch} and has risen to "
                f"{self.final:.4g} since, while the training loss fell on to {self.train.mean:.4g}",
            )
        if self.lost < LOST or not self.beyond_chance:
            return None
        return self._say("overfit", f"{self._gap_in_words()}: {self._loss_of_learning()}")

    def underfit(self) -> Verdict | None:
        fall = fallen_lately(self.curves, DOUBT)
        if self.learnt < LEARNT * abs(self.baseline.loss) or self.learnt <= 0:
            below = self.learnt / abs(self.baseline.loss) if self.baseline.loss else 0.0
            how = (
                f"only {below:.1%} below" if below >= 0.001 else "no lower than"
            )  # as far as one decimal shows
            cause = (
                "both losses are still falling: train longer"
                if fall is not None
                else "the model or the training is too small, or the inputs say little about the targets"
            )
            return self._say(
                "underfit", f"the training loss, {self.train.mean:.4g}, is {how} {self._constant()}; {cause}"
            )
        worth = LATE * (self.baseline.loss - self.validation.mean)
        if fall is None or worth <= 0 or min(fall.train, fall.validation) < worth:
            return None
        return self._say(
            "underfit",
            f"both losses are still falling: from epoch {fall.since} to {fall.until} the validation loss "
            f"fell by {fall.validation:.4g}, to {fall.level:.4g}; train longer",
        )

    def doubtful(self) -> Verdict | None:
        if self.lost < LOST or self.beyond_chance:
            return None
        if not isfinite(self.error):
            return self._say("unknown", f"{self._gap_in_words()}, and what chance does was not measured")
        rows = f"{self.validation.rows} validation rows"
        return self._say("unknown", f"{self._gap_in_words()}, which {rows} cannot tell from chance")

    def good(self) -> Verdict:
        if self.beyond_chance:
            return self._say("good", f"{self._gap_in_words()}: {self._loss_of_learning()}")
        chance = ", no more than by chance" if self.gap > 0 and isfinite(self.error) else ""
        return self._say("good", f"{self._gap_in_words()}{chance}; both are below {self._constant()}")

    def _gap_in_words(self) -> str:
        restored = "" if self.best_epoch is None else f" with the parameters of epoch {self.best_epoch}"
        error = f" (standard error {self.error:.2g})" if isfinite(self.error) else ""
        side = "above" if self.gap >= 0 else "below"
        return (
            f"the validation loss{restored}, {self.validation.mean:.4g}, is {abs(self.gap):.4g}{error} {side} "
            f"the training loss, {self.train.mean:.4g}"
        )

    def _loss_of_learning(self) -> str:
        lost = f"{self.lost:.0%}" if self.lost <= 1.0 else "more than all"
        return f"{lost} of what was learnt is lost, measured from {self._constant()}"

    def _constant(self) -> str:
        return f"{self.baseline.loss:.4g} for always predicting {self.baseline.prediction}"

    def _say(self, word: Word, why: str) -> Verdict:
        train, validation = (self.splits.get(name, {}).get("accuracy") for name in ("train", "validation"))
        if not isinstance(train, float) or not isinstance(validation, float):
            return Verdict(word, why)
        always = self.baseline.accuracy
        most = "" if always is None else f", {always:.1%} for always the most frequent class"
        return Verdict(
            word, f"{why} (accuracy {train:.1%} in training, {validation:.1%} in validation{most})"
        )


def quantile(normal: float, freedom: float) -> float:
    """Return Student's quantile for a normal one: its expansion in 1 / freedom, to the second order.

    Abramowitz and Stegun (1964), 26.7.5.
    """
    freedom = max(freedom, 1.0)
    first = (normal**3 + normal) / 4.0
    second = (5.0 * normal**5 + 16.0 * normal**3 + 3.0 * normal) / 96.0
    return normal + first / freedom + second / freedom**2


def _freedom(a: Costs, b: Costs) -> float:
    """Return the degrees of freedom of the difference of two means (Welch, 1947)."""
    if a.rows < 2 or b.rows < 2:
        return 1.0
    x, y = a.error**2, b.error**2
    return (x + y) ** 2 / (x**2 / (a.rows - 1) + y**2 / (b.rows - 1)) if x + y else inf
