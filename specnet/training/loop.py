from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from specnet.data import Dataset
from specnet.data.streamed import ArrayOrStreamed
from specnet.diagnostics.text import counted
from specnet.engines.random import stream
from specnet.engines.ranks import Ranks, RankShares
from specnet.model.arrays import as_weights, held_arrays
from specnet.model.augmenter import Augmenter
from specnet.model.choosing import choose_thresholds
from specnet.model.compiled import CompiledModel
from specnet.model.evaluation import Figures
from specnet.model.evaluator import Evaluator, PreparedSplit, data_units
from specnet.model.feed import Feed
from specnet.model.fitting import coverage, fit_uncertainty
from specnet.model.length_feed import LengthFeed
from specnet.model.measuring_lengths import batchings_of
from specnet.model.outputs import WEIGHTS
from specnet.model.plans import memory, plan_training
from specnet.model.run_length import run_length
from specnet.model.settings import batch_rows
from specnet.model.state import Array, TrainingState
from specnet.training.divergence import explain_divergence
from specnet.training.early_stopping import Watch, always_nan
from specnet.training.events import Ended, EpochEnded, Event, Span, Started, StepsDone
from specnet.training.exclusive import ExclusiveEvents
from specnet.training.pace import Pace
from specnet.training.program import BoundTraining
from specnet.training.rates import Rates
from specnet.training.steps import Ending, Steps
from specnet.training.timetable import Timetable

E = TypeVar("E")

TICK = 0.1
"""Seconds from one `StepsDone` to the next while an epoch is under way."""


