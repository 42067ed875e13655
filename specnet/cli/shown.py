"""Predictions and weights in full, for data and models small enough to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console

from specnet.cli.numbers import counted, entries
from specnet.cli.tables import Table, section
from specnet.cli.terminal import say
from specnet.runs.result import Result

if TYPE_CHECKING:
    import numpy as np

    from specnet.data import Split

    Array = np.ndarray[Any, Any]

MOST_ROWS = 100
"""Rows of data that are still shown."""

MOST_INPUTS = 12
"""Numbers of an input that are still shown beside its prediction."""

MOST_OUTPUTS = 6
"""Outputs of which each has a column; of more classes, only the predicted one."""

MOST_NUMBERS = 1000
"""Parameters of a model whose weights are still shown."""


def show_asked(console: Console, result: Result) -> None:
    """Print what the document's [output] asks for, and say what is too large to be read."""
    asked = result.model.network.spec.output.show
    if "predictions" in asked:
        _predictions(console, result)
    if "weights" in asked:
        _weights(console, result)


def _predictions(console: Console, result: Result) -> None:
    rows = sum(len(split) for split in result.data.splits.values())
    section(console, "predictions")
    if rows > MOST_ROWS:
        say(
            console,
            f" not shown: there are {counted(rows, 'row')}, and up to {MOST_ROWS} are readable",
            "dim",
        )
        return
    for name, split in result.data.splits.items():
        heads, cells = _prediction_columns(result, split)
        if len(result.data.splits) > 1:
            say(console, f" {name}", "bold")
        made = Table(heads, ">" * len(heads), list(cells))
        if made.width > console.width:
            kept = [n for n, head in enumerate(heads) if not head.startswith("x")]
            made = Table([heads[n] for n in kept], ">" * len(kept), [[row[n] for n in kept] for row in cells])
        made.show(console)


def _prediction_columns(result: Result, split: Split) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows: the inputs in the data's units, target, outputs, and what they are read as."""
    network, encoding = result.model.network, result.data.encoding
    signature = result.data.signature
    made = encoding.decode(result.model.forward(split.inputs))
    outputs = made.reshape(len(split), -1)
    columns: list[tuple[str, list[str]]] = []
    inputs = encoding.inputs.invert(split.inputs) if encoding.inputs.transforms else split.inputs
    inputs = inputs.reshape(len(split), -1)
    if inputs.shape[1] <= MOST_INPUTS:
        known = signature.features
        heads = [f"x{n}" if known is None else f"x: {known[n]}" for n in range(inputs.shape[1])]
        columns += [(head, entries(inputs[:, n].tolist())) for n, head in enumerate(heads)]
    targets = encoding.decode(split.targets) if not signature.integers else split.targets
    numbers = targets.reshape(len(split), -1)
    names = signature.classes or ()
    classes = network.spec.loss.targets != "real"
    if numbers.shape[1] == 1:
        columns.append(("target", [_label(v, names, classes) for v in numbers[:, 0].tolist()]))
    elif numbers.shape[1] <= MOST_OUTPUTS:
        columns += [(f"target {n}", entries(numbers[:, n].tolist())) for n in range(numbers.shape[1])]
    several = outputs.shape[1] > 1
    if outputs.shape[1] <= MOST_OUTPUTS:
        heads = [_output(n, names if classes else (), several=several) for n in range(outputs.shape[1])]
        columns += [(head, entries(outputs[:, n].tolist(), 5)) for n, head in enumerate(heads)]
    reading = _readings(result, outputs, numbers)
    if reading is not None:
        columns.append(("read as", [_label(v, names, classes=True) for v in reading]))
        right = [int(a) == int(b) for a, b in zip(reading, _true(numbers), strict=True)]
        columns.append(("", ["" if ok else "wrong" for ok in right]))
    return [head for head, _ in columns], [
        list(cells) for cells in zip(*(c for _, c in columns), strict=True)
    ]


def _readings(result: Result, outputs: Array, targets: Array) -> list[int] | None:
    """Return the class that each row is read as; None where the outputs are no classes.

    One output is read as 0 or 1 where all targets are 0 or 1, whatever the loss.
    """
    loss = result.model.network.spec.loss
    if outputs.shape[1] == 1:
        yes_or_no = bool(((targets == 0) | (targets == 1)).all())
        at = loss.threshold if loss.targets == "binary" else 0.5
        return [int(value >= at) for value in outputs[:, 0]] if yes_or_no and targets.shape[1] == 1 else None
    return [int(place) for place in outputs.argmax(axis=1)] if loss.targets == "classes" else None


def _true(targets: Array) -> list[int]:
    return [int(v) for v in (targets[:, 0] if targets.shape[1] == 1 else targets.argmax(axis=1))]


def _label(value: float, names: tuple[str, ...], classes: bool) -> str:
    if classes and names and float(value).is_integer() and 0 <= value < len(names):
        return names[int(value)]
    return f"{value:.6g}"


def _output(place: int, names: tuple[str, ...], *, several: bool) -> str:
    if not several:
        return "prediction"
    return f"P({names[place]})" if place < len(names) else f"prediction {place}"


def _weights(console: Console, result: Result) -> None:
    section(console, "weights")
    if result.parameters > MOST_NUMBERS:
        much = counted(result.parameters, "parameter")
        say(console, f" not shown: the model has {much}, and up to {MOST_NUMBERS} are readable", "dim")
        return
    for name, array in result.model.parameters.items():
        for title, matrix in _matrices(name, array):
            shape = " x ".join(map(str, array.shape))
            say(console, f" {title}  ({shape})", "bold")
            for line in _lines(matrix, console.width - 2):
                say(console, f"  {line}")


def _matrices(name: str, array: Array) -> Iterator[tuple[str, Array]]:
    """Yield an array as matrices, a vector as one row."""
    import numpy as np

    if array.ndim <= 2:
        yield name, array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
        return
    for place in np.ndindex(array.shape[:-2]):
        yield f"{name}[{', '.join(map(str, place))}]", array[place]


def _lines(matrix: Array, columns: int) -> list[str]:
    """Return a matrix in aligned rows, a row that is too long in several lines, with as many digits as fit."""
    for digits in (9, 7, 5):
        texts = [_aligned(matrix[:, n].tolist(), digits) for n in range(matrix.shape[1])]
        if sum(len(cells[0]) + 2 for cells in texts) <= columns:
            return ["  ".join(row) for row in zip(*texts, strict=True)]
    fit = max(1, columns // (len(texts[0][0]) + 2))
    lines = []
    for row in zip(*texts, strict=True):
        parts = [row[start : start + fit] for start in range(0, len(row), fit)]
        lines += [("    " if part is not parts[0] else "") + "  ".join(part) for part in parts]
    return lines


def _aligned(values: list[float], digits: int) -> list[str]:
    texts = entries(values, digits)
    room = max(len(text) for text in texts)
    return [text.rjust(room) for text in texts]
