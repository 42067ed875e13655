"""The fit verdict: whether a run underfits, overfits, or fits well.

docs/fit-verdict.md gives the rules in words, and the reasons for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite, sqrt
from typing import Any, Literal

from specnet.analysis.chance import freedom_of_difference, quantile
from specnet.analysis.curves import Curves, fallen_lately, place_of, risen_since_its_lowest

LOST = 0.2
"""Overfit: the share of what was learnt on the training split that the validation split does not show."""

NOTICEABLE = 0.01
"""Overfit: the share of the baseline's loss that a rise of the validation loss must reach."""

LEARNT = 0.1
"""Underfit: the share of the baseline's loss that a training must have taken away."""

LATE = 0.05
"""Underfit: the share of what was learnt that the last quarter of the epochs still added."""

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
    """`good`, `overfit`, `underfit` or `unknown`."""
    why: str
    """The evidence, in a sentence."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the best constant prediction costs on the training split."""

    loss: float
    """Its mean cost a row."""
    prediction: str
    """What it predicts, such as `the mean of the targets`."""
    accuracy: float | None = None
    """The share of rows that are of the most frequent class."""
    constants: Any = field(default=None, compare=False, repr=False)
    """The prediction as the loss of each output takes it: arrays by the outputs' names."""


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
class BaselineScore:
    """What the baseline's prediction, which the training rows chose, comes to on the validation rows."""

    loss: float
    """Its mean cost a row."""
    error: float
    """The standard error of the mean difference between the model's costs and its own, row by row."""
    own_mean: float | None = None
    """What the mean of the validation rows' own targets costs on them, where the loss is the squared error: R2 is
    1 less the ratio of the model's loss to it."""
    accuracy: float | None = None
    """The share of validation rows of the class that is most frequent in training, where all classes count alike."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a run's final losses beyond their size."""

    train: Costs
    validation: Costs
    chance: float = 1.0
    """How likely chance alone makes single validation rows cost as much more than training rows as they do."""
    constant: BaselineScore | None = None
    """What a constant prediction comes to on the validation rows."""


