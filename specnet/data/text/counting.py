from __future__ import annotations

from collections import Counter


def kept(counts: Counter[str], size: int | None, special: int, min_count: int) -> list[str]:
    """Return the tokens that a vocabulary keeps, the most frequent first, those of equal counts by code point.

    `size` counts `special` tokens, too.
    """
    found = sorted((t for t, n in counts.items() if n >= min_count), key=lambda t: (-counts[t], t))
    return found if size is None else found[: max(0, size - special)]
