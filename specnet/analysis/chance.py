"""How likely chance alone is to make the losses of two splits differ as much as they do."""

from __future__ import annotations

from math import erfc, exp, inf, lgamma, sqrt
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def chance_of_costing_more(validation: Array, train: Array, constant: float) -> float:
    """Return how likely so clear a difference is, were rows dealt to the two splits at random.

    It is the smaller probability of two tests: of the ranks of all rows by cost, and of how many rows cost
    more than `constant`, the baseline's loss. Both hold for costs however skew: where much is memorised
    a few rows cost hundreds of times as much as the others, and a test of means sees nothing.
    """
    hits, others = (int((costs > constant).sum()) for costs in (validation, train))
    by_count = _by_count(hits, len(validation), others, len(train))
    return min(_by_rank(validation, train), by_count)


def quantile(normal: float, freedom: float) -> float:
    """Return the quantile of Student's distribution for a normal one: expanded in 1 / freedom, to the second order.

    Abramowitz and Stegun (1964), 26.7.5.
    """
    freedom = max(freedom, 1.0)
    first = (normal**3 + normal) / 4.0
    second = (5.0 * normal**5 + 16.0 * normal**3 + 3.0 * normal) / 96.0
    return normal + first / freedom + second / freedom**2


def freedom_of_difference(a: float, a_rows: int, b: float, b_rows: int) -> float:
    """Return the degrees of freedom of the difference of two means with standard errors `a` and `b` (Welch, 1947)."""
    if a_rows < 2 or b_rows < 2:
        return 1.0
    x, y = a**2, b**2
    return (x + y) ** 2 / (x**2 / (a_rows - 1) + y**2 / (b_rows - 1)) if x + y else inf


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