def judge(
    history: Iterable[Mapping[str, Any]],
    splits: Mapping[str, Mapping[str, Any]],
    baseline: Baseline | None,
    evidence: Evidence | None = None,
    best_epoch: float | None = None,
) -> Verdict:
    """Return how well a run fits, by the rules of docs/fit-verdict.md.

    `history` is an entry an epoch, `{"epoch": 1, "train": {"loss": ...}, "validation": {"loss": ...}}`, the
    validation left out where it was not measured; `splits` is the losses and metrics of the final parameters.
    Without `evidence` of how costs vary from row to row, no gap between the splits can be distinguished from chance.
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
    return case.overfit() or case.underfit() or case.no_better() or case.doubtful() or case.good()


class _Case:
    """One run before its judge; every loss in it is a mean cost a row."""

    def __init__(
        self,
        history: Iterable[Mapping[str, Any]],
        splits: Mapping[str, Mapping[str, Any]],
        baseline: Baseline,
        evidence: Evidence,
        best_epoch: float | None,
    ) -> None:
        history = list(history)
        self.splits, self.baseline, self.best = splits, baseline, place_of(history, best_epoch)
        self.train, self.validation = evidence.train, evidence.validation
        self.curves = Curves.of(history, self.train.unit, self.validation.unit)
        self.final = float(splits["validation"]["loss"]) / self.validation.unit
        self.learnt = baseline.loss - self.train.mean
        self.gap = self.validation.mean - self.train.mean
        self.error = sqrt(self.train.error**2 + self.validation.error**2)
        self.chance, self.constant = evidence.chance, evidence.constant
        self.beyond_chance = self._exceeds(DOUBT, RARE)
        self.lost = self.gap / self.learnt if self.learnt > 0 else 0.0

    def _exceeds(self, doubt: float, rare: float) -> bool:
        """Say whether the gap is more than chance makes it, by its standard error or by the rows one by one."""
        a, b = self.train, self.validation
        needed = quantile(doubt, freedom_of_difference(a.error, a.rows, b.error, b.rows)) * self.error
        return self.gap > 0 and (self.gap > needed or self.chance < rare)

    def overfit(self) -> Verdict | None:
        if self.learnt <= 0 or not self._exceeds(DOUBT_BESIDE_A_RISE, RARE_BESIDE_A_RISE):
            return None
        rise = risen_since_its_lowest(self.curves, self.final, self.validation.error, DOUBT)
        if rise is not None and rise.by >= NOTICEABLE * abs(self.baseline.loss):
            return self._say(
                "overfit",
                f"the validation loss was lowest, {rise.lowest:.4g}, at {self.curves.unit} {rise.place} and has risen "
                f"to {self.final:.4g} since, while the training loss fell on to {self.train.mean:.4g}",
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
            f"both losses are still falling: from {self.curves.unit} {fall.since} to {fall.until} the validation loss "
            f"fell by {fall.validation:.4g}, to {fall.level:.4g}; train longer",
        )

    def no_better(self) -> Verdict | None:
        """Judge a model that has learnt something, where the validation rows show it no better than a constant."""
        constant, loss = self.constant, self.validation.mean
        figures = self.splits["validation"]
        if constant is not None and loss >= constant.loss:
            return self._no_better_loss(constant)
        r2 = min(
            (figure for name, figure in figures.items() if _is_r2(name) and isfinite(figure)), default=inf
        )
        if constant is not None and constant.own_mean is not None and loss >= constant.own_mean > 0:
            r2 = min(r2, 1.0 - loss / constant.own_mean)
        if r2 <= 0:
            return self._say(
                "unknown",
                f"R2 on the validation rows is {r2:.3g}: by squared errors the model is no better than the mean of "
                "their own targets",
            )
        accuracy, always = figures.get("accuracy"), None if constant is None else constant.accuracy
        if isinstance(accuracy, float) and always is not None and accuracy < always:
            return self._say(
                "unknown",
                f"the accuracy on the validation rows is {accuracy:.1%}, and {always:.1%} for always the class "
                "that is most frequent in training",
            )
        return None

    def _no_better_loss(self, constant: BaselineScore) -> Verdict:
        excess, rows = self.validation.mean - constant.loss, self.validation.rows
        error = f" (standard error {constant.error:.2g})" if isfinite(constant.error) else ""
        there = f"{constant.loss:.4g} for always predicting {self.baseline.prediction} on the same rows"
        if excess > quantile(DOUBT, rows - 1) * constant.error:
            return self._say(
                "overfit",
                f"the validation loss, {self.validation.mean:.4g}, is {excess:.4g}{error} above {there}, while the "
                f"training loss, {self.train.mean:.4g}, is below {self.baseline.loss:.4g} for it",
            )
        return self._say(
            "unknown",
            f"the validation loss, {self.validation.mean:.4g}, is no lower than {there}; {rows} validation rows "
            f"cannot tell the difference, {excess:.4g}{error}, from chance",
        )

    def doubtful(self) -> Verdict | None:
        if self.lost < LOST or self.beyond_chance:
            return None
        if not isfinite(self.error):
            return self._say("unknown", f"{self._gap_in_words()}, and its significance was not measured")
        rows = f"{self.validation.rows} validation rows"
        return self._say("unknown", f"{self._gap_in_words()}, which {rows} cannot distinguish from chance")

    def good(self) -> Verdict:
        if self.beyond_chance:
            return self._say("good", f"{self._gap_in_words()}: {self._loss_of_learning()}")
        chance = ", no more than by chance" if self.gap > 0 and isfinite(self.error) else ""
        on_training = f"{self.baseline.loss:.4g}"
        on_validation = on_training if self.constant is None else f"{self.constant.loss:.4g}"
        both = on_training
        if on_validation != on_training:
            both = f"{on_training} in training and {on_validation} in validation"
        return self._say(
            "good",
            f"{self._gap_in_words()}{chance}; both are below {both} for always predicting {self.baseline.prediction}",
        )

    def _gap_in_words(self) -> str:
        restored = "" if self.best is None else " with the parameters of {} {}".format(*self.best)
        error = f" (standard error {self.error:.2g})" if isfinite(self.error) else ""
        side = "above" if self.gap >= 0 else "below"
        return (
            f"the validation loss{restored}, {self.validation.mean:.4g}, is {abs(self.gap):.4g}{error} {side} "
            f"the training loss, {self.train.mean:.4g}"
        )

    def _loss_of_learning(self) -> str:
        lost = f"{self.lost:.0%}" if self.lost <= 1.0 else "more than all"
        return f"{lost} of what was learned is lost, measured from {self._constant()}"

    def _constant(self) -> str:
        return f"{self.baseline.loss:.4g} for always predicting {self.baseline.prediction}"

    def _say(self, word: Word, why: str) -> Verdict:
        train, validation = (self.splits.get(name, {}).get("accuracy") for name in ("train", "validation"))
        if not isinstance(train, float) or not isinstance(validation, float):
            return Verdict(word, why)
        always = self.baseline.accuracy
        maximum = "" if always is None else f", {always:.1%} for always predicting the most frequent class"
        return Verdict(
            word, f"{why} (accuracy {train:.1%} in training, {validation:.1%} in validation{maximum})"
        )


def _is_r2(name: str) -> bool:
    """Return whether a figure is R2, of the only output or of one of several."""
    return name == "r2" or name.endswith(".r2")
