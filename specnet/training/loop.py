from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Any

from specnet.compiler.model import Model, as_targets
from specnet.compiler.plans import batch_rows, memory, plan_training
from specnet.compiler.settings import run_length
from specnet.data import Dataset
from specnet.runtime.random import stream
from specnet.training.divergence import explain_divergence
from specnet.training.early_stopping import Watch
from specnet.training.evaluation import Evaluator, PreparedSplit, data_units
from specnet.training.events import Ended, EpochEnded, Event, Span, Started, StepsDone, Stopped
from specnet.training.feed import Feed
from specnet.training.program import Program
from specnet.training.steps import Steps

TICK = 0.1
"""Seconds from one `StepsDone` to the next while an epoch is under way."""


class Trainer:
    """Fits a model to a data set; `events` runs it.

    `stop` is asked after every step, and ends the training in good order once it returns true.
    """

    def __init__(self, model: Model, data: Dataset, stop: Callable[[], bool] | None = None) -> None:
        self.model = model
        self.settings = model.network.spec.training
        self.rows = {name: len(split.inputs) for name, split in data.splits.items()}
        network = model.network
        self.batch_size = batch_rows(network, self.rows["train"])
        self.length = run_length(network.spec, self.rows["train"])
        watched = (self.settings.schedule.watched or "").partition(".")[2]
        self.rate = self.settings.schedule.start(
            self.settings.optimizer.learning_rate, self.length, network.better(watched)
        )
        units = data_units(model)
        self.plans = plan_training(network, self.rows, units=bool(units))
        self.program = Program(model, self.plans)
        shuffling = stream(network.spec.seed, "shuffle") if self.settings.shuffle else None
        train = data.splits["train"]
        targets = as_targets(network, train.targets)
        self.feed = Feed(
            train, targets, self.batch_size, shuffling, self.program.bind, drop_last=self.settings.drop_last
        )
        self.steps = Steps(self.program, self.feed, self.rate, stop)
        evaluator = Evaluator(model, self.plans.evaluation, units)
        self.splits: dict[str, PreparedSplit] = {
            name: evaluator.prepare(split) for name, split in data.splits.items()
        }
        self.watch = self._watching()
        self.memory = sum(memory(network, self.plans, self.rows).values())

    def events(self) -> Iterator[Event]:
        """Train, and tell of it; the last event is `Ended`. Closing the iterator stops at once."""
        for event in self.spans():
            if isinstance(event, Span):
                yield from event.epochs()
            else:
                yield event

    def spans(self) -> Iterator[Event | Span]:
        """Train, and tell of it as `events` does, but of many very short epochs in one `Span`."""
        settings = self.settings
        began = perf_counter()
        yield Started(
            self.model.network.spec.name,
            self.model.network.size,
            self.rows,
            settings.epochs,
            self.length.steps_per_epoch,
            self.batch_size,
            self.memory,
            self.model,
        )
        validation = self.splits.get("validation")
        ending: tuple[Stopped, str] | None = None
        epoch = 0
        while ending is None and epoch < settings.epochs:
            if self.steps.whole and self._free(epoch):
                losses, times, ending = self.steps.run_epochs(self._free(epoch), TICK)
                if losses:
                    times = [when - began for when in times]
                    first = self.steps.step - len(losses) + 1
                    yield Span(epoch + 1, first, losses, times, self.steps.last_rate)
                    epoch += len(losses)
                    ending = ending or self._enough(times[-1])
                continue
            self.steps.begin()
            while True:
                ending = self.steps.run(TICK)
                if ending is not None or self.steps.done:
                    break
                loss, rate = self.steps.loss, self.steps.last_rate
                yield StepsDone(epoch + 1, self.steps.step, loss, rate, perf_counter() - began)
            if not self.steps.done:
                break
            epoch += 1
            due = epoch % settings.validate_every == 0 or epoch == settings.epochs
            figures = validation.evaluate() if validation is not None and due else None
            best = self._observe(epoch, figures)
            seconds = perf_counter() - began
            yield EpochEnded(
                epoch, self.steps.step, self.steps.loss, figures, self.steps.last_rate, seconds, best
            )
            if ending is None:
                ending = self._enough(seconds)
        stopped, why = ending or ("completed", f"all {settings.epochs} epochs are done")
        if stopped == "diverged":
            why = explain_divergence(self.model, self.steps.batch.inputs, self.steps.step + 1, epoch + 1)
        best_epoch = None if self.watch is None else self.watch.restore()
        splits = {split: prepared.evaluate() for split, prepared in self.splits.items()}
        yield Ended(stopped, why, epoch, self.steps.step, perf_counter() - began, splits, best_epoch)

    def _free(self, epoch: int) -> int:
        """Return how many epochs may follow this one before something is to be measured or watched."""
        settings = self.settings
        if self.watch is not None and self.watch.split == "train":
            return 0
        if "validation" not in self.splits:
            return settings.epochs - epoch
        due = min(epoch - epoch % settings.validate_every + settings.validate_every, settings.epochs)
        return due - epoch - 1

    def _observe(self, epoch: int, figures: dict[str, Any] | None) -> bool:
        """Show an epoch's figures to the schedule and to early stopping; return whether it is the best so far."""
        seen: dict[str, Mapping[str, Any]] = {"train": {"loss": self.steps.loss}}
        if figures is not None:
            seen["validation"] = figures
        if not self.rate.constant:
            self.rate.observe(
                {f"{split}.{name}": v for split, part in seen.items() for name, v in part.items()}
            )
        if self.watch is None or (self.watch.split == "validation" and figures is None):
            return False
        return self.watch.see(epoch, seen)

    def _enough(self, seconds: float) -> tuple[Stopped, str] | None:
        if self.watch is not None and self.watch.exhausted:
            return "early_stopping", self.watch.why
        if self.settings.max_seconds is not None and seconds >= self.settings.max_seconds:
            return "early_stopping", f"max_seconds = {self.settings.max_seconds:g} is over"
        return None

    def _watching(self) -> Watch | None:
        settings = self.settings.early_stopping
        if settings is None:
            return None
        higher = self.model.network.better(settings.monitor.partition(".")[2]) == "higher"
        return Watch(settings, higher=higher, parameters=self.model.parameters.flat)
