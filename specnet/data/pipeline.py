from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from specnet.data.by_columns import ColumnArithmetic
from specnet.data.files import memory
from specnet.data.inputs import cut, holds
from specnet.data.lowered import ROWS, LoweredPipeline, affine, lower
from specnet.data.rows import ArrayRows, ColumnRows, Rows, StoredRows, blocks, number_of, places_of, row_at
from specnet.data.running import Runner
from specnet.data.signature import InputArray, only_array
from specnet.data.small_pages import empty
from specnet.data.transforms import Transform, TransformError
from specnet.data.value_faults import note_values

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from specnet.data.collector import Collector
    from specnet.data.lowered import State
    from specnet.data.rows import Chosen
    from specnet.graph.sizes import DType


@dataclass(slots=True)
class Pipeline:
    """The transforms of the inputs or of the targets, with what they learnt from the training split."""

    on: Literal["inputs", "targets"]
    transforms: list[tuple[int, Transform]]
    """Each with its place in the document's list; -1 of a step that stands elsewhere in it."""
    states: list[State] = field(default_factory=list)
    _runners: dict[tuple[Any, ...], Runner] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What runs the transforms that are fitted, by the shape of the rows and the direction."""

    def __getstate__(self) -> tuple[Any, ...]:
        """Leave out what runs it, which follows from the rest."""
        return self.on, self.transforms, self.states

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.on, self.transforms, self.states = state
        self._runners = {}

    @classmethod
    def of(
        cls,
        transforms: Sequence[Transform],
        on: Literal["inputs", "targets"],
        before: Sequence[Transform] = (),
    ) -> Pipeline:
        """Return the pipeline, not fitted yet, of those among a document's transforms that are `on` it.

        Steps `before` them come from elsewhere in the document, and have no place in its list.
        """
        steps = [(i, transform) for i, transform in enumerate(transforms) if transform.on == on]
        return cls(on, [*((-1, step) for step in before), *steps])

    @property
    def steps(self) -> list[tuple[Transform, State]]:
        """The transforms with their states; while they are being fitted, those that are fitted already."""
        return [(t, state) for (_, t), state in zip(self.transforms, self.states, strict=False)]

    @property
    def keeps_order(self) -> bool:
        """Whether each result follows from one number, ascending or descending with it, and `invert` leads back."""
        return all(transform.keeps_order for _, transform in self.transforms)

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one example after all transforms."""
        for _, transform in self.transforms:
            shape = transform.output_shape(shape)
        return shape

    def fit(self, rows: Rows, chosen: Chosen, collector: Collector) -> None:
        """Learn each transform's state from the chosen rows, as the transforms before it leave them."""
        for _, transform in self.transforms:
            pieces = self._blocks(rows, chosen, transform.columns)
            so_far = (np.asarray(block, np.float64) for _, block in pieces)
            try:
                with np.errstate(all="ignore"):
                    state = transform.fit_blocks(so_far)
            except TransformError as error:
                self._note(collector, error, "the train split")
                return
            self.states.append(state)
            self._runners.clear()

    def _blocks(
        self, rows: Rows, chosen: Chosen, elements: tuple[int, ...] | None = None
    ) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield blocks of the chosen rows after the fitted transforms, each until the next, with their places.

        Before all transforms they may be these `elements` alone, which then lie in columns. Raises TransformError with
        the row among all.
        """
        runner = self.runner(rows.shape) if self.states else None
        space = None if runner is None else runner.pool.workspace(runner.maximum)
        columns = rows if isinstance(rows, ColumnRows) else None
        if isinstance(rows, StoredRows):
            rows.expect(places_of(source) for _, source in blocks(rows, chosen))
        for place, source in blocks(rows, chosen):
            if runner is None or space is None:
                yield (
                    place,
                    (
                        columns.take_columns(source, elements)
                        if columns is not None and elements is not None
                        else rows.take(source)
                    ),
                )
                continue
            if columns is None:
                block = rows.take(source)
            else:
                block = space.of(place.stop - place.start).inputs[ROWS]
                columns.put(source, block)
            try:
                yield place, runner.run(space, block)
            except TransformError as error:
                error.row = row_at(source, error.row)
                raise

    def lower(self, shape: tuple[int, ...], *, inverse: bool = False) -> LoweredPipeline:
        """Return the fitted transforms as a graph over examples of a shape; `inverse` the way back.

        Raises ValueError where what was fitted does not fit the shape.
        """
        steps = [
            (f"{self.on}_{i}_", t.lower_inverse if inverse else t.lower, state)
            for i, (t, state) in enumerate(self.steps)
        ]
        return lower(reversed(steps) if inverse else steps, shape)

    def runner(self, shape: tuple[int, ...], *, inverse: bool = False) -> Runner:
        """Return what takes rows of a shape through the fitted transforms; `inverse` the way back."""
        runner = self._runners.get((shape, inverse))
        if runner is None:
            steps = enumerate(self.transforms[: len(self.states)])
            checks = [(i, place, t) for i, (place, t) in steps if t.checks and not inverse]
            runner = self._runners[shape, inverse] = Runner(self.lower(shape, inverse=inverse), checks)
        return runner

    def only(self, rows: Rows, dtype: DType) -> tuple[InputArray, ...]:
        """Return how rows come out as one array of a dtype."""
        return only_array(self.shape(rows.shape), dtype)

    def run(
        self,
        rows: Rows,
        chosen: Chosen,
        arrays: Sequence[InputArray],
        whose: str,
        collector: Collector,
        help: str | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Return the chosen rows after all transforms as arrays by their names: C-contiguous, and finite.

        Values that cannot be taken are noted as `whose` they are: `the test split`'s, say. Rows pass in blocks, so
        that beside the result only a block is held. `help` is what helps where the result is too large.
        """
        count = number_of(rows, chosen)
        if not all(fits((count, *array.shape), array.dtype, collector, help) for array in arrays):
            return {array.name: np.zeros(0, array.dtype) for array in arrays}
        stored = self._as_stored(rows, chosen, arrays)
        if stored is not None:
            self.check(rows, chosen, arrays, whose, collector)
            return {arrays[0].name: stored}
        made = {array.name: empty((count, *array.shape), array.dtype) for array in arrays}
        if not self._put_columns(rows, chosen, arrays, made):
            self.check(rows, chosen, arrays, whose, collector, made)
        return made

    def _put_columns(
        self, rows: Rows, chosen: Chosen, arrays: Sequence[InputArray], made: Mapping[str, NDArray[Any]]
    ) -> bool:
        """Put the chosen rows into `made` column by column, where that can be done, and return whether it has been."""
        only = arrays[0]
        if not isinstance(rows, ColumnRows) or not only.is_plain or any(t.checks for _, t in self.transforms):
            return False
        way = ColumnArithmetic.of(self.lower(rows.shape))
        return way is not None and way.put(rows, chosen, made[only.name])

    def check(
        self,
        rows: Rows,
        chosen: Chosen,
        arrays: Sequence[InputArray],
        whose: str,
        collector: Collector,
        made: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        """Note values among the chosen rows that `run` could not take; what comes out is put into `made`, if given."""
        sound = True
        try:
            with np.errstate(all="ignore"):
                for place, block in self._blocks(rows, chosen):
                    for array in arrays:
                        part = cut(block, array)
                        if made is None:
                            out = part.astype(array.dtype, copy=False)
                        else:
                            out = made[array.name][place]
                            out[...] = part
                        sound = sound and holds(out, part, array)
        except TransformError as error:
            self._note(collector, error, whose)
            return
        if not sound:
            apply = self.apply if self.transforms else None
            note_values(f"{self.on} of {whose}", rows, chosen, arrays, apply, collector)

    def _as_stored(self, rows: Rows, chosen: Chosen, arrays: Sequence[InputArray]) -> NDArray[Any] | None:
        """Return the data's own array where it is the only result already."""
        if chosen is not None or self.transforms or arrays[0].spans is not None:
            return None
        if not isinstance(rows, ArrayRows):
            return None
        array = rows.array
        if array.dtype != arrays[0].dtype or not array.flags.c_contiguous or not array.flags.writeable:
            return None
        return array

    def apply(self, array: NDArray[Any], dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """Return rows (rows, ...) after all transforms; raise TransformError, with its place."""
        return self.runner(array.shape[1:])(array, dtype)

    def invert(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the rows that the transforms would turn into these, in float64."""
        return self.runner(array.shape[1:], inverse=True)(array)

    def affine(self, shape: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Return (scale, offset), shaped like one transformed example, with apply(x) = x · scale + offset.

        The x are arranged as the result is; `shape` is that of one raw example. None if it isn't so.
        """
        return affine(self.lower(shape))

    def _note(self, collector: Collector, error: TransformError, whose: str) -> None:
        key = () if error.key is None else (error.key,)
        message = f"{self.on} of {whose}, row {error.row + 1} of the data: {error}"
        collector.add("SN561", message, "transforms", error.place, *key, help=error.help)


def fits(shape: tuple[int, ...], dtype: DType, collector: Collector, help: str | None = None) -> bool:
    """Return whether the machine's memory can hold an array; note it if not."""
    needed, there = prod(shape) * np.dtype(dtype).itemsize, memory()
    if there is None or needed <= there:
        return True
    message = f"the data need {needed / 2**30:.1f} GiB as {dtype}, of the machine's {there / 2**30:.1f} GiB"
    collector.add("SN570", message, help=help)
    return False
