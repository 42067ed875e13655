"""The loop of a training, as a generator of events."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

import numpy as np

from specnet.diagnostics.text import counted
from specnet.model.choosing import choose_thresholds
from specnet.model.evaluation import Figures
from specnet.model.fitting import coverage, fit_uncertainty
from specnet.training.divergence import explain_divergence
from specnet.training.early_stopping import always_nan
from specnet.training.events import Ended, EpochEnded, Event, Span, Started, StepsDone
from specnet.training.exclusive import ExclusiveEvents
from specnet.training.prepared import PreparedTraining
from specnet.training.steps import Ending

E = TypeVar("E")

TICK = 0.1
"""Seconds from one `StepsDone` to the next while an epoch is under way."""


class Trainer(PreparedTraining):
    """Fits a model to a data set; `events` runs it."""

    def events(self, leave: Callable[[], object] | None = None) -> ExclusiveEvents[Event]:
        """Train, and yield events, `Ended` last; nothing happens between an event and the request for the next.

        `leave` is called once there are no more.
        """
        return ExclusiveEvents(self._train(self._singly), self.model.use, leave)

    def spans(self) -> ExclusiveEvents[Event | Span]:
        """Train, and yield events as `events` does, except that many very short epochs come as one `Span`."""
        # The epochs of a span share one rate.
        whole = self._together if self.rates.steady else self._singly
        return ExclusiveEvents(self._train(whole), self.model.use)

    def _train(
        self, whole: Callable[[int], Generator[E, None, Ending | None]]
    ) -> Generator[Event | E, None, None]:
        """Train, and yield events; `whole` makes up to so many epochs of one step, and yields them."""
        settings = self.settings
        if self.pace is not None:
            self.pace.look()
        self._began = self._clock() - self._before
        if settings.max_seconds is not None:
            self.steps.deadline = self._began + settings.max_seconds
        yield Started(
            self.model.network.spec.name,
            self.model.network.size,
            self.rows,
            self.timetable.epochs_at(self.length.steps),
            self.length.steps_per_epoch,
            self.batch_size,
            self.memory,
            self.model,
            self.epochs_done,
            self.steps.step,
            settings.steps,
        )
        ending = self._enough(self._before)
        while ending is None and not self._finished:
            if self.steps.whole and self._free(self.epoch):
                ending = yield from whole(self._free(self.epoch))
                continue
            if self._reported if self.timetable.by_steps else not self.under_way:
                self.steps.forget()
            if not self.under_way:
                self.steps.begin()
                self.under_way = True
            ending = yield from self._steps()
            diverged = ending is not None and ending[0] == "diverged"
            if diverged or not (self.steps.done or self._reported):
                break
            if self.steps.done:
                self.epoch, self.under_way = self.epoch + 1, False
            if not self._reported:
                ending = yield from self._between_epochs(ending)
                continue
            yield self._report()
            ending = ending or self._enough(self.seconds)
        yield self._end(ending)

    def _end(self, ending: Ending | None) -> Ended:
        """Put the final parameters into the model, and measure all splits with them."""
        asked = f"{self.length.steps} steps" if self.timetable.by_steps else f"{self.length.epochs} epochs"
        stopped, why = ending or ("completed", f"all {asked} are done{self._blind()}")
        if stopped == "interrupted":
            why = self._interrupted()
        if stopped == "diverged":
            why = explain_divergence(self.model, self.steps.batch.arrays, self.steps.step + 1, self.epoch + 1)
        self.program.complete()
        best_epoch = None if self.watch is None else self.watch.restore()
        self.program.settle()
        if self._validation is not None:
            choose_thresholds(self.model, self._validation)
        uncalibrated = {split: prepared.evaluate() for split, prepared in self.splits.items()}
        splits = self._fitted(uncalibrated)
        return Ended(
            stopped,
            why,
            self.epochs_done,
            self.steps.step,
            self.seconds,
            splits,
            best_epoch,
            self.model,
            uncalibrated if self.model.calibrators else {},
        )

    def _report(self) -> EpochEnded:
        """Measure what is due at the end of an epoch, or of the steps between two validations, and watch it."""
        self.program.complete()
        due = self.timetable.by_steps or self.timetable.validated(self.steps.step)
        validation = self.splits.get("validation")
        figures = validation.evaluate() if validation is not None and due else None
        tracked = self.splits["train"].evaluate() if self.settings.track_training and due else None
        rate, done = self.steps.rate, self.epochs_done
        best = self._observe(done, figures)
        return EpochEnded(done, self.steps.step, self.steps.loss, figures, rate, self.seconds, best, tracked)

    @property
    def epochs_done(self) -> float:
        """How many epochs are done: where the length is given in steps a float, which counts part of an epoch."""
        return self.timetable.epochs_at(self.steps.step)

    @property
    def _finished(self) -> bool:
        return self.timetable.finished(self.steps.step)

    def _fitted(self, splits: dict[str, Figures]) -> dict[str, Figures]:
        """Fit the calibration and the intervals that the document asks for; return the figures with these."""
        asked, data = self.model.spec.output, self._data
        if asked.calibration is None and asked.intervals is None:
            return splits
        self.model.uncertainty = fit_uncertainty(self.model, data["validation"], data["train"])
        if self.model.calibrators:
            choose_thresholds(self.model, data["validation"])
            return dict(self.model.measure(data).splits)
        return {name: own.extended(coverage(self.model, data[name])) for name, own in splits.items()}

    def _together(self, maximum: int) -> Generator[Span, None, Ending | None]:
        """Make epochs of one step each until the next tick, and yield them as one span."""
        losses, times, ending = self.steps.run_epochs(
            min(maximum, self.timetable.until_kept(self.steps.step)), TICK
        )
        self.interrupted = ending is not None and ending[0] == "interrupted"
        if losses:
            first = self.steps.step - len(losses) + 1
            times = array("d", (np.array(times) - self._began).tobytes())
            span = Span(self.timetable.epochs_at(first), first, losses, times, self.steps.rate)
            self.epoch += len(losses)
            yield span
        return ending or self._enough(self.seconds)

    def _singly(self, maximum: int) -> Generator[EpochEnded, None, Ending | None]:
        """Make epochs of one step each, and yield each before the next begins."""
        steps, clock, began = self.steps, self._clock, self._began
        rate, steady, timetable = steps.rate, self.rates.steady, self.timetable
        make = steps.single()
        # What an epoch that is not measured may end by: looked at only where there is such a rule.
        ruled = self.settings.max_seconds is not None or self.program.method is not None
        for epoch in range(self.epoch + 1, self.epoch + maximum + 1):
            loss, ending = make()
            if ending is not None:
                if ending[0] == "diverged":
                    return ending
                self.interrupted = True
            self.epoch = epoch
            rate = rate if steady else steps.rate
            yield EpochEnded(timetable.epochs_at(epoch), steps.step, loss, None, rate, clock() - began, False)
            if ending is None and ruled:
                ending = self._enough(clock() - began)
            if ending is not None:
                return ending
        return None

    def _steps(self) -> Generator[StepsDone, None, Ending | None]:
        """Make the steps to the end of an epoch, or to where they are reported, and report them now and then."""
        while True:
            ending = self.steps.run(TICK, self.timetable.until_due(self.steps.step))
            self.interrupted = ending is not None and ending[0] == "interrupted"
            if ending is not None and not self.interrupted:
                return ending
            if self.steps.done or (self.timetable.by_steps and self._reported):
                return ending
            yield self._steps_done(self.epoch + 1)
            ending = ending or self._enough(self.seconds)
            if ending is not None:
                return ending

    def _between_epochs(self, ending: Ending | None) -> Generator[StepsDone, None, Ending | None]:
        """Report the end of an epoch that nothing else reports if it is time, or a checkpoint or the end is due."""
        if ending is not None or self.checkpoint_due or self.seconds >= self._told + TICK:
            yield self._steps_done(self.epoch)
        return ending or self._enough(self.seconds)

    def _steps_done(self, epoch: int) -> StepsDone:
        self._told = self.seconds
        return StepsDone(epoch, self.steps.step, self.steps.loss, self.steps.rate, self._told)

    @property
    def _reported(self) -> bool:
        """Whether an `EpochEnded` is due here: at the end of an epoch, or of the steps between two validations."""
        if not self.timetable.by_steps:
            return self.steps.done
        step = self.steps.step
        return self.steps.between and (self.timetable.validated(step) or self.program.ended is not None)

    @property
    def checkpoint_due(self) -> bool:
        """Whether the document asks for a checkpoint after this many steps."""
        reported = self.timetable.each_validation and self._reported
        return reported or self.timetable.kept(self.steps.step)

    def _free(self, epoch: int) -> int:
        """Return how many epochs may follow this one before something is to be measured or watched."""
        settings = self.settings
        kept = settings.checkpoint.best if settings.checkpoint is not None else None
        if (self.watch is not None and self.watch.split == "train") or kept == "train.loss":
            return 0
        if self.timetable.by_steps and self.timetable.every > 1:
            return 0
        if "validation" not in self.splits and not settings.track_training:
            return self.length.epochs - epoch
        due = min(epoch - epoch % self.timetable.every + self.timetable.every, self.length.epochs)
        return due - epoch - 1

    def _observe(self, epoch: float, figures: Mapping[str, Any] | None) -> bool:
        """Show an epoch's figures to the schedule and to early stopping; return whether it is the best so far."""
        seen: dict[str, Mapping[str, Any]] = {"train": {"loss": self.steps.loss}}
        if figures is not None:
            seen["validation"] = figures
        if self.settings.schedule.watched is not None:
            monitored = {f"{split}.{name}": v for split, part in seen.items() for name, v in part.items()}
            self.rates.observe(monitored, self.steps.step)
        if self.watch is None or (self.watch.split == "validation" and figures is None):
            return False
        return self.watch.see(epoch, seen)

    def _enough(self, seconds: float) -> Ending | None:
        """Return which rule of the document ends the training after so long, if one does."""
        if not self.steps.between:
            return None
        if self.watch is not None and self.watch.exhausted:
            return "early_stopping", self.watch.why
        if self.program.ended is not None:
            return "early_stopping", self.program.ended
        if self.settings.max_seconds is not None and seconds >= self.settings.max_seconds:
            return "early_stopping", f"the limit of max_seconds = {self.settings.max_seconds:g} was reached"
        return None

    def _blind(self) -> str:
        """Say which rules had nothing to go by, since what they monitor was NaN every time; nothing otherwise."""
        stopping = None if self.watch is None else self.watch.blind
        monitor = self.settings.schedule.watched
        schedule = always_nan(monitor) if monitor is not None and self.rates.blind else None
        found = {"early stopping": stopping, "the plateau schedule": schedule}
        return "".join(f"; {rule} had nothing to go by, as {why}" for rule, why in found.items() if why)

    def _interrupted(self) -> str:
        """Say where an interruption came."""
        if self.timetable.by_steps:
            return f"interrupted after {counted(self.steps.step, 'step')}"
        if self.under_way:
            return f"interrupted in epoch {self.epoch + 1} after {counted(self.steps.step, 'step')}"
        return f"interrupted after {counted(self.epoch, 'epoch')}"
