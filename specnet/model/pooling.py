"""The mean of several models as an output of the first of them, so that its loss and its metrics can be measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from specnet.data import Split
from specnet.diagnostics import RunError
from specnet.engines.execution import Executable
from specnet.model.arrays import as_arrays
from specnet.model.calibrators import calibrated
from specnet.model.fitted import FittedModel
from specnet.model.given_outputs import PENALTY, ROW_PENALTIES
from specnet.model.pooled_outputs import Judging, MemberOutput, misfit, pooled
from specnet.model.settings import evaluation_rows

Array = np.ndarray[Any, Any]


class PooledRows:
    """What one model makes of the mean of what several predict for the same rows.

    Each of these has a split of its own with the rows, since its transforms are its own. Raises RunError where the
    judging model's loss is about more than another predicts, such as a variance.
    """

    def __init__(self, judge: FittedModel, models: Sequence[FittedModel], splits: Sequence[Split]) -> None:
        for number, model in enumerate(models, 1):
            for name, output in judge.network.outputs.items():
                why = misfit(output.loss, model.network.outputs[name].loss, number)
                if why is not None:
                    raise RunError(f"the mean of the models cannot be evaluated: {why}")
        self._judge = judge
        self._members = [_Member(model, split) for model, split in zip(models, splits, strict=True)]
        self._rows = len(splits[0])
        self._places = np.empty(0, np.intp)
        self._made: dict[str, Array] = {}

    def arrays(self) -> dict[str, PooledArray]:
        """Return what `with_given_outputs` reads, by name; outputs are computed batch by batch."""
        network = self._judge.network
        shapes = {output.given: output.loss_shape for output in network.outputs.values()}
        shapes[ROW_PENALTIES] = ()
        dtype = np.dtype(network.spec.dtype)
        return {name: PooledArray(self, name, (self._rows, *own), dtype) for name, own in shapes.items()}

    def penalty(self) -> Array:
        """Return the mean of the models' penalties, (1,)."""
        means = np.mean([member.penalty() for member in self._members], dtype=np.float64)
        return np.full(1, means, self._judge.network.spec.dtype)

    def at(self, places: Array) -> Mapping[str, Array]:
        """Return the arrays for the rows at some places, by name."""
        if not np.array_equal(places, self._places):
            each = [member.at(places) for member in self._members]
            rows = [own[ROW_PENALTIES] for own in each]
            made = {ROW_PENALTIES: np.asarray(np.mean(rows, axis=0, dtype=np.float64))}
            for name, output in self._judge.network.outputs.items():
                members = [member.output(name, own) for member, own in zip(self._members, each, strict=True)]
                made[output.given] = pooled(Judging(output.loss, self._judge.way_back(output)), members)
            self._places, self._made = places.copy(), made
        return self._made


class PooledArray:
    """One array of pooled rows, of which a batch is made when it is asked for."""

    window = 0

    def __init__(self, of: PooledRows, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._of, self._name, self.shape, self.dtype = of, name, shape, dtype

    def __len__(self) -> int:
        return self.shape[0]

    def begin(self, *, shuffled: bool = False) -> None:
        """Do nothing: rows are made from splits, which are read anew."""

    def expect(self, parts: Iterable[Array]) -> None:
        """Do nothing, as `begin`."""

    def skip(self, places: Array) -> None:
        """Do nothing, as `begin`."""

    def apart(self) -> PooledArray:
        """Return the same: what is made last is kept for the arrays of one batch, which one reader asks for."""
        return self

    def fetch(self, places: Array, out: Array) -> None:
        """Put the rows at these places into `out`."""
        out[...] = self._of.at(places)[self._name].reshape(out.shape)


class _Member:
    """One of the models, and the rows as it takes them."""

    def __init__(self, model: FittedModel, split: Split) -> None:
        network = model.network
        self._model, self._split = model, split
        lowered = calibrated(network, network.lower(training=False), model.calibrators, costs=True)
        graph, builder = lowered.graph, lowered.builder
        for name, output in network.outputs.items():
            own = lowered.outputs[name]
            graph.outputs |= {output.given: own.output, output.prediction: own.prediction}
        if builder.row_penalties:
            graph.outputs[ROW_PENALTIES] = reduce(add, builder.row_penalties)
        self._has_penalty = bool(builder.penalties)
        if builder.penalties:
            graph.outputs[PENALTY] = reduce(add, builder.penalties)
        self._count = evaluation_rows(network, len(split))
        self._executable = Executable(network.plan(graph, self._count))

    def penalty(self) -> float:
        return float(self._step(np.arange(1))[PENALTY].item()) if self._has_penalty else 0.0

    def at(self, places: Array) -> dict[str, Array]:
        parts = [self._step(places[n : n + self._count]) for n in range(0, len(places), self._count)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != PENALTY}

    def output(self, name: str, arrays: Mapping[str, Array]) -> MemberOutput:
        """Return one output of the rows whose arrays are given."""
        model, output = self._model, self._model.network.outputs[name]
        return MemberOutput(arrays[output.given], arrays[output.prediction], model.way_back(output))

    def _step(self, places: Array) -> dict[str, Array]:
        model = self._model
        arrays = as_arrays(model.network, *self._split.at(places))
        bound = self._executable.bind(len(places), model.leaves(**arrays))
        with model.use.reading(), np.errstate(all="ignore"):
            scalars = zip(self._executable.plan.scalars, bound.step(), strict=True)
        made = {ROW_PENALTIES: np.zeros(len(places)), **{name: np.array(value) for name, value in scalars}}
        return made | {name: array.copy() for name, array in bound.arrays.items()}
