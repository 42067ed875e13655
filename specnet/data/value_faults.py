"""Which value of some rows a model cannot take, and what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.inputs import cut, padding_fault, token_fault
from specnet.data.rows import blocks, row_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.rows import Chosen, Index, Rows
    from specnet.data.signature import InputArray

    Apply = Callable[[NDArray[Any]], NDArray[Any]]


def note_values(
    what: str,
    rows: Rows,
    chosen: Chosen,
    arrays: Sequence[InputArray],
    apply: Apply | None,
    collector: Collector,
) -> None:
    """Note the first value that is no finite number, in the rows or else only in the arrays that they become.

    `what` names the rows, and `apply` is what they pass through first, if anything.
    """
    grown: tuple[str, str] | None = None
    for _, source in blocks(rows, chosen):
        block = rows.take(source)
        fault = _sequence_fault(block, arrays)
        if fault is not None:
            code, place, why, help = fault
            message = f"{what}: row {row_at(source, place) + 1} of the data {why}"
            collector.add(code, message, help=help)
            return
        padded = any(array.padding == "nan" for array in arrays)
        absent = np.isnan(block).all(axis=-1, keepdims=True) if padded else False
        wrong = np.argwhere(~(np.isfinite(block) | absent))
        if len(wrong):
            row, *rest = wrong[0].tolist()
            where = f"in row {row_at(source, row) + 1} of the data" + (f", element {rest}" if rest else "")
            message = f"{what} hold {block[tuple(wrong[0])]:g} {where}"
            collector.add("SN513", message, help="every value must be a finite number")
            return
        for array in arrays if grown is None else ():
            grown = grown or _misfit(block, array, source, apply)
    assert grown is not None
    collector.add("SN561", f"{what} {grown[0]}", help=grown[1])


def _misfit(
    block: NDArray[Any], array: InputArray, source: Index, apply: Apply | None
) -> tuple[str, str] | None:
    """Say which finite number of a block the dtype of an array cannot hold, and what helps, or return None."""
    with np.errstate(all="ignore"):
        part = cut(block if apply is None else apply(block), array)
        made = part.astype(array.dtype)
    wrong = np.argwhere(~np.isfinite(made) if made.dtype.kind == "f" else made != part)
    if not len(wrong):
        return None
    where = f"in row {row_at(source, int(wrong[0][0])) + 1} of the data"
    if made.dtype.kind == "f":
        help = "a `scale` or `standardize` transform reduces them"
        return f"are too large for {array.dtype} {where}", help
    message = f"hold {part[tuple(wrong[0])]:g} {where}, where the model takes whole numbers"
    return message, "it was trained on indices, such as those of categories"


def _sequence_fault(block: NDArray[Any], arrays: Sequence[InputArray]) -> tuple[str, int, str, str] | None:
    """Return the code of the first fault of sequences in a block, its row, what that is or has, and what helps."""
    for array in arrays:
        if array.padding is not None:
            padded = padding_fault(cut(block, array), array.padding)
            if padded is not None:
                return "SN513", *padded, "a sequence needs a step, and padding comes after its steps"
    for array in arrays:
        outside = token_fault(cut(block, array), array.tokens) if array.tokens else None
        if outside is not None:
            why = f"has the index {outside[1]:g}, and the tokens are 0 to {array.tokens - 1}"
            return "SN547", outside[0], why, "a model of text takes texts, or indices of their tokens"
    return None
