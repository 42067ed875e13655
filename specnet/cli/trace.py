from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from specnet.cli.numbers import entries
from specnet.cli.options import As, NoEnvironment, OutputStyle, Overrides, SpecFile, Threads, whole_number
from specnet.cli.tables import section
from specnet.cli.terminal import WIDEST, plain, results, write_json
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    import numpy as np

    from specnet.analysis.traced import Trace, TracedLayer, TracedParameter, TracedStep

    Array = np.ndarray[Any, Any]

MAXIMUM_NUMBERS = 12
"""Numbers of an array that are shown; of more, only the first and a summary."""

SHOWN = 4
"""The first numbers of a longer array."""

MAXIMUM_JSON = 1000
"""Numbers of an array that are written as JSON; of more, only the first and a summary."""

MAXIMUM_ROWS = 12
"""Rows of a batch that are listed."""

ASCII = {"·": "*", "∂": "d", "←": "<-", "ᵀ": ".T", "²": "^2", "Σ": "sum", "→": "->"}


def trace(
    spec: SpecFile,
    overrides: Overrides = None,
    no_env: NoEnvironment = False,
    row: Annotated[
        int | None,
        whole_number(
            "--row",
            minimum=1,
            help="The row of the training split, from 1. Default: the first row of the first batch.",
            default=False,
        ),
    ] = None,
    steps: Annotated[int, whole_number("--steps", minimum=1, help="How many steps to show.")] = 1,
    threads: Threads = None,
    output: As = OutputStyle.TABLE,
) -> int:
    """Show one example's way through the steps of a training.

    For each step: the row's inputs, each layer's sum and output, the loss, each gradient and its share that comes from
    the row, and the update of the parameters. The numbers are those of a run of the document. Of large arrays only the
    first numbers, the shape, the mean, the minimum and the maximum are shown.
    """
    from specnet import api

    document = api.load(Path(spec), overrides, environment=not no_env)
    try:
        found = api.trace(document, row=None if row is None else row - 1, steps=steps, threads=threads)
    except ValueError as error:
        raise typer.BadParameter(f"{row:,} is not one of them: {error}", param_hint="--row") from None
    if output is OutputStyle.JSON:
        write_json(_data(found))
    else:
        changed = [name for name in ("transforms", "augmentations") if getattr(document.data, name)]
        _Shown(results(), found, f" (after the {' and '.join(changed)})" if changed else "").show()
    return 0


class _Shown:
    def __init__(self, console: Console, found: Trace, note: str) -> None:
        self._console, self._found, self._note = console, found, note
        self._ascii, self._width = plain(console), min(console.width, WIDEST)

    def show(self) -> None:
        found = self._found
        self._line(
            f"{found.name}: row {found.row + 1:,} of the {found.rows:,} rows of the training split", 1, "bold"
        )
        for step in found.steps:
            self._step(step)
        if found.ended:
            self._console.print()
            self._line(f"the training ended: {found.ended}", 1)

    def _step(self, step: TracedStep) -> None:
        from specnet.analysis.formulas import symbol

        section(self._console, f"step {step.step}, epoch {step.epoch}")
        self._line(self._batch(step), 1)
        self._line(f"learning rate: {step.learning_rate:.6g}", 1)
        if not step.inputs:
            where = (
                "no batch of this epoch, which drops the last rows"
                if step.comes is None
                else f"step {step.comes}"
            )
            self._line(f"row {self._found.row + 1:,} is not in this batch, but in {where}", 1)
        for arrays, note in ((step.inputs, self._note), (step.targets, "")):
            for name, array in arrays.items():
                self._line(f"{symbol(name)} = {_numbers(array)}{note}", 1)
        if step.forward:
            self._heading("forward: from the inputs to the loss")
            self._layers(step.forward)
            self._loss(step)
            self._heading("backward: the gradients of the loss")
            self._layers(step.backward)
        self._heading(
            "update: each parameter p by its gradient g" if step.update else "gradients of the parameters"
        )
        for name, text in step.update:
            self._line(f"{name} {text}" if name.endswith("←") or not text else f"{name} = {text}", 3)
        for parameter in step.parameters:
            self._parameter(parameter, step)

    def _batch(self, step: TracedStep) -> str:
        rows = step.rows
        if len(rows) == self._found.rows and list(rows) == list(range(len(rows))):
            return f"batch: all {counted(len(rows), 'row')}"
        listed = ", ".join(f"{row + 1}" for row in rows[:MAXIMUM_ROWS])
        more = ", ..." if len(rows) > MAXIMUM_ROWS else ""
        return f"batch: {counted(len(rows), 'row')}, these in this order: {listed}{more}"

    def _heading(self, text: str) -> None:
        self._console.print()
        self._line(text, 1, "cyan")

    def _layers(self, layers: Sequence[TracedLayer]) -> None:
        for layer in layers:
            summary = layer.summary.partition("  ")[0]
            lead = layer.name if layer.name == layer.type else f"{layer.name} ({layer.type})"
            self._line(f"{lead}: {summary}", 1, "bold", styled=len(lead))
            for each in layer.lines:
                whole = "" if each.of_row or not each.value.shape else "  (all rows)"
                if len(each.written) == 1:
                    text = each.written[0].partition(" = ")[2]
                    self._line(f"{each.name} = {each.formula} = {text}{whole}", 3)
                    continue
                self._line(f"{each.name} = {each.formula} = {_numbers(each.value)}{whole}", 3)
                for written in each.written:
                    self._line(written, 5, "dim")

    def _loss(self, step: TracedStep) -> None:
        if step.share is not None:
            of = "mean" if step.mean else "sum"
            penalty = f", penalties {step.penalty:.4g}" if step.penalty else ""
            self._line(
                f"the loss is the {of} over the batch, {step.loss:.4g}{penalty}; "
                f"row {self._found.row + 1:,} adds {step.share:.4g} to it",
                3,
            )

    def _parameter(self, parameter: TracedParameter, step: TracedStep) -> None:
        shape = " x ".join(map(str, parameter.before.shape)) or "1"
        lead = f"{parameter.name} ({shape})"
        self._line(lead, 1, "bold", styled=len(parameter.name))
        of = "mean" if step.mean else "sum"
        rows = counted(len(step.rows), "row")
        self._line(f"gradient, the {of} over {rows} = {_numbers(parameter.gradient)}", 3)
        if parameter.share is not None:
            self._line(f"of it from row {self._found.row + 1:,} = {_numbers(parameter.share)}", 3)
        for name, slot in parameter.slots.items():
            self._line(f"{name} = {_numbers(slot)}", 3)
        if step.update or not (parameter.after == parameter.before).all():
            self._line(f"before = {_numbers(parameter.before)}", 3)
            self._line(f"after  = {_numbers(parameter.after)}", 3)
        for written in parameter.written:
            self._line(written, 5, "dim")

    def _line(self, text: str, indent: int, style: str = "", styled: int | None = None) -> None:
        """Print a text, in lines that are indented like the first and more."""
        from specnet.diagnostics.segments import printable, wrapped

        if self._ascii:
            text = "".join(ASCII.get(letter, letter) for letter in text)
        first, *rest = wrapped(printable(text), self._width - indent - 4)
        line = Text(" " * indent + first.rstrip())
        if style:
            line.stylize(style, indent, indent + (len(first) if styled is None else styled))
        self._console.print(line, soft_wrap=True)
        indent += 4
        for other in rest:
            self._console.print(
                Text(" " * indent + other.rstrip(), "" if styled is not None else style), soft_wrap=True
            )


