"""A whole training as a plain program: data, starting values, forward, backward, update."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from specnet.compiler.model import Model, as_targets
from specnet.compiler.printer import Names
from specnet.compiler.settings import batch_rows, run_length
from specnet.data import Dataset
from specnet.data.lazy import whole
from specnet.diagnostics import RunError
from specnet.runs.exports.layout import indented, listed
from specnet.runs.exports.passes import Passes, passes_of
from specnet.runs.exports.prediction import parameter_names, write_predict
from specnet.runs.exports.program import Program
from specnet.runs.exports.rates import planned_rates, rate_function
from specnet.runs.exports.rows import raw_splits
from specnet.runs.exports.updating import Rule, rule_of
from specnet.runs.exports.watching import (
    TRAIN,
    before_watching,
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
    "learning_rate_at loss_of parameters arrays parameter gradient gradients accumulated so_far norm shuffling best "
    "waited kept value lowest stale cooling prepare time"
)
"""The variables that the loop has for itself."""


def write_training(model: Model, data: Dataset, folder: Path, program: Program) -> None:
    """Write all that a run of the model's document does, and `predict`.

    The model's parameters are where the training starts, and `folder` is where relative paths start. Raises
    RunError naming what has no plain form.
    """
    inputs = data.splits["train"].inputs
    settings = model.network.spec.training
    window = 0 if isinstance(inputs, np.ndarray) else inputs.window
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


class _Training:
    def __init__(self, model: Model, data: Dataset, folder: Path, program: Program) -> None:
        self.model, self.data, self.folder, self.program = model, data, folder, program
        self.network, self.spec = model.network, model.network.spec
        self.settings = self.spec.training
        if self.settings.ema_decay is not None:
            raise RunError("a training with `ema_decay` cannot be exported as NumPy")
        if self.network.rates_differ:
            raise RunError("a training with `learning_rate_multiplier` cannot be exported as NumPy")
        if isinstance(self.settings.optimizer, Searching):
            raise RunError(f"a training with {self.settings.optimizer.type} cannot be exported as NumPy")
        self.rows = len(data.splits["train"].inputs)
        self.batch = batch_rows(self.spec, self.rows)
        self.full = self.batch >= self.rows
        self.length = run_length(self.spec, self.rows)
        for name in OWN.split():
            program.names.new(name)
        self.variables = parameter_names(model, program)
        self.figures = watched_figures(self.network)

    def write(self) -> None:
        """Write the program."""
        program = self.program
        if self.spec.data.augmentations:
            raise RunError("a training with augmentations cannot be exported as NumPy: the model alone can")
        prepared = self._write_data()
        start = {self.variables[name]: array.copy() for name, array in self.model.parameters.items()}
        program.hold(start, "Where the parameters start.")
        if write_predict(self.model, program, self.variables):
            program.body += [f"{name} = prepare({name})" for name in prepared]
        else:
            program.body += [
                f"{name} = {name}.astype(np.{self.spec.dtype})" for name, cast in prepared.items() if cast
            ]
        rule = self._rule()
        passes = passes_of(self.network, program, self.variables)
        before, rate = self._start(passes, rule)
        program.body += [*before, "", *self._loop(passes, rule, rate), *self._end()]

    def _write_data(self) -> dict[str, bool]:
        """Write the rows; return the variables of inputs, and whether each has yet to take the program's type."""
        splits = raw_splits(self.spec, self.folder, self.data)
        validated = any(figure != TRAIN for figure in self.figures) and "validation" in splits
        held: dict[str, Array] = {}
        prepared = {}
        for name in ("train", *(["validation"] if validated else [])):
            inputs, targets = splits[name]
            prefix = "" if name == "train" and self.full else f"{name}_"
            small = _smallest(inputs, self.spec.dtype)
            held |= {
                f"{prefix}inputs": small,
                f"{prefix}targets": as_targets(self.network, targets, whole(self.data.splits[name].inputs)),
            }
            prepared[f"{prefix}inputs"] = small.dtype != self.spec.dtype
        self.program.hold(held, f"The data: {self.rows} rows to learn from.")
        return prepared

    def _rule(self) -> Rule:
        names = Names([*OWN.split(), *self.variables.values(), *self.program.arrays])
        rule = rule_of(self.settings, self.spec.dtype, names, "parameter", "gradient", "learning_rate")
        self.program.helpers |= rule.helpers
        # What is kept from step to step must not be overwritten by a value of the passes.
        for many, _ in rule.slots.values():
            self.program.names.new(many)
        return rule

    def _simple(self, rule: Rule) -> bool:
        """Whether an update is one line for each parameter."""
        settings = self.settings
        clipped = settings.clip_norm is not None or settings.clip_value is not None
        several = rule.slots or rule.scalars or len(rule.lines) > 1
        return not several and not clipped and settings.accumulate == 1

    # Before the loop

    def _start(self, passes: Passes, rule: Rule) -> tuple[list[str], str]:
        """Return the lines before the loop, and the expression of a step's learning rate, if it changes."""
        lines = [
            f"{variable} = np.random.default_rng({[self.spec.seed, *words(stream)]})  # stream {stream!r}"
            for stream, variable in passes.streams.items()
        ]
        if not self.full:
            lines.append(f"order = np.arange({self.rows})")
            if self.settings.shuffle:
                lines.append(f"shuffling = np.random.default_rng({[self.spec.seed, *words('shuffle')]})")
        elif passes.counts_rows:
            lines.append("rows = len(inputs)")
        rate = self._rate(lines)
        if self._counted(rule, rate):
            lines.append("step = 0")
        stopping = self.settings.early_stopping
        if not self._simple(rule) or (stopping is not None and stopping.restore_best):
            lines += listed("parameters", [self.variables[p.name] for p in self.network.trained])
        if stopping is not None and stopping.restore_best and kept_list(self.network) == "arrays":
            lines += listed("arrays", list(self.variables.values()))
        lines += [f"{many} = [{start} for parameter in parameters]" for many, start in rule.slots.values()]
        if self.settings.accumulate > 1:
            lines.append("accumulated = [np.zeros_like(parameter) for parameter in parameters]")
        lines += before_watching(self.network)
        if self.settings.max_seconds is not None:
            lines.append("began = time.perf_counter()")
            self.program.modules.add("time")
        return lines, rate

    def _counted(self, rule: Rule, rate: str) -> bool:
        return rule.counts or bool(rate) or self.settings.accumulate > 1

    def _rate(self, lines: list[str]) -> str:
        schedule, base = self.settings.schedule, self.settings.optimizer.learning_rate
        if schedule.watched is not None:
            if schedule.warmup(self.length):
                raise RunError("a plateau schedule with a warm-up cannot be exported as NumPy")
            lines += [f"learning_rate = {base!r}", "lowest, stale, cooling = np.inf, 0, 0"]
            return ""
        if schedule.steady(self.length):
            lines.append(f"learning_rate = {base!r}")
            return ""
        source = schedule.start(base, self.length)
        function = rate_function(schedule, source, base, self.length)
        if function is None:
            rates = self.program.names.new("learning_rates")
            self.program.hold({rates: planned_rates(source, self.length)}, "The learning rate of every step.")
            return f"float({rates}[step])"
        if any("math." in line for line in function):
            self.program.modules.add("math")
        self.program.functions.append(function)
        return "learning_rate_at(step)"

    # The loop

    def _loop(self, passes: Passes, rule: Rule, rate: str) -> list[str]:
        step = ["# Forward: from the inputs to the loss.", *passes.forward]
        step += ["# Backward: the gradient of the loss.", *passes.backward]
        step += [f"# Update: {self._summary(rule)}", *self._update(passes, rule, rate)]
        if passes.followed:
            step += ["# Running statistics: what evaluation has instead of the batch's.", *passes.followed]
        loop = [f"for epoch in range(1, {self.settings.epochs + 1}):"]
        loop += indented(self._whole(step, passes) if self.full else self._batches(step, passes))
        return loop + indented(time_is_over(self.network))

    def _whole(self, step: list[str], passes: Passes) -> list[str]:
        penalty = " + float(penalty)" if passes.penalised else ""
        loss = [f"epoch_loss = float(loss){penalty}"] if TRAIN in self.figures else []
        return [*step, *loss, *watching(self.network, self.program, self.variables)]

    def _batches(self, step: list[str], passes: Passes) -> list[str]:
        watched = TRAIN in self.figures
        mean = self.spec.loss.reduction == "mean"
        stop = f"len(order){f' - {self.batch - 1}' if self.settings.drop_last else ''}"
        inner = [
            f"batch = order[start : start + {self.batch}]",
            "inputs, targets = train_inputs[batch], train_targets[batch]",
            *(["rows = len(inputs)"] if passes.counts_rows or watched else []),
            *step,
            *([f"total += float(loss){' * rows' if mean else ''}", "seen += rows"] if watched else []),
        ]
        lines = ["shuffling.shuffle(order)"] if self.settings.shuffle else []
        lines += ["total, seen = 0.0, 0"] if watched else []
        end = []
        if watched:
            penalty = " + float(penalty)" if passes.penalised else ""
            end.append(f"epoch_loss = total{' / seen' if mean else ''}{penalty}")
        end += watching(self.network, self.program, self.variables)
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

    def _summary(self, rule: Rule) -> str:
        if not rule.slots:
            return "a step against the gradient."
        return str(type(self.settings.optimizer).__doc__).partition("\n")[0]

    def _update(self, passes: Passes, rule: Rule, rate: str) -> list[str]:
        lines = [f"learning_rate = {rate}"] if rate else []
        if self._counted(rule, rate):
            lines.append("step += 1")
        if self._simple(rule):
            (line,) = rule.lines
            for variable, gradient in passes.gradients.items():
                of = gradient if gradient.isidentifier() else f"({gradient})"
                stands = {"parameter": variable, "gradient": of}
                lines.append(re.sub(r"\b(parameter|gradient)\b", lambda m, s=stands: s[m[0]], line))  # type: ignore[misc]
            return lines
        gradients = listed("gradients", list(passes.gradients.values()))
        lines += [*self._clipping(), *self._each(rule)]
        return [*gradients, *(lines if self.settings.accumulate == 1 else self._accumulated(lines))]

    def _accumulated(self, update: list[str]) -> list[str]:
        """Return an update that several batches share."""
        several = self.settings.accumulate
        batches = self.rows // self.batch if self.settings.drop_last else -(-self.rows // self.batch)
        return [
            f"number = {'0' if self.full else f'start // {self.batch}'}  # of the batch; {several} share a step",
            f"share = 1 / min({several}, {batches} - number // {several} * {several})",
            "for so_far, gradient in zip(accumulated, gradients):",
            "    so_far += share * gradient",
            f"if (number + 1) % {several} == 0 or number + 1 == {batches}:",
            *indented(
                ["gradients = accumulated", *update, "for so_far in accumulated:", "    so_far[...] = 0"]
            ),
        ]

    def _clipping(self) -> list[str]:
        lines, settings = [], self.settings
        if settings.clip_value is not None:
            most = settings.clip_value
            lines.append(f"gradients = [np.clip(gradient, {-most!r}, {most!r}) for gradient in gradients]")
        if settings.clip_norm is not None:
            factor = f"min({settings.clip_norm!r} / (norm + 1e-6), 1.0)"
            lines.append("norm = float(sum(np.sum(gradient**2) for gradient in gradients)) ** 0.5")
            lines.append(f"gradients = [{factor} * gradient for gradient in gradients]")
        return lines

    def _each(self, rule: Rule) -> list[str]:
        names = ["parameter", "gradient", *rule.slots]
        lists = ["parameters", "gradients", *(many for many, _ in rule.slots.values())]
        head = f"for {', '.join(names)} in zip({', '.join(lists)}):"
        return [*rule.scalars, head, *indented(rule.lines)]

    def _end(self) -> list[str]:
        lines = []
        stopping = self.settings.early_stopping
        if stopping is not None and stopping.restore_best:
            lines += ["", "# The parameters of the best epoch are put back."]
            several = kept_list(self.network)
            lines += [f"for parameter, value in zip({several}, kept):", "    parameter[...] = value"]
        return [*lines, "", 'print(f"epoch {epoch}: the loss of the last step is {loss:.6g}")']


def _smallest(inputs: Array, dtype: str) -> Array:
    """Return raw inputs in bytes where that loses nothing and saves room, else as they are."""
    if inputs.dtype.kind == "f" and (dtype == "float32" or inputs.size > 400):
        small = np.clip(inputs, 0, 255).astype(np.uint8)
        return small if np.array_equal(small, inputs) else inputs
    return inputs if inputs.dtype.kind in "fb" or inputs.dtype == np.uint8 else inputs.astype(np.float64)
