"""What the shape of loss curves shows, beyond the noise that they have from epoch to epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log, sqrt
from statistics import fmean, median
from typing import Any, Literal

Unit = Literal["epoch", "step"]


def unit_of(history: Iterable[Mapping[str, Any]]) -> Unit:
    """Return what the entries of a run's history are counted in.

    It is steps where `epoch` is a float, which it is in trainings whose length is given in steps.
    """
    return "step" if any(isinstance(row["epoch"], float) for row in history) else "epoch"


def place_of(history: Sequence[Mapping[str, Any]], epoch: float | None) -> tuple[Unit, int] | None:
    """Return the unit of a run's history and where in it an epoch ended, such as `("step", 250)`; None for None."""
    if epoch is None:
        return None
    unit = unit_of(history)
    return next(((unit, int(row[unit])) for row in history if row["epoch"] == epoch), (unit, int(epoch)))


@dataclass(frozen=True, slots=True)
class Curves:
    """Both losses, as mean costs a row, at the epochs (or steps) at which both were measured."""

    unit: Unit
    places: tuple[int, ...]
    train: tuple[float, ...]
    validation: tuple[float, ...]

    @staticmethod
    def of(history: Iterable[Mapping[str, Any]], train_unit: float, validation_unit: float) -> Curves:
        """Read a run's history; entries without a finite loss of both splits are left out."""
        history = list(history)
        unit = unit_of(history)
        points = [
            (int(row[unit]), float(row["train"]["loss"]) / train_unit, float(row["validation"]["loss"]))
            for row in history
            if row.get("validation") is not None
        ]
        finite = [(place, t, v / validation_unit) for place, t, v in points if isfinite(t) and isfinite(v)]
        places = tuple(p[0] for p in finite)
        return Curves(unit, places, tuple(p[1] for p in finite), tuple(p[2] for p in finite))

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True)
class Rise:
    """A validation loss that was lower before: how far it has come since, when it was lowest, and its value then."""

    by: float
    place: int
    lowest: float


@dataclass(frozen=True, slots=True)
class Fall:
    """What both losses lost over the last quarter of a training."""

    train: float
    validation: float
    since: int
    until: int
    level: float


def risen_since_its_lowest(curves: Curves, final: float, minimum: float, doubt: float) -> Rise | None:
    """Return how far the validation loss has risen from its lowest, while the training loss fell on.

    Both levels are means over a tenth of the curve. `final` is the loss of the final parameters, which is low
    where the best were put back. A rise counts if it exceeds `least`, a tenth of the lowest level, and what
    the lowest of so many levels is below the others by chance alone (`doubt` standard errors and the expected
    extreme of as many normal deviates).
    """
    points = len(curves)
    if points < 5:
        return None
    width = max(1, points // 10)
    levels = _moving_means(curves.validation, width)
    at = min(range(len(levels)), key=levels.__getitem__)
    rise = min(levels[-1], final) - levels[at]
    by_chance = (doubt + sqrt(2.0 * log(points))) * jitter(curves.validation) * sqrt(2.0 / width)
    falling = _moving_means(curves.train, width)
    if rise <= max(minimum, 0.1 * abs(levels[at]), by_chance) or falling[-1] >= falling[at]:
        return None
    lowest = min(range(points), key=curves.validation.__getitem__)
    return Rise(rise, curves.places[lowest], curves.validation[lowest])


def fallen_lately(curves: Curves, doubt: float) -> Fall | None:
    """Return what both losses lost over the last quarter of a training, if both did beyond chance.

    Each level is a mean over an eighth of the curve.
    """
    points = len(curves)
    if points < 2:
        return None
    quarter = max(1, points // 4)
    width = max(1, quarter // 2)
    before, after = slice(points - quarter - width, points - quarter), slice(points - width, points)
    fell = []
    for curve in (curves.train, curves.validation):
        drop = fmean(curve[before]) - fmean(curve[after])
        if drop <= doubt * jitter(curve) * sqrt(2.0 / width):
            return None
        fell.append(drop)
    since, until = curves.places[points - quarter - 1], curves.places[-1]
    return Fall(fell[0], fell[1], since, until, fmean(curves.validation[after]))


def jitter(curve: Sequence[float]) -> float:
    """Return the standard deviation of a curve's noise from point to point, whatever its smooth course.

    It is that of the third differences over sqrt(20), by their median magnitude, which single jumps leave as
    it is; 0 where there are too few points to say.
    """
    if len(curve) < 6:
        return 0.0
    bends = [
        abs(d - 3.0 * c + 3.0 * b - a)
        for a, b, c, d in zip(curve, curve[1:], curve[2:], curve[3:], strict=False)
    ]
    return median(bends) / (0.6745 * sqrt(20.0))


def _moving_means(curve: Sequence[float], width: int) -> list[float]:
    total = sum(curve[:width])
    means = [total / width]
    for i in range(width, len(curve)):
        total += curve[i] - curve[i - width]
        means.append(total / width)
    return means
