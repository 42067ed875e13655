"""Predictions and weights in full, for data and models small enough to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from rich.console import Console

from specnet.cli.numbers import entries
from specnet.cli.tables import TextTable, section
from specnet.cli.terminal import say
from specnet.diagnostics.text import counted
from specnet.model.averaged import AveragedModel
from specnet.model.compiled import CompiledModel
from specnet.model.network import Network
from specnet.runs.result import CompletedRun, Result

if TYPE_CHECKING:
    import numpy as np

    from specnet.data import Split
    from specnet.runs.out_of_fold import OutOfFold

    Array = np.ndarray[Any, Any]

Column = tuple[str, list[str]]
"""A head, and a string for each row."""

MAXIMUM_ROWS = 100
"""Rows of data that are still shown."""

MAXIMUM_INPUTS = 12
"""Numbers of an input that are still shown beside its prediction."""

MAXIMUM_OUTPUTS = 6
"""Outputs of which each has a column; of more classes, only the predicted one."""

MAXIMUM_NUMBERS = 1000
"""Parameters of a model whose weights are still shown."""


def show_asked(console: Console, result: CompletedRun) -> None:
    """Print what the document's [output] asks for, and say what is too large to be read."""
    asked = result.model.network.spec.output.show
    if "predictions" in asked:
        _predictions(console, result)
    if "weights" in asked:
        section(console, "weights")
        if _readable(console, result.parameter_count):
            _weights(console, result.model.parameters)


def show_asked_of_folds(console: Console, result: Result) -> None:
    """Print the same of a run with folds: the predictions out of fold, and the weights of each fold's model."""
    model = result.model
    assert isinstance(model, AveragedModel)
    asked = model.compiled[0].network.spec.output.show
    if "predictions" in asked:
        section(console, "predictions out of fold")
        _out_of_fold(console, result.out_of_fold, model.compiled)
    if "weights" in asked and _readable(console, result.parameter_count * len(result.folds), "weights"):
        for number, compiled in enumerate(model.compiled, 1):
            section(console, f"weights of fold {number}")
            _weights(console, compiled.parameters)


def _out_of_fold(console: Console, found: OutOfFold | None, models: Sequence[CompiledModel]) -> None:
    if found is None:
        say(console, " not shown: not every fold has been trained", "dim")
        return
    if len(found.rows) > MAXIMUM_ROWS:
        _too_many(console, len(found.rows))
        return
    order = found.rows.argsort(kind="stable")
    places = [("row", [str(n) for n in found.rows[order].tolist()])]
    folds = [("fold", [str(n) for n in found.folds[order].tolist()])]
    made = {name: array[order] for name, array in found.outputs.items()}
    numbers = found.targets[order].reshape(len(order), -1)
    at = [_cutoff(models[(fold - 1) % len(models)]) for fold in found.folds[order].tolist()]
    _joined([*places, *folds, *_columns_of(models[0], made, numbers, at)]).show(console)


def _predictions(console: Console, result: CompletedRun) -> None:
    rows = sum(len(split) for split in result.data.splits.values())
    if rows > MAXIMUM_ROWS:
        section(console, "predictions")
        _too_many(console, rows)
        return
    inputs = _inputs(result)
    # Before the heading, since an engine may have something to say first, such as that it compiles.
    outputs = {name: _output_columns(result, split) for name, split in result.data.splits.items()}
    section(console, "predictions")
    for name, others in outputs.items():
        if len(outputs) > 1:
            say(console, f" {name}", "bold")
        made = _joined([*inputs[name], *others])
        (made if made.width <= console.width else _joined(others)).show(console)


def _too_many(console: Console, rows: int) -> None:
    say(
        console, f" not shown: there are {counted(rows, 'row')}, and up to {MAXIMUM_ROWS} are readable", "dim"
    )


def _joined(columns: list[Column]) -> TextTable:
    cells = zip(*(cells for _, cells in columns), strict=True)
    return TextTable([head for head, _ in columns], ">" * len(columns), list(cells))