class Trainer:
    """Fits a model to a data set; `events` runs it.

    `stop` is asked after every step, or call of several, and ends the training in good order once it returns true.
    `clock` gives the seconds that events report and `max_seconds` limits. Each of several `ranks` has a trainer of its
    own, with the same document and data, and all of them do the same steps: whoever asks to stop stops all, and the
    clock is that of the first.
    """

    def __init__(
        self,
        model: CompiledModel,
        data: Dataset,
        stop: Callable[[], bool] | None = None,
        clock: Callable[[], float] = perf_counter,
        ranks: Ranks | None = None,
    ) -> None:
        self.model = model
        self.ranks = ranks if ranks is not None and ranks.size > 1 else None
        """The processes that train together, where there are several."""
        self.pace = None if self.ranks is None else Pace(self.ranks, stop, clock)
        if self.pace is not None:
            stop, clock = self.pace.stop, self.pace.clock
        self.settings = model.network.spec.training
        self.rows = {name: len(split) for name, split in data.splits.items()}
        network = model.network
        self.batch_size = batch_rows(network.spec, self.rows["train"])
        train = data.splits["train"]
        arrays = {name: held_arrays(network, split) for name, split in data.splits.items()}
        self.batches = batchings_of(network, arrays) if network.varies else None
        """The batches of each split, where they are made by length."""
        self.count: int | None = None
        """How many batches an epoch has, where they are made by length."""
        if self.batches is not None:
            self.count = len(self.batches.train.cuts)
            self.batch_size = max(form["batch"] for form in self.batches.train.forms)
        self.length = run_length(network.spec, self.rows["train"], self.count)
        self.timetable = Timetable(self.settings, self.length)
        watched = (self.settings.schedule.watched or "").partition(".")[2]
        self.rates = Rates(
            self.settings.schedule,
            self.settings.optimizer.learning_rate,
            self.length,
            network.better(watched),
        )
        units = data_units(network, model.encoding)
        self.shares = self._shared()
        ranked = 1 if self.ranks is None else self.ranks.size
        self.plans = plan_training(network, self.rows, units=bool(units), batches=self.batches, ranks=ranked)
        self.program = BoundTraining(model, self.plans, self.shares)
        shuffling = (
            stream(network.spec.seed, "shuffle")
            if self.settings.shuffle and not network.keeps_states
            else None
        )
        weights = {} if train.weights is None else {WEIGHTS: as_weights(network, train.weights)}
        self.feed = self._feed({**arrays["train"], **weights}, shuffling)
        self.steps = Steps(self.program, self.feed, self.rates, stop, clock)
        learnt = model.leaves(**{**units, **self.program.measured})
        evaluator = Evaluator(network, self.plans.evaluation, learnt, model.use, self.shares)
        measured = {} if self.batches is None else self.batches.measured
        self.splits: dict[str, PreparedSplit] = {
            # What is learnt from is measured with the arrays that are learnt from, held once.
            name: evaluator.prepare(split, arrays[name], measured.get(name))
            for name, split in data.splits.items()
        }
        self._data = data.splits
        self.watch = self._watching()
        self.memory = sum(memory(network, self.plans, self.rows).values())
        self.epoch = 0
        """How many epochs are done, without the one under way; see `epochs_done`."""
        self.under_way = False
        """Whether the next epoch has been begun."""
        self.interrupted = False
        """Whether `stop` has ended the training."""
        self._validation = data.splits.get("validation")
        self._clock = clock
        self._before = self._told = 0.0
        self._began = clock()

    def _shared(self) -> RankShares | None:
        """Return what each process has of a batch, where there are several."""
        if self.ranks is None:
            return None
        # What stateful layers leave to the next batch stays in the process that has its place.
        return RankShares(self.ranks, self.batch_size if self.model.network.keeps_states else None)

    def _feed(self, arrays: dict[str, ArrayOrStreamed], shuffling: np.random.Generator | None) -> Feed:
        """Return what brings the training split to the steps."""
        if self.batches is not None:
            shapes = {name: shape for name, (shape, _) in self.plans.step.leaves.items()}
            return LengthFeed(arrays, shapes, self.batches.train, shuffling, self.program.bind, self.shares)
        return Feed(
            arrays,
            self.batch_size,
            shuffling,
            self.program.bind,
            drop_last=self.settings.drop_last,
            augmenter=Augmenter.of(self.model.network, self.batch_size),
            in_streams=self.model.network.keeps_states,
            shares=self.shares,
        )

    def events(self) -> ExclusiveEvents[Event]:
        """Train, and yield events, `Ended` last; nothing happens between an event and the request for the next."""
        return ExclusiveEvents(self._train(self._singly), self.model.use)

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
        self.model.uncertainty = fit_uncertainty(self.model, data["validation"])
        if self.model.calibrators:
            choose_thresholds(self.model, data["validation"])
            return dict(self.model.measure(data).splits)
        return {name: own.extended(coverage(self.model, data[name])) for name, own in splits.items()}

    @property
    def seconds(self) -> float:
        """How long the training has taken so far."""
        return self._clock() - self._began

    def state(self) -> TrainingState:
        """Return all that `resume` needs to go on bit for bit; it is whole whenever an event has been given.

        After `Ended` it no longer is: the best parameters may have been put back by then.
        """
        watch = TrainingState() if self.watch is None else self.watch.state()
        feed, program = self.feed.state(), self.program.state()
        plain = {
            "epoch": self.epoch,
            "under_way": self.under_way,
            "seconds": self.seconds,
            "steps": self.steps.state(),
            "feed": feed.plain,
            "program": program.plain,
            "rate": self.rates.state(),
            "watch": watch.plain,
        }
        return TrainingState({**feed.arrays, **program.arrays, **watch.arrays}, plain)

    def resume(self, arrays: Mapping[str, Array], plain: Mapping[str, Any]) -> None:
        """Go on from a state, before any event has been asked for.

        Raises KeyError or ValueError where it is of another training; this one is then of no use any more.
        """
        self.epoch, self.under_way, self._before = plain["epoch"], plain["under_way"], plain["seconds"]
        self.program.resume(arrays, plain["program"])
        self.feed.resume(arrays, plain["feed"], plain["steps"]["next"] if self.under_way else 0)
        self.steps.resume(plain["steps"])
        self.rates.restore(plain["rate"])
        if self.watch is not None:
            self.watch.resume(arrays, plain["watch"])

    def _together(self, maximum: int) -> Generator[Span, None, Ending | None]:
        """Make epochs of one step each until the next tick, and yield them as one span."""
        losses, times, ending = self.steps.run_epochs(
            min(maximum, self.timetable.until_kept(self.steps.step)), TICK
        )
        self.interrupted = ending is not None and ending[0] == "interrupted"
        if losses:
            first = self.steps.step - len(losses) + 1
            times = [when - self._began for when in times]
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

    def _watching(self) -> Watch | None:
        settings = self.settings.early_stopping
        if settings is None:
            return None
        higher = self.model.network.better(settings.monitor.partition(".")[2]) == "higher"
        each = self.length.steps_per_epoch if self.timetable.by_steps else None
        return Watch(settings, higher=higher, arrays=self.program.learnt, steps_per_epoch=each)
