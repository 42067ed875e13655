"""What a training consists of: its plans and feed, what measures and watches it, and its state between two steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import numpy as np

from specnet.data import Dataset
from specnet.data.streamed import ArrayOrStreamed
from specnet.engines.random import stream
from specnet.engines.ranks import Ranks, RankShares
from specnet.model.arrays import as_weights, held_arrays
from specnet.model.augmenter import Augmenter
from specnet.model.compiled import CompiledModel
from specnet.model.evaluator import Evaluator, PreparedSplit, data_units
from specnet.model.feed import Feed
from specnet.model.length_feed import LengthFeed
from specnet.model.measuring_lengths import batchings_of
from specnet.model.outputs import WEIGHTS
from specnet.model.plans import plan_training
from specnet.model.run_length import run_length
from specnet.model.settings import batch_rows
from specnet.model.state import Array, TrainingState
from specnet.model.training_memory import memory
from specnet.training.early_stopping import Watch
from specnet.training.pace import Pace
from specnet.training.program import BoundTraining
from specnet.training.rates import Rates
from specnet.training.steps import Steps
from specnet.training.timetable import Timetable


class PreparedTraining:
    """All that fits a model to a data set, made ready.

    `stop` is asked after every step, or call of several, and ends the training cleanly once it returns true.
    `clock` gives the seconds that events report and `max_seconds` limits. Each of several `ranks` has a training of its
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
        self.plans = plan_training(
            network,
            self.rows,
            units=bool(units),
            batches=self.batches,
            ranks=1 if self.ranks is None else self.ranks.size,
            rank=0 if self.ranks is None else self.ranks.rank,
        )
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
            augmenter=Augmenter.of(self.model.network, self.batch_size, self.shares),
            in_streams=self.model.network.keeps_states,
            shares=self.shares,
        )

    def _watching(self) -> Watch | None:
        settings = self.settings.early_stopping
        if settings is None:
            return None
        higher = self.model.network.better(settings.monitor.partition(".")[2]) == "higher"
        each = self.length.steps_per_epoch if self.timetable.by_steps else None
        return Watch(settings, higher=higher, arrays=self.program.learnt, steps_per_epoch=each)

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