def _numbers(array: Array) -> str:
    """Return an array in nested brackets, or its first numbers and a summary of all."""
    if not array.shape:
        return _number(float(array))
    if array.size <= MAXIMUM_NUMBERS:
        return _nested(array)
    first = ", ".join(_number(float(value)) for value in array.reshape(-1)[:SHOWN])
    shape = " x ".join(map(str, array.shape))
    mean, low, high = (_number(float(value)) for value in (array.mean(), array.min(), array.max()))
    return f"[{first}, ...]  ({shape}; mean {mean}, min {low}, max {high})"


def _nested(array: Array) -> str:
    if array.ndim == 0:
        return _number(float(array))
    return f"[{', '.join(map(_nested, array))}]"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return entries([value])[0]
    return str(int(value)) if value.is_integer() and abs(value) < 1e6 else f"{value:.4g}"


def _data(found: Trace) -> dict[str, Any]:
    return {
        "name": found.name,
        "row": found.row + 1,
        "rows": found.rows,
        "steps": [_step_data(step) for step in found.steps],
        "ended": found.ended or None,
    }


def _step_data(step: TracedStep) -> dict[str, Any]:
    return {
        "step": step.step,
        "epoch": step.epoch,
        "rows": [row + 1 for row in step.rows],
        "learning_rate": step.learning_rate,
        "inputs": _arrays(step.inputs),
        "targets": _arrays(step.targets),
        "forward": [_layer_data(layer) for layer in step.forward],
        "loss": {
            "batch": step.loss,
            "penalty": step.penalty,
            "row": step.share,
            "reduction": "mean" if step.mean else "sum",
        },
        "backward": [_layer_data(layer) for layer in step.backward],
        "update": [{"name": name.removesuffix(" ←"), "formula": text} for name, text in step.update],
        "parameters": {
            each.name: {
                "before": _array(each.before),
                "gradient": _array(each.gradient),
                "row": None if each.share is None else _array(each.share),
                "slots": _arrays(each.slots),
                "after": _array(each.after),
                "written": list(each.written),
            }
            for each in step.parameters
        },
    }


def _layer_data(layer: TracedLayer) -> dict[str, Any]:
    lines = [
        {
            "name": line.name,
            "formula": line.formula,
            "of_row": line.of_row,
            "value": _array(line.value),
            "written": list(line.written),
        }
        for line in layer.lines
    ]
    return {"layer": layer.name, "type": layer.type, "summary": layer.summary, "lines": lines}


def _arrays(arrays: Mapping[str, Array]) -> dict[str, Any]:
    return {name: _array(array) for name, array in arrays.items()}


def _array(array: Array) -> Any:
    if array.size <= MAXIMUM_JSON:
        return array.tolist()
    return {
        "shape": list(array.shape),
        "first": array.reshape(-1)[:SHOWN].tolist(),
        "mean": float(array.mean()),
        "min": float(array.min()),
        "max": float(array.max()),
    }