def _inputs(result: CompletedRun) -> dict[str, list[Column]]:
    """Return each split's inputs in the units of the data, if there are few."""
    import numpy as np

    names = result.data.signature.features
    splits = {
        name: result.data.encoding.raw_rows(split.inputs).reshape(len(split), -1)
        for name, split in result.data.splits.items()
    }
    count = next(iter(splits.values())).shape[1]
    if count > MAXIMUM_INPUTS:
        return {name: [] for name in splits}
    heads = [f"x{n}" for n in range(count)] if names is None else list(names)
    # There and back, a transform leaves last digits of a float behind that nobody has measured.
    largest = np.maximum(np.max([np.abs(rows).max(axis=0) for rows in splits.values()], axis=0), 1e-300)
    rounded = {name: np.round(rows / largest, 6) * largest for name, rows in splits.items()}
    return {
        name: [
            (head, entries([float(f"{value:.6g}") for value in rows[:, n].tolist()]))
            for n, head in enumerate(heads)
        ]
        for name, rows in rounded.items()
    }


def _output_columns(result: CompletedRun, split: Split) -> list[Column]:
    """Return targets and outputs in the units of the data, and the classes that the outputs are read as."""
    from specnet.data.streamed import whole, whole_inputs

    network, encoding = result.model.network, result.data.encoding
    inputs, targets = whole_inputs(split.inputs), whole(split.targets)
    outputs = result.model.predictions(inputs)
    targets = targets if network.signature.integers else encoding.decode(targets)
    at = [_cutoff(result.model)] * len(split)
    return _columns_of(result.model, outputs, targets.reshape(len(split), -1), at)


def _columns_of(
    model: CompiledModel, made: Mapping[str, Array], numbers: Array, at: Sequence[float]
) -> list[Column]:
    """Return targets (rows, numbers) and predictions by output, and the classes that these are read as.

    `at` is the value of an only output from which on each row is read as yes.
    """
    network, signature = model.network, model.network.signature
    names = (signature.classes or ()) if network.spec.loss.targets != "real" else ()
    columns: list[Column] = []
    if numbers.shape[1] == 1:
        columns.append(("target", [_label(v, names) for v in numbers[:, 0].tolist()]))
    elif numbers.shape[1] <= MAXIMUM_OUTPUTS:
        columns += [(f"target {n}", entries(numbers[:, n].tolist())) for n in range(numbers.shape[1])]
    if network.several:
        return [*columns, *_several_outputs(model, made)]
    outputs = made[""].reshape(len(numbers), -1)
    count = outputs.shape[1]
    grouped = network.spec.loss.targets == "groups"
    of = () if grouped else names  # an embedding's values are of no classes
    if count <= MAXIMUM_OUTPUTS:
        heads = ["prediction"] if count == 1 else [_output(n, of) for n in range(count)]
        if of:  # probabilities are compared across a row, so all have the same digits
            texts = entries(outputs.reshape(-1).tolist(), 5)
            columns += [(head, texts[n::count]) for n, head in enumerate(heads)]
        else:
            columns += [
                (head, entries(values, 5)) for head, values in zip(heads, outputs.T.tolist(), strict=True)
            ]
    several = network.spec.loss.targets == "classes" and len(network.outputs[""].shape) > 1
    reading = None if grouped or several else _readings(network, outputs, numbers, at)
    if reading is not None:
        columns.append(("read as", [_label(v, names) for v in reading]))
        wrong = ["" if a == b else "wrong" for a, b in zip(reading, _true(numbers), strict=True)]
        if any(wrong):
            columns.append(("", wrong))
    return columns


def _several_outputs(model: CompiledModel, made: Mapping[str, Array]) -> Iterator[Column]:
    """Yield what `predict` writes of each of several outputs."""
    from specnet.runs.predicting import readings

    for name, reading in readings(model).items():
        if prod(made[name].shape[1:]) > MAXIMUM_OUTPUTS:
            continue
        for head, cells in zip(reading.head, reading.columns(made[name]), strict=True):
            texts = [f"{cell:.6g}" if isinstance(cell, (int, float)) else cell for cell in cells]
            yield f"{name}.{head}", texts


