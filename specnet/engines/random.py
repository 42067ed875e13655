from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def stream(seed: int, use: str) -> np.random.Generator:
    """Return the generator of one use of randomness, such as `initial/dense_1.kernel` or `shuffle`.

    Every use has a stream of its own, derived from the document's seed and the use's name alone (SHA-256 of
    the name as the entropy beside the seed, PCG64), so that a layer added to a document leaves the numbers
    of all others as they were.
    """
    import numpy as np

    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words(use)])))


def streams(seed: int, uses: Iterable[str]) -> dict[str, np.random.Generator]:
    """Return the generators of several uses, by use."""
    return {use: stream(seed, use) for use in uses}


def words(use: str) -> list[int]:
    """Return the four 32-bit words that stand for a use's name in its stream's entropy."""
    digest = hashlib.sha256(use.encode()).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
