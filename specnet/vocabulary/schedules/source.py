from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from specnet.vocabulary.schedules.run_length import RunLength

Curve = Callable[[int], float]
"""The learning rate of a step, counted from 0."""

State = dict[str, float | int | None]
"""What a source has learnt on the way, as plain data that JSON can hold."""


class RateSource(ABC):
    """The learning rates of one training.

    Each step asks for its `rate` before it is taken, unless `constant` says that all are the same; each
    validation hands what it measured to `observe`. A checkpoint keeps `state`, and `restore` goes on from it.
    """

    constant: bool = False

    @abstractmethod
    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0: finite, and not below 0."""

    def observe(self, monitored: Mapping[str, float]) -> None:  # noqa: B027
        """Take note of what a validation measured, such as `{"validation.loss": 0.4}`; most take none."""

    def state(self) -> State:
        """Return what the source has learnt from what it observed: nothing, where rates are planned ahead."""
        return {}

    def restore(self, state: Mapping[str, float | int | None]) -> None:  # noqa: B027
        """Go on from a state that `state` returned."""


class Planned(RateSource):
    """Rates that are known before the training starts."""

    def __init__(self, curve: Curve, *, constant: bool = False) -> None:
        self.curve = curve
        self.constant = constant

    def rate(self, step: int) -> float:
        return self.curve(step)


def warmed(curve: Curve, steps: int, share: float) -> Curve:
    """Return a curve that first rises in a straight line, in so many steps, to where `curve` takes over.

    The first step has `share` of the rate that it rises to.
    """
    if steps == 0:
        return curve
    target = curve(steps)

    def rate(step: int) -> float:
        return target * (share + (1.0 - share) * step / steps) if step < steps else curve(step)

    return rate


def whole_epochs(step: int, run: RunLength) -> int:
    """Return the first step of the epoch that a step belongs to."""
    return step - step % run.steps_per_epoch
