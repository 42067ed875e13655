"""Few raw rows of numbers as the model takes them, again and again in the same memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from specnet.data.inputs import holds
from specnet.data.lowered import ROWS, arithmetic
from specnet.data.transform import TransformError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.encoding import Encoding

    Array = NDArray[Any]

SMALL = 1 << 16
"""Numbers up to which memory for the transforms is kept with the rows."""

SHORT = 1 << 13
"""Numbers whose dot product is computed by one thread."""

Fill = Callable[[Any], bool]
"""Writes rows; returns whether they are what the model can take. NumPy must already ignore what overflows."""


WORTH_READING = 1 << 12
"""Numbers that it takes longer to copy than to find out where they lie."""


class Writing(Protocol):
    """What writes rows, and says whether all numbers are finite then."""

    def __call__(self) -> bool:
        """Write them."""

    def of(self, rows: Array) -> bool:
        """Do it for other rows, which are C-contiguous and have the same shape and type."""


Writer = Callable[[Sequence[tuple[str, "Array"]], "Array", "Array"], Writing]
"""Makes what writes rows after some operations, see `lowered.arithmetic`, into another array."""


def filler(encoding: Encoding, out: Array, writer: Writer | None = None) -> Fill:
    """Return what writes `Encoding.numbers`, as many rows as `out` has, into the only array that the model takes.

    It does what `Encoding.put` does, with all that follows from the encoding and the number of rows known before: one
    row from a program is the case that must take microseconds. With a `writer`, transforms that are arithmetic are
    what that gives.
    """
    only, pipeline = encoding.arrays[0], encoding.inputs
    if out.size > SMALL or only.padding is not None or only.tokens:
        return lambda rows: encoding.put(rows, out)
    flat = out.reshape(-1)
    quick = out.dtype.kind == "f" and out.size <= SHORT
    dot = flat.dot

    def is_held(rows: Array) -> bool:
        # The sum of squares is finite for nearly all finite numbers, and for no others.
        return (quick and isfinite(dot(flat))) or holds(out, rows, only)

    def given(rows: Array) -> bool:
        out[...] = rows
        return is_held(rows)

    made: Fill = given
    if pipeline.transforms:
        runner = pipeline.runner(encoding.raw_shape)
        space = runner.pool.workspace(len(out))
        inputs, step, arrays = space.of(len(out))
        raw, result = inputs[ROWS], arrays["result"]

        def transformed(rows: Array) -> bool:
            raw[...] = rows
            step()
            out[...] = result
            return is_held(out)

        def checked(rows: Array) -> bool:
            try:
                out[...] = runner.run(space, rows)
            except TransformError:
                return False
            return is_held(out)

        made = checked if runner.checks else _quick(encoding, out, writer) or transformed
    if encoding.columns is None:
        return made
    # Those of a table are looked at before the transforms, too.
    return lambda rows: bool(np.isfinite(rows).all()) and made(rows)


def _quick(encoding: Encoding, out: Array, writer: Writer | None) -> Fill | None:
    """Return what writes rows by the `writer`; None where their transforms are not arithmetic."""
    steps = None if writer is None else arithmetic(encoding.inputs.lower(encoding.raw_shape))
    if writer is None or steps is None or out.dtype.kind != "f":
        return None
    shape = len(out), *encoding.raw_shape
    single, double = np.empty(shape, np.float32), np.empty(shape, np.float64)
    write_single, write_double = writer(steps, single, out), writer(steps, double, out)
    large = out.size >= WORTH_READING

    def fill(rows: Array) -> bool:
        if rows.dtype == single.dtype:
            if large and rows.flags.c_contiguous and rows.flags.aligned:
                return write_single.of(rows)
            single[...] = rows
            return write_single()
        double[...] = rows
        return write_double()

    return fill
