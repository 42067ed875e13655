"""How far to go along a direction: a line search to the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, isfinite, nan, sqrt
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Evaluate = Callable[[], tuple[float, ...]]
"""Measures the parameters as they are: returns scalars whose sum is the loss, and leaves its gradient in a vector."""

DECREASE, CURVATURE = 1e-4, 0.9
"""c1 and c2 of the Wolfe conditions, as Nocedal and Wright, and PyTorch, have them."""

FARTHEST, NEAREST = 10.0, 0.01
"""How far the next trial may lie beyond the last one, and how far it must."""

MARGIN = 0.1
"""The share of a bracket that a trial keeps from its ends where it has come too near twice."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A point on the line: how far along the direction, and the loss, its slope and gradient there."""

    t: float
    loss: float
    slope: float
    gradient: Array
    scalars: tuple[float, ...]


class Line:
    """The loss along a direction d (n,) from where the parameters p (n,) are.

    `latest` is where an evaluation leaves its gradient, `start` keeps where the line begins, and the two vectors
    `ends` the gradients of a bracket's ends; nothing else is allocated.
    """

    def __init__(
        self, p: Array, d: Array, start: Array, latest: Array, ends: Array, evaluate: Evaluate
    ) -> None:
        self.p, self.d, self._start, self._latest, self._evaluate = p, d, start, latest, evaluate
        self._ends = ends[0], ends[1]
        np.copyto(start, p)

    def go(self, t: float) -> None:
        """Put the parameters at start + t * d."""
        np.multiply(self.d, t, out=self.p)
        np.add(self.p, self._start, out=self.p)

    def at(self, t: float) -> Trial:
        """Return the trial of a length; a loss that is no number counts as infinite."""
        self.go(t)
        scalars = self._evaluate()
        loss = sum(scalars)
        if not isfinite(loss):
            return Trial(t, inf, nan, self._latest, scalars)
        return Trial(t, loss, float(np.dot(self._latest, self.d)), self._latest, scalars)

    def keep(self, trial: Trial, beside: Trial | None = None) -> Trial:
        """Return a trial whose gradient outlasts the next evaluation, in a vector that another does not use."""
        first, second = self._ends
        into = second if beside is not None and beside.gradient is first else first
        np.copyto(into, trial.gradient)
        return replace(trial, gradient=into)


def strong_wolfe(line: Line, start: Trial, t: float, most: int, tolerance: float) -> Trial:
    """Return a trial that fulfils the strong Wolfe conditions, or the lowest one found.

    loss(t) <= loss(0) + c1 * t * slope(0) and |slope(t)| <= c2 * |slope(0)| (Nocedal and Wright, 2006, algorithms 3.5
    and 3.6), trials by cubic interpolation as in PyTorch's `LBFGS`. After the first, at `t`, there are at most
    `most`; the search also ends where the bracket moves no parameter by `tolerance`. The trial's gradient is whole
    until the next evaluation.
    """
    before, now, tried = start, line.at(t), 0
    while tried < most:
        if now.loss > start.loss + DECREASE * now.t * start.slope or (tried > 1 and now.loss >= before.loss):
            break
        if abs(now.slope) <= -CURVATURE * start.slope:
            return now
        if now.slope >= 0.0:
            break
        t = _interpolated(before, now, now.t + NEAREST * (now.t - before.t), now.t * FARTHEST)
        before = line.keep(now)
        now = line.at(t)
        tried += 1
    else:
        return start if start.loss <= now.loss else now
    return _zoom(line, start, [before, line.keep(now, before)], most - tried, tolerance)


def _zoom(line: Line, start: Trial, bracket: list[Trial], most: int, tolerance: float) -> Trial:
    """Narrow a bracket down around a point that fulfils the conditions (algorithm 3.6)."""
    reach = max(float(line.d.max()), -float(line.d.min()))
    low = 0 if bracket[0].loss <= bracket[1].loss else 1
    stuck = False
    for _ in range(most):
        left, right = sorted((bracket[0].t, bracket[1].t))
        if (right - left) * reach < tolerance:
            break
        t = _interpolated(bracket[0], bracket[1], left, right)
        margin = MARGIN * (right - left)
        if min(right - t, t - left) >= margin:
            stuck = False
        elif stuck or t >= right or t <= left:
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            stuck = False
        else:
            stuck = True
        new = line.at(t)
        high = 1 - low
        if new.loss > start.loss + DECREASE * t * start.slope or new.loss >= bracket[low].loss:
            bracket[high] = line.keep(new, bracket[low])
            low = 0 if bracket[0].loss <= bracket[1].loss else 1
            continue
        if abs(new.slope) <= -CURVATURE * start.slope:
            return new
        if new.slope * (bracket[high].t - bracket[low].t) >= 0.0:
            bracket[high] = bracket[low]
        bracket[low] = line.keep(new, bracket[high])
    return bracket[low]


def _interpolated(a: Trial, b: Trial, least: float, most: float) -> float:
    """Return where the cubic through two trials and their slopes is lowest, held between two lengths.

    It is halfway between these where the cubic has no minimum, or a loss was no number.
    """
    if a.loss < inf and b.loss < inf:
        first, last = (a, b) if a.t <= b.t else (b, a)
        mean = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.t - b.t)
        square = mean * mean - a.slope * b.slope
        if square >= 0.0:
            root = sqrt(square)
            below = last.slope - first.slope + 2.0 * root
            if below:
                t = last.t - (last.t - first.t) * ((last.slope + root - mean) / below)
                return min(max(t, least), most)
    return (least + most) / 2.0
