"""Predictions for files of rows, as tables and lines that name the classes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, prod
from typing import IO, Any, Literal

import numpy as np

from specnet.compiler.model import Model
from specnet.data.faults import LIMIT
from specnet.diagnostics import Diagnostic, SpecError
from specnet.runs.row_files import Block

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the numbers that a model gives are read.

    `classes`: one value a class, the largest is the prediction. `binary`: one value, which from `threshold`
    on means the second class. `numbers`: as they are.
    """

    kind: Literal["classes", "binary", "numbers"]
    names: tuple[str, ...]
    """The classes, or the numbers' names."""
    probable: bool
    """Whether the values of classes are probabilities, and not scores."""
    threshold: float = 0.5

    @classmethod
    def of(cls, model: Model) -> Reading:
        """Return how a model's predictions are read."""
        loss, network = model.network.spec.loss, model.network
        shape, classes = network.prediction_shape, network.signature.classes
        if loss.targets == "classes" and len(shape) == 1 and shape[0] > 1:
            known = classes if classes is not None and len(classes) == shape[0] else None
            return cls("classes", known or tuple(map(str, range(shape[0]))), loss.link != "identity")
        if loss.targets == "binary" and prod(shape) == 1:
            known = classes if classes is not None and len(classes) == 2 else None
            return cls("binary", known or ("0", "1"), loss.link != "identity", loss.threshold)
        target = getattr(network.spec.data, "target", None)
        if prod(shape) == 1:
            return cls("numbers", ("prediction",), probable=False)
        if isinstance(target, tuple) and len(target) == prod(shape):
            return cls("numbers", tuple(map(str, target)), probable=False)
        return cls("numbers", tuple(f"prediction_{n}" for n in range(prod(shape))), probable=False)

    @property
    def head(self) -> list[str]:
        """The names of the columns of a table of predictions."""
        if self.kind == "numbers":
            return list(self.names)
        valued = self.names if self.kind == "classes" else self.names[1:]
        return ["prediction", *(f"P({name})" if self.probable else f"score({name})" for name in valued)]

    def indices(self, predictions: Array) -> Array:
        """Return the class that each row is read as."""
        if self.kind == "classes":
            return np.asarray(predictions.argmax(axis=1))
        return np.asarray(predictions.reshape(len(predictions)) >= self.threshold, np.intp)


def predictions(model: Model, blocks: Iterator[Block], file: str) -> Iterator[Array]:
    """Yield the predictions for blocks of rows; raise SpecError naming the rows of `file` that have none."""
    encoding = model.encoding
    assert encoding is not None
    for block in blocks:
        try:
            encoded = encoding.encode(block.rows)
        except SpecError:
            raise _faults(model, block, file) from None
        yield encoding.decode(model.forward(encoded)).astype(model.network.spec.dtype)


def _faults(model: Model, block: Block, file: str) -> SpecError:
    """Return what is wrong with a block, row by row, since its rows' places are the file's."""
    encoding = model.encoding
    assert encoding is not None
    found: list[Diagnostic] = []
    for place, row in zip(block.places, block.rows, strict=True):
        try:
            encoding.encode([row])
        except SpecError as error:
            for d in error.diagnostics:
                said = d.message.removeprefix("row 1, ").removeprefix("row 1 ")
                message = f"{place} of `{file}`{'' if said.startswith('has ') else ':'} {said}"
                found.append(Diagnostic(d.code, message, file=file, help=d.help))
        if len(found) >= LIMIT:
            break
    return SpecError(found)


def write_csv(file: IO[str], reading: Reading, parts: Iterator[Array]) -> None:
    """Write a table of predictions, with a header."""
    import csv

    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(reading.head)
    for part in parts:
        values = [list(map(str, row)) for row in part.reshape(len(part), -1)]
        if reading.kind != "numbers":
            names = [reading.names[i] for i in reading.indices(part)]
            values = [[name, *row] for name, row in zip(names, values, strict=True)]
        writer.writerows(values)


def write_lines(file: IO[str], reading: Reading, parts: Iterator[Array]) -> None:
    """Write a JSON object a row: `prediction`, and `probabilities` (or `scores`) by class."""
    valued = "probabilities" if reading.probable else "scores"
    for part in parts:
        if reading.kind == "numbers":
            shown: list[dict[str, Any]] = [
                {"prediction": _plain(row[0] if row.shape == (1,) else row)} for row in part
            ]
        else:
            names = reading.names if reading.kind == "classes" else reading.names[1:]
            shown = [
                {
                    "prediction": reading.names[i],
                    valued: dict(zip(names, _plain(row.reshape(-1)), strict=True)),
                }
                for i, row in zip(reading.indices(part), part, strict=True)
            ]
        file.writelines(f"{json.dumps(row, ensure_ascii=False, allow_nan=False)}\n" for row in shown)


def write_npz(file: IO[bytes], reading: Reading, parts: Iterator[Array], shape: tuple[int, ...]) -> None:
    """Write an archive with `predictions` (rows, ...), and of classes the `indices` and the `names`."""
    whole = list(parts)
    array = np.concatenate(whole) if whole else np.empty((0, *shape))
    arrays = {"predictions": array}
    if reading.kind != "numbers":
        arrays |= {"indices": reading.indices(array), "names": np.array(reading.names)}
    np.savez(file, allow_pickle=False, **arrays)


def _plain(value: Any) -> Any:
    """Return numbers with no more digits than they have, and null for what JSON does not have."""
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value]
    number = float(str(value))
    return number if isfinite(number) else None
