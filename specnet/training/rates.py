from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from specnet.engines.execution import Executable
from specnet.model.updates import rate_graph
from specnet.passes.pipeline import plan
from specnet.vocabulary.schedules import RunLength, Schedule
from specnet.vocabulary.schedules.plateau import Plateau, PlateauState


class Rates:
    """The learning rates of one training: the schedule's value, computed apart from the steps that take it.

    `better` says which direction of the value that the schedule watches is good. Raises SpecError where the schedule
    does not fit the optimizer's learning rate, or the training has no steps.
    """

    def __init__(
        self, schedule: Schedule, base: float, run: RunLength, better: Literal["lower", "higher"] = "lower"
    ) -> None:
        self._plateau: PlateauState | None = None
        if isinstance(schedule, Plateau):
            self._plateau = PlateauState(schedule, base, schedule.warmup(run), better)
        compiled = plan(rate_graph(schedule, base, run), 1)
        self._numbers = compiled.numbers
        self._compute = Executable(compiled).bind(1, {}).step
        self.steady = not compiled.numbers
        """Whether all steps have one rate."""

    @property
    def given(self) -> float | None:
        """The number `rate` that steps take, where the schedule goes by what is measured."""
        return None if self._plateau is None else self._plateau.rate

    def at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 1, by what has been observed so far."""
        if self._numbers == ("step",):
            return self._compute(step)[0]
        values = {"step": step, "rate": self.given}
        return self._compute(*[values[name] for name in self._numbers])[0]

    def observe(self, monitored: Mapping[str, float], steps: int) -> None:
        """Take note of what a validation after so many steps measured, such as `{"validation.loss": 0.4}`."""
        if self._plateau is not None:
            self._plateau.observe(monitored, steps)

    @property
    def blind(self) -> bool:
        """Whether the schedule goes by what is measured, and that was NaN every time."""
        return self._plateau is not None and self._plateau.blind

    def state(self) -> dict[str, float | int | None]:
        """Return what has been learnt from what was observed: nothing, where rates are known ahead."""
        return {} if self._plateau is None else self._plateau.state()

    def restore(self, state: Mapping[str, float | int | None]) -> None:
        """Go on from a state that `state` returned."""
        if self._plateau is not None:
            self._plateau.restore(state)
