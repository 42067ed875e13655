"""Predictions for the rows of each fold by the model that was not trained on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.streamed import taken, taken_inputs
from specnet.diagnostics import RunError
from specnet.model.predicting import PREDICTION_ROWS
from specnet.storage.archive import BROKEN, read_arrays, write_arrays
from specnet.storage.files import write_whole

if TYPE_CHECKING:
    from specnet.data import Dataset
    from specnet.model.compiled import CompiledModel

Array = np.ndarray[Any, Any]

_LEAD = "predictions"


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """The predictions for rows that were held out, each by the model that was not trained on it.

    They are in the order of the folds; a row appears once in each repeat.
    """

    rows: Array
    """(rows,): the index of each row among those that were split, from 0."""
    folds: Array
    """(rows,): the fold that held it out, from 1."""
    targets: Array
    """(rows, ...): its target: a class index, or numbers in the units of the data."""
    outputs: Mapping[str, Array]
    """(rows, ...) each: its prediction, as `Model.predict` returns it, by output; the only one has no name."""

    @property
    def predictions(self) -> Array:
        """The predictions of the only output."""
        return self.outputs[""]

    @classmethod
    def joined(cls, parts: Sequence[OutOfFold]) -> OutOfFold:
        """Return those of several folds in one."""
        return cls(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.folds for part in parts]),
            np.concatenate([part.targets for part in parts]),
            {name: np.concatenate([part.outputs[name] for part in parts]) for name in parts[0].outputs},
        )

    def write(self, path: Path) -> None:
        """Write an archive that `numpy.load` opens; raise RunError where it cannot be written."""
        arrays = {"rows": self.rows, "folds": self.folds, "targets": self.targets}
        arrays |= {f"{name}.{_LEAD}" if name else _LEAD: array for name, array in self.outputs.items()}
        write_whole(path, lambda file: write_arrays(file, arrays))

    @classmethod
    def read(cls, path: Path) -> OutOfFold:
        """Return what `write` has written; raise RunError where it is damaged."""
        try:
            arrays = read_arrays(path)
            rows, folds, targets = (arrays.pop(name) for name in ("rows", "folds", "targets"))
        except FileNotFoundError:
            raise RunError(f"there is no {path}") from None
        except (*BROKEN, OSError) as error:
            raise RunError(f"{path} is damaged: {error}") from error
        outputs = {name.removesuffix(_LEAD).removesuffix("."): array for name, array in arrays.items()}
        lengths = {array.shape[:1] for array in (rows, folds, targets, *outputs.values())}
        if not outputs or lengths != {(len(rows),)}:
            raise RunError(f"{path} is damaged: its arrays do not fit together")
        return cls(rows, folds, targets, outputs)


def held_out(model: CompiledModel, data: Dataset, fold: int) -> OutOfFold:
    """Return the predictions of a fold's model for the fold."""
    part, network = data.splits["test"], model.network
    every = np.arange(len(part))
    cuts = [
        model.predictions(taken_inputs(part.inputs, every[start : start + PREDICTION_ROWS]))
        for start in range(0, len(every), PREDICTION_ROWS)
    ]
    outputs = {name: np.concatenate([cut[name] for cut in cuts]) for name in network.outputs}
    targets = taken(part.targets, every)
    if network.spec.data.reproduces:
        way = model.way_back(next(iter(network.outputs.values())))
        targets = targets if way is None else way.invert(targets)
    elif not data.signature.integers:
        targets = data.encoding.decode(targets)
    rows = data.places["test"].astype(np.int64)
    return OutOfFold(rows, np.full(len(rows), fold, np.int64), targets, outputs)
