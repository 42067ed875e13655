"""A whole training as a plain program: data, starting values, forward, backward, update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from specnet.compiler.arrays import as_targets
from specnet.compiler.inputs import rows_dtype
from specnet.compiler.model import Model
from specnet.compiler.printer import Names
from specnet.compiler.programs import accumulating_graph, training_graph, update_graph
from specnet.compiler.settings import batch_rows, run_length
from specnet.data import Dataset
from specnet.data.lazy import whole_inputs
from specnet.diagnostics import RunError
from specnet.graph.graph import Graph
from specnet.passes.simplify import simplify
from specnet.runs.exports.augmenting import augmented, write_augment
from specnet.runs.exports.forward import named_values, target_names
from specnet.runs.exports.layout import indented, listed
from specnet.runs.exports.passes import Passes, passes_of
from specnet.runs.exports.prediction import parameter_names, write_predict
from specnet.runs.exports.program import Program
from specnet.runs.exports.rows import raw_splits
from specnet.runs.exports.searching import write_search
from specnet.runs.exports.updating import (
    ACCUMULATED,
    MULTIPLIERS,
    PARAMETERS,
    Kept,
    UpdateLines,
    kept_between_steps,
    rate_function,
)
from specnet.runs.exports.watching import (
    TRAIN,
    before_watching,
    falling,
    kept_list,
    time_is_over,
    watched_figures,
    watching,
)
from specnet.runtime.random import words
from specnet.vocabulary.optimizers import Searching

Array = np.ndarray[Any, Any]

OWN = (
    "inputs targets epoch step order batch start number share total seen epoch_loss began learning_rate "
    "learning_rate_at rate parameters arrays parameter gradient gradients accumulated so_far multiplier "
    "multipliers exchange augment vector latest slots method evaluate shuffling best waited kept value lowest "
    "stale cooling prepare time"
)
"""The variables that the loop has for itself."""


def write_training(model: Model, data: Dataset, folder: Path, program: Program) -> None:
    """Write all that a run of the model's document does, and `predict`.

    The model's parameters are where the training starts, and `folder` is where relative paths start. Raises
    RunError naming what has no plain form.
    """
    inputs = data.splits["train"].inputs
    settings = model.network.spec.training
    window = 0 if isinstance(inputs, np.ndarray | Mapping) else inputs.window
    if (
        settings.shuffle
        and 0 < window < len(inputs)
        and batch_rows(model.network.spec, len(inputs)) < len(inputs)
    ):
        raise RunError(
            f"the training's rows are shuffled in a buffer of {window}, which has no plain form: a `shuffle_buffer` "
            f"of {len(inputs)} holds all rows"
        )
    _Training(model, data, folder, program).write()


EXCHANGE = [
    "def exchange():",
    '    """Swap the parameters and their running means."""',
    "    for parameter, average in zip(parameters, averages):",
    "        parameter[...], average[...] = average.copy(), parameter.copy()",
]


@dataclass(frozen=True, slots=True)
class _StepLines:
    """The lines of one step; of its two updates, where there are two, the second ends what several batches share."""

    passes: Passes
    updates: list[UpdateLines]
    kept: Kept

    @property
    def rows_used(self) -> bool:
        return self.passes.rows_used or self.updates[0].rows_used

    @property
    def loops(self) -> bool:
        return any(update.loops for update in self.updates)


class _Training:
    def __init__(self, model: Model, data: Dataset, folder: Path, program: Program) -> None:
        self.model, self.data, self.folder, self.program = model, data, folder, program
        self.network, self.spec = model.network, model.network.spec
        self.settings = self.spec.training
        self.rows = len(data.splits["train"].inputs)
        self.batch = batch_rows(self.spec, self.rows)
        self.full = self.batch >= self.rows
        # Augmented rows are others at every step, even where the batch is the whole split.
        self.augmented = bool(self.spec.data.augmentations)
        self.length = run_length(self.spec, self.rows)
        self.targets = target_names(self.network)
        for name in {*OWN.split(), *self.targets.values()}:
            program.names.new(name)
        self.variables = parameter_names(model, program)
        self.figures = watched_figures(self.network)

    def write(self) -> None:
        """Write the program."""
        program = self.program
        prepared = self._write_data()
        start = {self.variables[name]: array.copy() for name, array in self.model.parameters.items()}
        program.hold(start, "Initial parameters.")
        if write_predict(self.model, program, self.variables):
            program.body += [f"{name} = prepare({name})" for name in prepared]
        else:
            dtype = rows_dtype(self.network.inputs)
            program.body += [f"{name} = {name}.astype(np.{dtype})" for name, cast in prepared.items() if cast]
        if isinstance(self.settings.optimizer, Searching):
            self._write_search()
            return
        shared = self.settings.accumulate > 1
        update = update_graph(self.network) if shared else training_graph(self.network, naming=named_values)
        graph = accumulating_graph(self.network, named_values) if shared else update.graph
        passes = passes_of(graph, self.network, program, self.variables)
        names = Names([*OWN.split(), *self.targets.values(), *self.variables.values(), *program.arrays])
        kept = kept_between_steps(self.network, update.slots, names)
        ends = [self._update(passes.graph, names, kept, passes.known, passes.gradients)]
        if shared:
            ends.append(self._update(simplify(update.graph), names, kept, {}, []))
        step = _StepLines(passes, ends, kept)
        before, rate = self._start(step)
        program.body += [*before, "", *self._loop(step, rate), *self._end()]

    def _write_search(self) -> None:
        before, step, passes = write_search(self.network, self.program, self.variables)
        loop = [
            *step,
            *self._epoch_loss(passes),
            *watching(self.model, self.length, self.program, self.variables),
        ]
        loop += ["if method.ended is not None:  # no further step would lead anywhere", "    break"]
        loop += time_is_over(self.network)
        head = f"for epoch in range(1, {self.settings.epochs + 1}):"
        self.program.body += [*before, *self._before_watching(), "", head, *indented(loop), *self._end()]

    def _update(
        self, graph: Graph, names: Names, kept: Kept, known: dict[int, str], gradients: list[str]
    ) -> UpdateLines:
        update = UpdateLines(graph, self.network, names, kept, self.variables, known, gradients)
        self.program.helpers |= update.helpers
        return update

    def _write_data(self) -> dict[str, bool]:
        """Write the rows; return the variables of inputs, and whether each has yet to take the program's type."""
        splits = raw_splits(self.spec, self.folder, self.data)
        validated = any(figure != TRAIN for figure in self.figures) and "validation" in splits
        held: dict[str, Array] = {}
        prepared = {}
        for name in ("train", *(["validation"] if validated else [])):
            inputs, targets = splits[name]
            prefix = "" if name == "train" and self.full and not self.augmented else f"{name}_"
            small = _smallest(inputs, rows_dtype(self.network.inputs))
            held[f"{prefix}inputs"] = small
            fitted = as_targets(self.network, targets, whole_inputs(self.data.splits[name].inputs))
            held |= {f"{prefix}{self.targets[key]}": array for key, array in fitted.items()}
            prepared[f"{prefix}inputs"] = small.dtype != rows_dtype(self.network.inputs)
        self.program.hold(held, f"The data: {self.rows} training rows.")
        return prepared

    # Before the loop

    def _start(self, step: _StepLines) -> tuple[list[str], str]:
        """Return the lines before the loop, and the expression of a step's learning rate, if it changes."""
        lines = [
            f"{variable} = np.random.default_rng({[self.spec.seed, *words(stream)]})  # stream {stream!r}"
            for stream, variable in step.passes.streams.items()
        ]
        if self.augmented:
            lines += write_augment(self.network, self.program)
        if not self.full:
            lines.append(f"order = np.arange({self.rows})")
            if self.settings.shuffle:
                lines.append(f"shuffling = np.random.default_rng({[self.spec.seed, *words('shuffle')]})")
        elif step.rows_used:
            lines.append("rows = len(train_inputs)" if self.augmented else "rows = len(inputs)")
        rate = self._rate(lines)
        if self._counted(step, rate):
            lines.append("step = 0")
        restored = self.settings.early_stopping is not None and self.settings.early_stopping.restore_best
        listing = restored and kept_list(self.network) == "parameters"
        if step.loops or step.kept.start or listing:
            lines += listed("parameters", [self.variables[p.name] for p in self.network.trained])
        return [*lines, *step.kept.start, *self._before_watching()], rate

    def _before_watching(self) -> list[str]:
        """Return the lines before the loop that early stopping and a limit of time need."""
        lines = []
        stopping = self.settings.early_stopping
        if stopping is not None and stopping.restore_best and kept_list(self.network) == "arrays":
            lines += listed("arrays", self._arrays())
        lines += before_watching(self.network)
        if self.settings.ema_decay is not None and any(figure != TRAIN for figure in self.figures):
            self.program.functions.append(EXCHANGE)
        if self.settings.max_seconds is not None:
            lines.append("began = time.perf_counter()")
            self.program.modules.add("time")
        return lines

    def _epoch_loss(self, passes: Passes) -> list[str]:
        """Return the line of the loss of an epoch that is one batch, where it is watched."""
        penalty = " + float(penalty)" if passes.penalised else ""
        return [f"epoch_loss = float(loss){penalty}"] if TRAIN in self.figures else []

    def _arrays(self) -> list[str]:
        """Return the arrays that hold what the training has come to; running means take the parameters' place."""
        if self.settings.ema_decay is None:
            return list(self.variables.values())
        rest = [p.name for p in self.network.arrays if p not in self.network.trained]
        return ["*averages", *(self.variables[name] for name in rest)]

    def _counted(self, step: _StepLines, rate: str) -> bool:
        return any(update.counts for update in step.updates) or bool(rate) or self.settings.accumulate > 1

    def _rate(self, lines: list[str]) -> str:
        schedule, base = self.settings.schedule, self.settings.optimizer.learning_rate
        function = rate_function(schedule, base, self.length)
        if schedule.watched is not None:
            lines += [f"{falling(schedule, self.length)} = {base!r}", "lowest, stale, cooling = np.inf, 0, 0"]
        elif function is None:
            lines.append(f"learning_rate = {base!r}")
        if function is None:
            return ""
        self.program.functions.append(function)
        return "learning_rate_at(step)" if schedule.watched is None else "learning_rate_at(step, rate)"

    # The loop

    def _loop(self, step: _StepLines, rate: str) -> list[str]:
        passes, first = step.passes, step.updates[0]
        lines = ["# Forward: from the inputs to the loss.", *passes.forward]
        lines += ["# Backward: the gradient of the loss.", *passes.backward]
        lines += [f"# Update: {self._summary(step)}", *self._end_of_step(step, rate)]
        if first.statistics:
            lines += [
                "# Running statistics, which evaluation uses instead of the batch's.",
                *first.statistics,
            ]
        loop = [f"for epoch in range(1, {self.settings.epochs + 1}):"]
        loop += indented(self._whole(lines, step) if self.full else self._batches(lines, step))
        return loop + indented(time_is_over(self.network))

    def _whole(self, lines: list[str], step: _StepLines) -> list[str]:
        rows = []
        if self.augmented:
            arrays = ["inputs", *self.targets.values()]
            rows = [f"{', '.join(arrays)} = {', '.join(f'train_{array}' for array in arrays)}"]
            rows += augmented(self.network)
        return [
            *rows,
            *lines,
            *self._epoch_loss(step.passes),
            *watching(self.model, self.length, self.program, self.variables),
        ]

    def _batches(self, body: list[str], step: _StepLines) -> list[str]:
        watched = TRAIN in self.figures
        mean = self.spec.loss.reduction == "mean"
        stop = f"len(order){f' - {self.batch - 1}' if self.settings.drop_last else ''}"
        arrays = ["inputs", *self.targets.values()]
        inner = [
            f"batch = order[start : start + {self.batch}]",
            f"{', '.join(arrays)} = {', '.join(f'train_{array}[batch]' for array in arrays)}",
            *(augmented(self.network) if self.augmented else []),
            *(["rows = len(inputs)"] if step.rows_used or watched else []),
            *body,
            *([f"total += float(loss){' * rows' if mean else ''}", "seen += rows"] if watched else []),
        ]
        lines = ["shuffling.shuffle(order)"] if self.settings.shuffle else []
        lines += ["total, seen = 0.0, 0"] if watched else []
        end = []
        if watched:
            penalty = " + float(penalty)" if step.passes.penalised else ""
            end.append(f"epoch_loss = total{' / seen' if mean else ''}{penalty}")
        end += watching(self.model, self.length, self.program, self.variables)
        several = self.settings.accumulate
        due = [f"(number + 1) % {several} == 0"] if several > 1 else []
        if end and self.settings.max_seconds is not None:
            # Only an epoch that is done is watched: one that ends as the time is over still is.
            inner += time_is_over(self.network, *due, f"start + {self.batch} < {stop}")
            end = ["else:", *indented(end)]
        else:
            inner += time_is_over(self.network, *due)
        lines += [f"for start in range(0, {stop}, {self.batch}):", *indented(inner), *end]
        return lines

    def _summary(self, step: _StepLines) -> str:
        if not step.kept.lists.keys() - {PARAMETERS, ACCUMULATED, MULTIPLIERS}:
            return "a step against the gradient."
        return str(type(self.settings.optimizer).__doc__).partition("\n")[0]

    def _end_of_step(self, step: _StepLines, rate: str) -> list[str]:
        """Return the update; one that several batches share comes with the last of them."""
        lines = [f"learning_rate = {rate}"] if rate else []
        lines += ["step += 1"] if self._counted(step, rate) else []
        first = step.updates[0]
        if len(step.updates) == 1:
            return [*first.gradients, *lines, *first.lines]
        several = self.settings.accumulate
        batches = self.rows // self.batch if self.settings.drop_last else -(-self.rows // self.batch)
        return [
            *first.gradients,
            f"number = {'0' if self.full else f'start // {self.batch}'}  # of the batch; {several} share a step",
            f"share = 1 / min({several}, {batches} - number // {several} * {several})",
            *first.lines,
            f"if (number + 1) % {several} == 0 or number + 1 == {batches}:",
            *indented([*lines, *step.updates[1].lines]),
        ]

    def _end(self) -> list[str]:
        lines = []
        stopping = self.settings.early_stopping
        if stopping is not None and stopping.restore_best:
            lines += ["", "# Restore the parameters of the best epoch."]
            several = kept_list(self.network)
            lines += [f"for parameter, value in zip({several}, kept):", "    parameter[...] = value"]
        if self.settings.ema_decay is not None:
            lines += ["", "# The running means are the trained parameters."]
            lines += ["for parameter, average in zip(parameters, averages):", "    parameter[...] = average"]
        return [*lines, "", 'print(f"epoch {epoch}: the loss of the last step is {loss:.6g}")']


def _smallest(inputs: Array, dtype: str) -> Array:
    """Return raw inputs in bytes where that loses nothing and saves room, else as they are."""
    if inputs.dtype.kind == "f" and (dtype == "float32" or inputs.size > 400):
        small = np.clip(inputs, 0, 255).astype(np.uint8)
        return small if np.array_equal(small, inputs) else inputs
    return inputs if inputs.dtype.kind in "fb" or inputs.dtype == np.uint8 else inputs.astype(np.float64)
