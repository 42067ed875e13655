"""Text columns as rules of `specnet validate` see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.sample import MAXIMUM, Cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.tables.texts import TextEncoding


def text_cells(
    name: str, encoding: TextEncoding, texts: Sequence[str], codes: NDArray[Any], known: dict[str, int]
) -> Cells:
    """Return the cells of a text column of one file, whose rows have these codes, below 0 for none.

    Texts get places by which they can be compared with those of other files: they are kept in `known`.
    """
    places = np.array([*(known.setdefault(text, len(known)) for text in texts), -1])
    times = np.bincount(codes[codes >= 0], minlength=len(texts))
    chosen = np.flatnonzero(times)[:: -(-len(texts) // MAXIMUM) or 1].tolist()
    counts = encoding.counts([texts[i] for i in chosen], times[chosen].tolist())
    return Cells(name, "text", places[np.where(codes < 0, -1, codes)], tuple(texts), texts=counts)
