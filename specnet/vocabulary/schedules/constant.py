from __future__ import annotations

from typing import Literal

from specnet.vocabulary.schedules.run_length import RunLength
from specnet.vocabulary.schedules.schedule import Schedule
from specnet.vocabulary.schedules.source import Curve


class Constant(Schedule):
    """The optimizer's own learning rate throughout, once warm."""

    type: Literal["constant"] = "constant"

    def course(self, base: float, run: RunLength, first: int) -> Curve:
        return lambda step: base  # noqa: ARG005

    def steady(self, run: RunLength) -> bool:
        return self.warmup(run) == 0
