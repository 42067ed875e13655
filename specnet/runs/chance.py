"""How likely chance alone makes the rows of one split cost as much more than another's as they do."""

from __future__ import annotations

from math import erfc, exp, lgamma, sqrt
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def chance_of_costing_more(validation: Array, train: Array, constant: float) -> float:
    """Return how likely so clear a difference is, were rows dealt to the two splits at random.

    It is the smaller probability of two tests: of the ranks of all rows by cost, and of how many rows cost
    more than `constant`, the baseline's loss. Both hold for costs however skew: where much is learnt by heart
    a few rows cost hundreds of times as much as the others, and a test of means sees nothing.
    """
    hits, others = (int((costs > constant).sum()) for costs in (validation, train))
    by_count = _by_count(hits, len(validation), others, len(train))
    return min(_by_rank(validation, train), by_count)


def _by_rank(higher: Array, lower: Array) -> float:
    """Return the one-sided p-value of the rank-sum test, with ties (Wilcoxon, 1945; Mann and Whitney, 1947)."""
    _, group, counts = np.unique(np.concatenate([higher, lower]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[group]
    n, m = len(higher), len(lower)
    total = n + m
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (total * max(total - 1, 1))
    variance = n * m / 12.0 * (total + 1 - ties)
    if variance <= 0:
        return 1.0
    above = float(ranks[:n].sum()) - n * (total + 1) / 2.0
    return 0.5 * erfc((above - 0.5) / sqrt(2.0 * variance))


def _by_count(hits: int, n: int, others: int, m: int) -> float:
    """Return the one-sided p-value of Fisher's exact test (1922): of `hits` of n against `others` of m."""
    every = hits + others

    def ways(k: int, of: int) -> float:
        return lgamma(of + 1) - lgamma(k + 1) - lgamma(of - k + 1)

    terms = (ways(k, n) + ways(every - k, m) - ways(every, n + m) for k in range(hits, min(every, n) + 1))
    return min(1.0, sum(map(exp, terms)))