def _cutoff(model: CompiledModel) -> float:
    """Return the value from which on an only output is read as yes."""
    loss = model.network.spec.loss
    at = loss.threshold if loss.targets == "binary" else 0.5
    return float(model.cutoffs[""][0]) if "" in model.cutoffs else at


def _readings(network: Network, outputs: Array, targets: Array, at: Sequence[float]) -> list[int] | None:
    """Return the class that each row is read as; None where the outputs are no classes.

    One output is read as 0 or 1 where all targets are 0 or 1, whatever the loss.
    """
    loss = network.spec.loss
    if outputs.shape[1] == 1:
        yes_or_no = bool(((targets == 0) | (targets == 1)).all())
        decided = zip(outputs[:, 0], at, strict=True)
        return [int(value >= cut) for value, cut in decided] if yes_or_no and targets.shape[1] == 1 else None
    return [int(place) for place in outputs.argmax(axis=1)] if loss.targets == "classes" else None


def _true(targets: Array) -> list[int]:
    return [int(v) for v in (targets[:, 0] if targets.shape[1] == 1 else targets.argmax(axis=1))]


def _label(value: float, names: tuple[str, ...]) -> str:
    if names and float(value).is_integer() and 0 <= value < len(names):
        return names[int(value)]
    return f"{value:.6g}"


def _output(place: int, names: tuple[str, ...]) -> str:
    return f"P({names[place]})" if place < len(names) else f"prediction {place}"


def _readable(console: Console, count: int, title: str | None = None) -> bool:
    """Return whether so many numbers are still shown; say so below a title where they are not."""
    if count <= MAXIMUM_NUMBERS:
        return True
    if title is not None:
        section(console, title)
    much = counted(count, "parameter")
    say(console, f" not shown: the model has {much}, and up to {MAXIMUM_NUMBERS} are readable", "dim")
    return False


def _weights(console: Console, parameters: Mapping[str, Array]) -> None:
    for name, array in parameters.items():
        for title, matrix in _matrices(name, array):
            shape = " x ".join(map(str, array.shape))
            say(console, f" {title}  ({shape})", "bold")
            lines = _lines(matrix, console.width - 2)
            for line in lines:
                say(console, f"  {line}")
            if not lines:
                say(
                    console,
                    f"  not shown: {counted(matrix.shape[1], 'column')} are wider than the terminal",
                    "dim",
                )


def _matrices(name: str, array: Array) -> Iterator[tuple[str, Array]]:
    """Yield an array as matrices, a vector as one row."""
    import numpy as np

    if array.ndim <= 2:
        yield name, array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
        return
    for place in np.ndindex(array.shape[:-2]):
        yield f"{name}[{', '.join(map(str, place))}]", array[place]


def _lines(matrix: Array, columns: int) -> list[str]:
    """Return a matrix in aligned rows with as many digits as fit, a single row in several lines.

    There are none where the rows do not fit.
    """
    if len(matrix) == 1:
        texts = _aligned(matrix[0].tolist(), 9)
        fit = max(1, (columns + 2) // (len(texts[0]) + 2))
        return ["  ".join(texts[start : start + fit]) for start in range(0, len(texts), fit)]
    for digits in (9, 7, 5, 3):
        by_column = [_aligned(matrix[:, n].tolist(), digits) for n in range(matrix.shape[1])]
        if sum(len(cells[0]) + 2 for cells in by_column) - 2 <= columns:
            return ["  ".join(row) for row in zip(*by_column, strict=True)]
    return []


def _aligned(values: list[float], digits: int) -> list[str]:
    texts = entries(values, digits)
    room = max(len(text) for text in texts)
    return [text.rjust(room) for text in texts]
