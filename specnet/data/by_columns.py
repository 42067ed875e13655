"""Rows that are held in columns, put into an array column by column: with transforms that are arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.inputs import are_finite
from specnet.data.lowered import LoweredPipeline, arithmetic
from specnet.data.rows import blocks
from specnet.passes.cores import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.rows import ColumnRows, Index

BYTES = 3 << 18
"""About how much memory each thread has for what it works on: those that make shorter calls wait for each other."""

THREADS = 2
"""Threads beyond these would wait for each other."""

UFUNCS: dict[str, np.ufunc] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
}


def scratch(rows: int, width: int) -> int:
    """Return how many bytes of memory there are for what is worked on, of so many rows of a number of elements."""
    return min(rows * width * np.float64().itemsize, min(share(), THREADS) * BYTES)


class ColumnArithmetic:
    """Sums, differences, products and quotients of each element of rows and fitted numbers, in float64.

    The numbers that come out are those of the pipeline's plan: only what changes nothing is left out.
    """

    def __init__(self, steps: list[tuple[str, NDArray[Any]]], width: int) -> None:
        all_numbers = [(name, np.broadcast_to(numbers, width).tolist()) for name, numbers in steps]
        self._steps = [
            [(UFUNCS[name], own[i]) for name, own in all_numbers if not _is_idle(name, own[i])]
            for i in range(width)
        ]
        """What is done with each element."""

    @classmethod
    def of(cls, lowered: LoweredPipeline) -> ColumnArithmetic | None:
        """Return what the steps of a pipeline are; None where they are more than arithmetic."""
        steps = arithmetic(lowered)
        return None if steps is None else cls(steps, lowered.shape[0])

    def put(self, rows: ColumnRows, chosen: NDArray[np.intp] | None, out: NDArray[Any]) -> bool:
        """Write the chosen rows into `out` (rows, elements) of floats; return whether all numbers are finite there."""
        width = len(self._steps)
        most = max(1, min(len(out), BYTES // (max(1, width) * out.itemsize)))
        parts = list(blocks(rows, chosen, most))
        threads = min(share(), THREADS, len(parts))
        if threads < 2:
            return self._put_parts(rows, parts, most, out)
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(threads) as pool:
            shares = (parts[i::threads] for i in range(threads))
            sound = [pool.submit(self._put_parts, rows, share, most, out) for share in shares]
            return all(each.result() for each in sound)

    def _put_parts(
        self, rows: ColumnRows, parts: list[tuple[slice, Index]], most: int, out: NDArray[Any]
    ) -> bool:
        """Write blocks of at most so many rows, as `put` does."""
        # Numbers of a column are written one after the other, and then those of a row.
        made, work = np.empty((len(self._steps), most), out.dtype), np.empty(most)
        sound = True
        with np.errstate(all="ignore"):
            for place, source in parts:
                own = made[:, : place.stop - place.start]
                self._put(rows, source, own, work[: own.shape[1]])
                sound = sound and are_finite(own)
                out[place] = own.T
        return sound

    def _put(self, rows: ColumnRows, source: Index, made: NDArray[Any], work: NDArray[np.float64]) -> None:
        for values, steps, own in zip(rows.elements(source), self._steps, made, strict=True):
            result = values
            for ufunc, number in steps:
                result = ufunc(result, number, work)
            np.copyto(own, result, casting="same_kind")


def _is_idle(name: str, number: float) -> bool:
    """Return whether an operation with a number changes none: also not the sign of a zero."""
    if name in ("multiply", "divide"):
        return number == 1.0
    return name == "subtract" and number == 0.0 and not np.signbit(number)
