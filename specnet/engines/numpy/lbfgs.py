"""Limited-memory BFGS: steps towards a minimum along directions estimated from earlier gradients."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from specnet.engines.numpy.line_search import Evaluate, Line, Trial, strong_wolfe

Array = np.ndarray[Any, Any]

MINIMUM_CURVATURE = 1e-10
"""The product y·s from which on a pair is taken, as in PyTorch."""


class LimitedMemoryBFGS:
    """The method of Liu and Nocedal (1989) over parameters p (n,), with memory of its own in `slots`.

    `moves` and `changes` (history + 1, n) hold the pairs s = p' - p and y = g' - g of the last steps, one more than
    are kept, since a new one may be no use; `gradient` (n,) is that where the parameters are, `direction` and
    `start` (n,) and `ends` (2, n) serve within a step.
    """

    def __init__(
        self,
        parameters: Array,
        slots: Mapping[str, Array],
        *,
        rate: float,
        evaluations: int,
        tolerance_gradient: float,
        tolerance_change: float,
    ) -> None:
        self._p, self._slots = parameters, slots
        self._rate, self._most = rate, evaluations - 1
        self._gradient_tolerance, self._tolerance = tolerance_gradient, tolerance_change
        self.ended: str | None = None
        """Why no further step would lead anywhere, once that is so."""
        self._scalars: tuple[float, ...] | None = None
        """What was measured where the parameters are; None before the first step."""
        self._steps = 0
        self._pairs: list[tuple[int, float]] = []
        """Where each pair lies, the oldest first, and 1 / (y·s)."""
        self._spare = 0
        self._scale = 1.0

    def step(self, evaluate: Evaluate, latest: Array) -> tuple[float, ...]:
        """Make one step; return the scalars that were measured before it.

        `evaluate` measures the parameters as they are, and leaves the gradient in `latest`. Where the loss is not
        finite, or the method has ended, nothing is changed.
        """
        p, g, d = self._p, self._slots["gradient"], self._slots["direction"]
        scalars = self._scalars
        if scalars is None:
            scalars = evaluate()
            if not isfinite(sum(scalars)):
                return scalars
            self._scalars = scalars
            np.copyto(g, latest)
            self.ended = self._flat(g)
        if self.ended is not None:
            return scalars
        self._direct(g, d)
        slope = float(np.dot(g, d))
        if not slope <= -self._tolerance:
            self.ended = f"the loss falls by less than {self._tolerance:g} along the best direction"
            return scalars
        t = self._rate
        if not self._steps:
            # Nothing is known of the curvature yet: a careful first step.
            np.absolute(g, out=self._slots["ends"][0])
            t *= min(1.0, 1.0 / float(self._slots["ends"][0].sum()))
        line = Line(p, d, self._slots["start"], latest, self._slots["ends"], evaluate)
        start = Trial(0.0, sum(scalars), slope, g, scalars)
        found = strong_wolfe(line, start, t, self._most, self._tolerance)
        line.go(found.t)
        move = self._learn(found, g, d)
        np.copyto(g, found.gradient)
        self._scalars = found.scalars
        self._steps += 1
        self.ended = self._flat(g) or self._still(move, found.loss - start.loss)
        return scalars

    def state(self) -> dict[str, Any]:
        """Return what it knows beside its slots."""
        return {
            "scalars": self._scalars,
            "steps": self._steps,
            "pairs": self._pairs,
            "spare": self._spare,
            "scale": self._scale,
            "ended": self.ended,
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; the slots have been put back."""
        scalars = state["scalars"]
        self._scalars = None if scalars is None else tuple(scalars)
        self._steps, self._spare, self._scale = state["steps"], state["spare"], state["scale"]
        self._pairs = [(int(place), float(curvature)) for place, curvature in state["pairs"]]
        self.ended = state["ended"]

    def _direct(self, g: Array, d: Array) -> None:
        """Set d to -H·g, H the inverse Hessian that the pairs amount to (the two-loop recursion)."""
        moves, changes, work = self._slots["moves"], self._slots["changes"], self._slots["ends"][0]
        np.negative(g, out=d)
        shares = []
        for place, curvature in reversed(self._pairs):
            share = float(np.dot(moves[place], d)) * curvature
            shares.append(share)
            np.multiply(changes[place], share, out=work)
            np.subtract(d, work, out=d)
        np.multiply(d, self._scale, out=d)
        for (place, curvature), share in zip(self._pairs, reversed(shares), strict=True):
            back = float(np.dot(changes[place], d)) * curvature
            np.multiply(moves[place], share - back, out=work)
            np.add(d, work, out=d)

    def _learn(self, found: Trial, g: Array, d: Array) -> Array:
        """Take in the pair of a step, where its curvature is large enough to be informative; return the move."""
        history = len(self._slots["moves"]) - 1
        place = self._spare
        move: Array = self._slots["moves"][place]
        change: Array = self._slots["changes"][place]
        np.multiply(d, found.t, out=move)
        np.subtract(found.gradient, g, out=change)
        product = float(np.dot(change, move))
        if product > MINIMUM_CURVATURE:
            self._pairs.append((place, 1.0 / product))
            self._scale = product / float(np.dot(change, change))
            self._spare = self._pairs.pop(0)[0] if len(self._pairs) > history else len(self._pairs)
        return move

    def _flat(self, g: Array) -> str | None:
        if _largest(g) <= self._gradient_tolerance:
            return f"no element of the gradient is above {self._gradient_tolerance:g}"
        return None

    def _still(self, move: Array, gain: float) -> str | None:
        if _largest(move) <= self._tolerance:
            return f"no parameter moved by more than {self._tolerance:g}"
        if abs(gain) < self._tolerance:
            return f"the loss changed by less than {self._tolerance:g}"
        return None


def _largest(x: Array) -> float:
    """Return the largest magnitude."""
    return max(float(x.max()), -float(x.min()))
