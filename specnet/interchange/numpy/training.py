"""A whole training as a plain program: data, starting values, forward, backward, update."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specnet.analysis.learning_rate import rate_function
from specnet.data import Dataset
from specnet.data.streamed import whole_inputs
from specnet.engines.random import words
from specnet.interchange.numpy.augmenting import augmented, write_augment
from specnet.interchange.numpy.forward import named_values, target_names
from specnet.interchange.numpy.layout import indented, listed, without_unused
from specnet.interchange.numpy.passes import passes_of
from specnet.interchange.numpy.prediction import parameter_names, write_predict
from specnet.interchange.numpy.program import Program
from specnet.interchange.numpy.reporting import REPORTED, TrainingReport
from specnet.interchange.numpy.rows import raw_splits, smallest
from specnet.interchange.numpy.searching import write_search
from specnet.interchange.numpy.sources import Sources
from specnet.interchange.numpy.starting import write_start
from specnet.interchange.numpy.stepwise import StepLoop
from specnet.interchange.numpy.updating import UpdateLines, kept_between_steps
from specnet.interchange.numpy.watching import (
    after_watching,
    before_watching,
    falling,
    time_is_over,
    watching,
)
from specnet.model.arrays import as_scales, as_targets, as_weights
from specnet.model.compiled import CompiledModel
from specnet.model.feed import shuffle_within
from specnet.model.inputs import rows_dtype
from specnet.model.outputs import SCALES, WEIGHTS
from specnet.model.programs import accumulating_graph, training_graph
from specnet.model.run_length import run_length
from specnet.model.settings import batch_rows
from specnet.model.updates import update_graph
from specnet.passes.simplify import simplify
from specnet.vocabulary.optimizers import Searching

Array = np.ndarray[Any, Any]

OWN = (
    "inputs targets epoch step order batch start number share total seen epoch_loss began learning_rate "
    "learning_rate_at rate parameters arrays parameter gradient gradients accumulated so_far "
    "exchange augment vector latest slots method evaluate shuffling best waited kept value lowest "
    "stale cooling prepare time rng limit stddev fan_in fan_out q r losses plt show_every curve "
    "figures"
)
"""The variables that the loop has for itself."""

DROPPED = ("rows", "step", "parameters", "arrays", "gradients", "epoch_loss", "total", "seen", "kept")
"""Those of them that a program is without where nothing reads them."""


def write_training(model: CompiledModel, data: Dataset, folder: Path, program: Program) -> None:
    """Write all that a run of the model's document does, and `predict`.

    The model's parameters are where the training starts, and `folder` is where relative paths start. Raises
    RunError naming what has no plain form in NumPy.
    """
    _Training(model, data, program).write(folder)


class _Training:
    def __init__(self, model: CompiledModel, data: Dataset, program: Program) -> None:
        self.model, self.data, self.program = model, data, program
        self.network, self.spec = model.network, model.network.spec
        self.settings = self.spec.training
        inputs = data.splits["train"].inputs
        self.rows = len(data.splits["train"])
        window = 0 if isinstance(inputs, np.ndarray | Mapping) else inputs.window
        self.window = window if window < self.rows else 0
        """How many rows a shuffle holds back at once; 0 for all of them."""
        self.batch = batch_rows(self.spec, self.rows)
        self.length = run_length(self.spec, self.rows)
        self.whole = self.batch >= self.rows
        # Augmented rows are others at every step, even where the batch is the whole split.
        self.fetched = not self.whole or bool(self.spec.data.augmentations)
        self.targets = target_names(self.network)
        own = {*OWN.split(), *self.targets.values()}
        for name in own if self.settings.steps is None else {*own, REPORTED}:
            program.names.new(name)
        self.variables = parameter_names(model, program)
        self.penalty = ""
        self.report = TrainingReport(
            model, program, self.variables, list(data.splits), self.length, self.fetched
        )

    def write(self, folder: Path) -> None:
        """Write the program."""
        program, network, optimizer = self.program, self.network, self.settings.optimizer
        program.values += ["", *self.report.constants()]
        prepared = self._write_rows(folder)
        program.body += write_start(self.model, program, self.variables)
        if write_predict(self.model, program, self.variables):
            program.body += [f"{name} = prepare({name})" for name in prepared]
        else:
            dtype = rows_dtype(network.inputs)
            program.body += [f"{name} = {name}.astype(np.{dtype})" for name in prepared if prepared[name]]
        if isinstance(optimizer, Searching):
            before, step = write_search(optimizer, network, program, self.variables)
        else:
            before, step = self._step()
        repeated = self._epochs(step) if self.settings.steps is None else self._steps(step)
        loop = [
            *before,
            *self.report.before(),
            *before_watching(network, program, self.variables),
            "",
            *repeated,
            *after_watching(network),
            *self.report.end(),
        ]
        program.body += without_unused(loop, DROPPED)

    def _write_rows(self, folder: Path) -> dict[str, bool]:
        """Write the rows; return the variables of inputs, and whether each has yet to take the program's type."""
        splits = raw_splits(self.spec, folder, self.data)
        held: dict[str, Array] = {}
        prepared = {}
        for name, (inputs, targets) in splits.items():
            prefix = "" if name == "train" and not self.fetched else f"{name}_"
            held[f"{prefix}inputs"] = small = smallest(inputs, rows_dtype(self.network.inputs))
            fitted = as_targets(self.network, targets, whole_inputs(self.data.splits[name].inputs))
            weights = self.data.splits[name].weights
            if weights is not None:
                fitted = {**fitted, WEIGHTS: as_weights(self.network, weights)}
            if self.network.signature.scaled:
                fitted = {**fitted, SCALES: as_scales(self.network, self.data.splits[name])}
            held |= {f"{prefix}{self.targets[key]}": array for key, array in fitted.items()}
            prepared[f"{prefix}inputs"] = small.dtype != rows_dtype(self.network.inputs)
        counts = [
            f"{len(given)} {'training' if name == 'train' else name}" for name, (given, _) in splits.items()
        ]
        self.program.hold(held, f"The data: {', '.join(counts)} rows.")
        return prepared

    # A step

    def _step(self) -> tuple[list[str], list[str]]:
        """Return the lines before the loop, and those of one step: forward, backward, update."""
        network, program, shared = self.network, self.program, self.settings.accumulate > 1
        if shared:
            update = update_graph(network, textbook=True)
        else:
            update = training_graph(network, naming=named_values, textbook=True)
        graph = accumulating_graph(network, named_values) if shared else update.graph
        # What is kept from step to step must not be overwritten by a value of the passes.
        names = program.names
        kept = kept_between_steps(network, update, names)
        passes = passes_of(graph, network, program, self.variables)
        lines = UpdateLines(
            passes.graph, network, names, kept, self.variables, passes.known, passes.gradients
        )
        program.helpers |= lines.helpers
        before, rate = self._rate()
        step = ["# Forward: from the inputs to the loss.", *passes.forward]
        step += ["# Backward: the gradient of the loss.", *passes.backward]
        summary = str(type(self.settings.optimizer).__doc__).partition("\n")[0]
        step.append(f"# Update: {summary if update.slots else 'a step against the gradient.'}")
        step += listed("gradients", passes.gradients)
        if shared:
            last = UpdateLines(simplify(update.graph), network, names, kept, self.variables, {}, [])
            program.helpers |= last.helpers
            step += self._shared(lines.lines, [*rate, "step += 1", *last.lines])
        else:
            step += [*rate, "step += 1", *lines.lines]
        if lines.statistics:
            step += ["# Running statistics, which evaluation uses instead of the batch's.", *lines.statistics]
        self.penalty = " + float(penalty)" if passes.penalised else ""
        before = [*self._drawing(passes.streams), *before, "step = 0"]
        before += listed("parameters", [self.variables[p.name] for p in network.trained])
        return [*before, *kept.start], step

    def _drawing(self, streams: Mapping[str, str]) -> list[str]:
        """Return the lines before the loop about what is drawn at random, and in which order rows come."""
        lines = [
            f"{name} = {self._generator(stream)}  # stream {stream!r}" for stream, name in streams.items()
        ]
        if self.spec.data.augmentations:
            lines += write_augment(self.network, self.program)
        if not self.whole:
            lines.append(f"order = np.arange({self.rows})")
            if self.settings.shuffle:
                lines.append(f"shuffling = {self._generator('shuffle')}")
        return lines if self.fetched else [*lines, "rows = len(inputs)"]

    def _generator(self, stream: str) -> str:
        return f"np.random.default_rng({[self.spec.seed, *words(stream)]})"

    def _rate(self) -> tuple[list[str], list[str]]:
        """Return the lines of the learning rate: before the loop, and at each step where it changes by a formula."""
        schedule, base = self.settings.schedule, self.settings.optimizer.learning_rate
        function, watched = rate_function(schedule, base, self.length), schedule.watched is not None
        before = [] if function else [f"learning_rate = {base!r}"]
        if watched:
            before = [f"{falling(schedule, self.length)} = {base!r}", "lowest, stale, cooling = np.inf, 0, 0"]
        if function is None:
            return before, []
        self.program.functions.append(function)
        return before, [f"learning_rate = learning_rate_at(step{', rate' if watched else ''})"]

    def _shared(self, each: list[str], last: list[str]) -> list[str]:
        """Return the update of a step that several batches share: the end of it comes with the last of them."""
        several = self.settings.accumulate
        batches = self.rows // self.batch if self.settings.drop_last else -(-self.rows // self.batch)
        number = "0" if self.whole else f"start // {self.batch}"
        return [
            f"number = {number}  # of the batch; {several} share a step",
            f"share = 1 / min({several}, {batches} - number // {several} * {several})",
            *each,
            f"if (number + 1) % {several} == 0 or number + 1 == {batches}:",
            *indented(last),
        ]

    # Epochs, or steps

    def _epochs(self, step: list[str]) -> list[str]:
        """Return the loop over epochs, given the lines of a step."""
        if isinstance(self.settings.optimizer, Searching):
            ended = ["if method.ended is not None:  # no further step would lead anywhere", "    break"]
            epoch = [*step, *self._watching(), *ended]
        elif self.whole:
            loss = f"epoch_loss = float(loss){self.penalty}"
            epoch = [*self._bring(""), *step, loss, *self._watching()]
        else:
            epoch = self._batches(step)
        return [
            f"for epoch in range(1, {self.length.epochs + 1}):",
            *indented([*epoch, *time_is_over(self.network)]),
        ]

    def _steps(self, step: list[str]) -> list[str]:
        """Return the loop of a training whose length is given in steps, given the lines of a step."""
        stepwise = StepLoop(self.network, self.rows, self.penalty)
        if isinstance(self.settings.optimizer, Searching):
            return stepwise.search(step, self._watching())
        rows = [] if self.whole else [f"batch = order[start : start + {self.batch}]"]
        batch = self._bring("" if self.whole else "[batch]")
        return stepwise.lines(self._shuffle(), [*rows, *batch, *step], self._watching())

    def _bring(self, index: str) -> list[str]:
        """Return the lines that give a step its rows."""
        if not self.fetched:
            return []
        arrays = ["inputs", *self.targets.values()]
        rows = f"{', '.join(arrays)} = {', '.join(f'train_{array}{index}' for array in arrays)}"
        return [
            rows,
            *(augmented(self.network) if self.spec.data.augmentations else []),
            "rows = len(inputs)",
        ]

    def _watching(self) -> list[str]:
        return watching(self.model, self.length, self.report)

    def _shuffle(self) -> list[str]:
        """Return the lines that draw the order of an epoch's rows."""
        if self.whole or not self.settings.shuffle:
            return []
        if self.window:
            return [f"{Sources(self.program).copy(shuffle_within)}({self.window}, order, shuffling)"]
        return ["shuffling.shuffle(order)"]

    def _batches(self, step: list[str]) -> list[str]:
        mean, several = self.spec.loss.reduction == "mean", self.settings.accumulate
        stop = f"len(order){f' - {self.batch - 1}' if self.settings.drop_last else ''}"
        inner = [
            f"batch = order[start : start + {self.batch}]",
            *self._bring("[batch]"),
            *step,
            f"total += float(loss){' * rows' if mean else ''}",
            "seen += rows",
        ]
        end = [f"epoch_loss = total{' / seen' if mean else ''}{self.penalty}", *self._watching()]
        due = [f"(number + 1) % {several} == 0"] if several > 1 else []
        if len(end) > 1 and self.settings.max_seconds is not None:
            # Only an epoch that is done is watched: one that ends as the time is over still is.
            due.append(f"start + {self.batch} < {stop}")
            end = ["else:", *indented(end)]
        return [
            *self._shuffle(),
            "total, seen = 0.0, 0",
            f"for start in range(0, {stop}, {self.batch}):",
            *indented([*inner, *time_is_over(self.network, *due)]),
            *end,
        ]
