"""One key of a document that a sweep varies: its values, and when it has one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, PositiveFloat
from pydantic_core import PydanticCustomError

from specnet.language.overrides import key_path
from specnet.language.wording import shown
from specnet.vocabulary.kind import Table, fault, table_check

WHOLE = 2**53
"""Whole numbers up to here are numbers of float64, in which samplers compute."""

GRID = 10_000
"""How many combinations a grid may have."""


class SweepParameter(Table):
    """One key of the document that a sweep varies: its `choices`, or a range from `low` to `high`."""

    choices: Annotated[tuple[Any, ...], Field(min_length=1)] | None = Field(
        default=None, examples=[[16, 32, 64]]
    )
    """The values to choose from: of any kind, tables too."""
    low: float | None = Field(default=None, examples=[1e-4])
    """The lower end of a range, which is included."""
    high: float | None = Field(default=None, examples=[0.1])
    """The upper end of a range, which is included."""
    log: bool = False
    """Whether the range is searched on a logarithmic scale."""
    step: PositiveFloat | None = Field(default=None, examples=[0.1])
    """The distance between the values of a range; by default every number is one, or every whole one."""
    integer: bool = False
    """Whether the range has whole numbers only."""
    when: dict[str, Any] = Field(default={}, examples=[{"training.optimizer": "sgd"}])
    """Other parameters with `choices`, and the value, or an array of values, that each must have for this parameter to
    be set. A string stands for tables of this `type`, too."""

    @table_check()
    def _has_values(self) -> Iterator[PydanticCustomError]:
        if self.choices is None and self.low is None and self.high is None:
            yield fault("it has no values: give `choices`, or `low` and `high`", part="table")

    @table_check()
    def _choices_or_range(self) -> Iterator[PydanticCustomError]:
        if self.choices is None:
            return
        for key in ("low", "high", "step", "log", "integer"):
            value = vars(self).get(key)  # None for one that is not valid
            if value is not None and value is not False:
                message = f"`{key}` would be ignored: `choices` are the values"
                yield fault(message, key=key, part="key", help=f"leave `{key}` or `choices` out")

    @table_check()
    def _both_ends(self) -> Iterator[PydanticCustomError]:
        if (self.low is None) != (self.high is None) and self.choices is None:
            there, lacks = ("low", "high") if self.high is None else ("high", "low")
            yield fault(f"a range has two ends, and `{lacks}` is missing", key=there, part="key")

    @table_check()
    def _in_order(self) -> Iterator[PydanticCustomError]:
        if self.low is not None and self.high is not None and self.low >= self.high:
            yield fault(f"`low` must be below `high`, which is {shown(self.high)}", key="low")

    @table_check()
    def _logarithmic(self) -> Iterator[PydanticCustomError]:
        if self.log and self.low is not None and self.low <= 0:
            help = "a range that begins above 0, or no `log`"
            yield fault(f"a logarithmic range has no {shown(self.low)}", key="low", help=help)

    @table_check()
    def _one_spacing(self) -> Iterator[PydanticCustomError]:
        if self.log and self.step is not None:
            message = "`step` and `log` contradict each other: the values of one are evenly spaced"
            yield fault(message, key="step", part="key", help="leave one of them out")

    @table_check()
    def _step_fits(self) -> Iterator[PydanticCustomError]:
        if self.step is None or self.low is None or self.high is None or self.low >= self.high:
            return
        steps = (self.high - self.low) / self.step
        if steps < 1:
            yield fault("`step` is larger than the range", key="step")
        elif abs(steps - round(steps)) > 1e-6 * max(1.0, steps):
            last = self.low + int(steps) * self.step
            help = f"a `high` of {shown(float(f'{last:.12g}'))}, or another step"
            yield fault(f"`step` leads past `high`, which is {shown(self.high)}", key="step", help=help)

    @table_check()
    def _whole(self) -> Iterator[PydanticCustomError]:
        for key in ("low", "high", "step") if self.integer else ():
            value = vars(self).get(key)  # None for one that is not valid
            if value is not None and (not value.is_integer() or abs(value) > WHOLE):
                yield fault(f"with `integer`, `{key}` must be a whole number", key=key)

    @table_check(each="choices")
    def _once(self, place: int, choice: Any) -> Iterator[PydanticCustomError]:
        assert self.choices is not None
        if any(same(choice, earlier) for earlier in self.choices[:place]):
            yield fault(f"{shown(choice)} is listed twice", key=("choices", place))

    @property
    def values(self) -> tuple[Any, ...] | None:
        """All values that it can have; None if they are those of a continuous range, or more than a grid may have."""
        if self.choices is not None:
            return self.choices
        if self.low is None or self.high is None:
            return None
        step = self.step or (1.0 if self.integer and not self.log else None)
        if step is None:
            whole = self.integer and self.high - self.low < GRID
            return tuple(range(int(self.low), int(self.high) + 1)) if whole else None
        count = round((self.high - self.low) / step) + 1
        if count > GRID:
            return None
        found = [self.low + n * step for n in range(count)]
        return tuple(int(value) for value in found) if self.integer else tuple(found)

    @property
    def probes(self) -> tuple[tuple[tuple[str | int, ...], Any], ...]:
        """The values that its key must take, for it to take them all, with the places that they are written at."""
        if self.choices is not None:
            return tuple((("choices", place), choice) for place, choice in enumerate(self.choices))
        return tuple((end, self.number(getattr(self, end[0]))) for end in (("low",), ("high",)))

    def number(self, value: float) -> int | float:
        """Return a number of its range as the document would write it."""
        return int(value) if self.integer else value


def same(a: Any, b: Any) -> bool:
    """Return whether two values of a document are the same: 1, 1.0 and true are three values."""
    return written(a) == written(b)


def written(value: Any) -> str:
    """Return a value of a document as JSON, with keys in order."""
    return json.dumps(value, sort_keys=True, default=str)


def choice_shown(value: Any) -> str:
    """Return a value in a message; a table by its `type`."""
    return shown(value["type"] if isinstance(value, Mapping) and "type" in value else value)


def meets(choice: Any, wanted: Any) -> bool:
    """Return whether a choice is the value that a condition wants, or a table of the `type` that it names."""
    if same(choice, wanted):
        return True
    return isinstance(wanted, str) and isinstance(choice, Mapping) and choice.get("type") == wanted


def is_set(parameter: SweepParameter, chosen: Mapping[str, Any]) -> bool:
    """Return whether a parameter is set, given the values of those that its conditions name."""
    return all(
        other in chosen
        and any(meets(chosen[other], each) for each in (wanted if isinstance(wanted, list) else [wanted]))
        for other, wanted in parameter.when.items()
    )


def in_order(parameters: Mapping[str, SweepParameter]) -> list[str]:
    """Return the names of parameters, each after those that its conditions name."""
    done: list[str] = []
    pending = list(parameters)
    while pending:
        ready = [name for name in pending if all(other in done for other in parameters[name].when)]
        done += ready
        pending = [name for name in pending if name not in ready]
    return done


def overrides_of(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a trial as overrides: what lies below a key comes after the key itself."""
    return dict(sorted(chosen.items(), key=lambda item: len(key_path(item[0]) or ())))
