from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from contextvars import copy_context
from math import inf
from time import perf_counter
from typing import Any

import numpy as np

from specnet.engines.subnormals import flushing, keeping
from specnet.graph.declarations import DONE
from specnet.model.feed import Feed
from specnet.training.events import Stopped
from specnet.training.program import BoundTraining
from specnet.training.rates import Rates

Array = np.ndarray[Any, Any]
Ending = tuple[Stopped, str]

CALL = 0.01
"""Seconds that a call takes which makes many steps: nobody waits longer for a training to stop."""

MOST = 10_000
"""Steps of such a call."""


class Steps:
    """Executes the steps of one epoch after another: the loop that a training spends its time in."""

    def __init__(
        self,
        program: BoundTraining,
        feed: Feed,
        rates: Rates,
        stop: Callable[[], bool] | None = None,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._program, self._feed, self._rates, self._stop, self._clock = program, feed, rates, stop, clock
        self.deadline = inf
        """When, by the clock, to return after the step under way."""
        self._mean = program.model.network.spec.loss.reduction == "mean"
        self._accumulate = program.model.network.spec.training.accumulate
        self._penalised = "penalty" in program.plan.scalars
        self._by_steps = program.model.network.spec.training.steps is not None
        self.step = 0
        """Steps since the start of the training."""
        self.batch = feed.batches[0]
        self._invoke = self._invocation()
        self._next = 0
        self._total = self._weight = self._penalty = 0.0

    @property
    def loss(self) -> float:
        """The training loss since `forget`: of each batch as it was seen, and the last penalty."""
        if not self._weight:
            return float("nan")
        if self._by_steps and not self._mean:
            # A sum is that of a whole epoch, however many steps there are between validations.
            return self._total * (self._feed.rows / self._weight) + self._penalty
        return (self._total / self._weight if self._mean else self._total) + self._penalty

    @property
    def rate(self) -> float:
        """The learning rate of the last step that is done, or of the first if there is none."""
        return self._rates.at(max(self.step, 1))

    @property
    def done(self) -> bool:
        """Whether the epoch is."""
        return self._next == len(self._feed.batches)

    @property
    def between(self) -> bool:
        """Whether no step is under way: one that several batches share takes more than one batch."""
        return self.done or self._next % self._accumulate == 0

    def begin(self) -> None:
        """Begin an epoch, in a new order where rows are shuffled."""
        self._feed.begin()
        self._program.begin()
        self._next = 0

    def forget(self) -> None:
        """Begin to average the training loss anew."""
        self._total = self._weight = self._penalty = 0.0

    def state(self) -> dict[str, Any]:
        """Return how far it has come in the training and in the epoch, and the epoch's loss so far."""
        return {
            "step": self.step,
            "next": self._next,
            "total": self._total,
            "weight": self._weight,
            "penalty": self._penalty,
        }

    def resume(self, plain: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.step, self._next = plain["step"], plain["next"]
        self._total, self._weight = plain["total"], plain["weight"]
        self._penalty = plain["penalty"]

    @flushing
    def run(self, seconds: float, maximum: int | None = None) -> Ending | None:
        """Make steps for about so long, or to the end of the epoch; return why the training must end, if so.

        With `maximum`, no more steps are made than that. Once the deadline is past, it returns after the step under
        way, the first one included.
        """
        batches, stop = self._feed.batches, self._stop
        # What reads and changes rows gives the same numbers as before a training.
        bring = keeping(self._feed.bring) if self._feed.computes else self._feed.bring
        accumulate, invoke, clock, deadline = self._accumulate, self._invoke, self._clock, self.deadline
        until = min(clock() + seconds, deadline)
        end = len(batches)
        if maximum is not None:
            end = min(end, self._next - self._next % accumulate + maximum * accumulate)
        with np.errstate(all="ignore"):
            for position in range(self._next, end):
                batch = self.batch = batches[position]
                bring(batch)
                scalars = invoke(batch.bound.step, position)
                loss = scalars[0]
                if loss - loss != 0.0:
                    return "diverged", ""
                self._total += loss * batch.rows if self._mean else loss
                self._weight += batch.rows
                if self._penalised:
                    self._penalty = scalars[1]
                self._next = position + 1
                if accumulate == 1:
                    self.step += 1
                elif self._next % accumulate == 0 or self._next == len(batches):
                    self._update()
                if stop is not None and stop():
                    return "interrupted", ""
                now = clock()
                if now >= until and (now < deadline or self.between):
                    break
        return None

    @flushing
    def run_epochs(self, maximum: int, seconds: float) -> tuple[array[float], array[float], Ending | None]:
        """Make whole epochs of one step each, as many as are asked for or fit in so long.

        Returns each epoch's loss, when it was done, and why the training must end, if so. This is `run` for
        full batches at a steady rate, where what surrounds a step would take longer than the step; the deadline
        is kept likewise.
        """
        (batch,) = self._feed.batches
        if batch.bound.many is not None:
            return self._run_at_once(batch.bound.many, maximum, seconds)
        step, stop, clock, penalised = batch.bound.step, self._stop, self._clock, self._penalised
        method = self._program.method
        counted = self._program.plan.numbers == ("step",)
        losses, times = array("d"), array("d")
        until = min(clock() + seconds, self.deadline)
        ending: Ending | None = None
        with np.errstate(all="ignore"):
            for number in range(self.step + 1, self.step + maximum + 1):
                scalars = step(number) if counted else step()
                loss = scalars[0]
                if loss - loss != 0.0:
                    ending = "diverged", ""
                    break
                losses.append(loss + scalars[1] if penalised else loss)
                now = clock()
                times.append(now)
                if stop is not None and stop():
                    ending = "interrupted", ""
                    break
                if now >= until or (method is not None and method.ended is not None):
                    break
        self.step += len(losses)
        return losses, times, ending

    def _run_at_once(
        self, many: Callable[..., Array], maximum: int, seconds: float
    ) -> tuple[array[float], array[float], Ending | None]:
        """Do the same where one call makes many steps: so many that it takes some milliseconds.

        Only between calls is there somebody to ask whether to stop, and a time; the epochs of a call have equal shares
        of it.
        """
        stop, clock = self._stop, self._clock
        counted = self._program.plan.numbers == ("step",)
        losses, times = array("d"), array("d")
        now = clock()
        until, count = min(now + seconds, self.deadline), 1
        ending: Ending | None = None
        while len(losses) < maximum and (now < until or not losses):
            numbers = (self.step + len(losses) + 1,) if counted else ()
            began = now
            found = many(min(count, maximum - len(losses)), *numbers)
            now = clock()
            if not np.isfinite(found[-1, 0]):
                ending, found = ("diverged", ""), found[:-1]
            elif stop is not None and stop():
                ending = "interrupted", ""
            losses.frombytes((found[:, 0] + found[:, 1] if self._penalised else found[:, 0]).tobytes())
            times.frombytes(np.linspace(began, now, len(found) + 1)[1:].tobytes())
            if ending is not None:
                break
            if now - began < CALL / 2:
                count = min(2 * count, MOST)
        self.step += len(losses)
        return losses, times, ending

    def single(self) -> Callable[[], tuple[float, Ending | None]]:
        """Return what makes one epoch of one step, as `run_epochs` does, and gives its loss and its ending."""
        (batch,) = self._feed.batches
        step, stop, penalised = batch.bound.step, self._stop, self._penalised
        counted = self._program.plan.numbers == ("step",)
        # A step in a context of its own leaves the caller's error handling alone, in a tenth of the time that
        # `errstate` takes around each step.
        context = copy_context()
        context.run(np.seterr, all="ignore")
        run = context.run

        @flushing
        def epoch() -> tuple[float, Ending | None]:
            scalars = run(step, self.step + 1) if counted else run(step)
            loss = scalars[0]
            if loss - loss != 0.0:
                return loss, ("diverged", "")
            self.step += 1
            if penalised:
                loss += scalars[1]
            if stop is not None and stop():
                return loss, ("interrupted", "")
            return loss, None

        return epoch

    @property
    def whole(self) -> bool:
        """Whether an epoch is one step that takes nothing but its number, so that many can be made at once."""
        if self._program.states:
            return False  # each epoch begins with zeros
        return self._feed.order is None and self._program.plan.numbers in ((), ("step",))

    def _invocation(self) -> Callable[[Callable[..., tuple[float, ...]], int], tuple[float, ...]]:
        """Return how to call a step with the numbers that the plan takes."""
        numbers = self._program.plan.numbers
        if numbers == ():
            return lambda step, _: step()
        if numbers == ("rate",):
            return lambda step, _: step(self._rates.given)
        if numbers == ("step",):
            return lambda step, _: step(self.step + 1)
        if numbers == ("step", "rate"):
            return lambda step, _: step(self.step + 1, self._rates.given)
        if numbers == ("share",):
            return lambda step, position: step(self._share(position))
        known: dict[str, Callable[[int], float | None]] = {
            "rate": lambda _: self._rates.given,
            "step": lambda _: self.step + 1,
            DONE: lambda _: self.step,
            "share": self._share,
        }
        given = [known[name] for name in numbers]
        return lambda step, position: step(*(number(position) for number in given))

    def _share(self, position: int) -> float:
        """Return the weight of a batch's gradient among those that share its step."""
        first = position - position % self._accumulate
        return 1.0 / min(self._accumulate, len(self._feed.batches) - first)

    def _update(self) -> None:
        """End a step that several batches shared."""
        update, plan = self._program.update, self._program.update_plan
        assert update is not None
        assert plan is not None
        values = {"rate": self._rates.given, "step": self.step + 1}
        update.step(*(values[name] for name in plan.numbers))
        self.step += 1
