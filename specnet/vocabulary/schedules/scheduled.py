"""Numbers beside the learning rate that change over the training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field
from pydantic_core import PydanticCustomError

from specnet.graph.graph import Value
from specnet.vocabulary.kind import Table, fault, table_check
from specnet.vocabulary.schedules import SCHEDULES, RunLength, Schedule


class ScheduledNumber(Table):
    """A number that changes from step to step by a schedule, in whose formula it is lr."""

    value: Annotated[float, Field(gt=0, examples=[0.02])]
    """The number that the schedule starts from."""
    schedule: Annotated[Schedule, SCHEDULES] = Field(examples=["flat_cosine"])
    """How it changes; not `plateau`, which follows what is measured."""

    @table_check()
    def _known_ahead(self) -> Iterator[PydanticCustomError]:
        if self.schedule.watched is not None:
            message = f"`{self.schedule.type}` is for the learning rate: it follows what is measured"
            yield fault(message, key=("schedule", "type"), help="a schedule that is known ahead")

    @table_check()
    def _decays(self) -> Iterator[PydanticCustomError]:
        floor = self.schedule.floor
        if floor is not None and (lowest := getattr(self.schedule, floor)) > self.value:
            message = f"`{floor}` is {lowest:g}, above the {self.value:g} that it decays from"
            yield fault(message, key=("schedule", floor), help=f"at most {self.value:g}")

    def lower(self, done: Value, length: RunLength) -> Value:
        """Append the number of a step, given how many are done before it."""
        graph = done.graph
        before = graph.key_path
        number = self.schedule.lower(done, self.value, length)
        graph.key_path = before
        return number


class ScheduledRate(ScheduledNumber):
    """A rate that changes from step to step by a schedule, in whose formula it is lr."""

    value: Annotated[float, Field(gt=0, lt=1, examples=[0.15])]
    """The rate that the schedule starts from."""
