"""The edges of bins that `piecewise_linear_embedding` cuts columns of numbers into."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

ROWS_OF_A_LEAF = 64
"""How many rows a leaf of a tree has at least, if that is at most a twentieth of all."""


@dataclass(frozen=True, slots=True)
class BinEdges:
    """Edges (columns, bins + 1) of the bins of columns, ascending.

    By quantiles, they are Gorishniy et al.'s (2022, section 3.2.1); by targets, the thresholds of a regression or
    classification tree (CART) that is grown best first, and the ends (section 3.2.2). A column with fewer bins repeats
    its last edge.
    """

    by: Literal["quantiles", "targets"]
    """What the bins follow."""
    of_rows: ClassVar[bool] = True
    most_rows: ClassVar[int] = 100_000
    type: ClassVar[str] = "edges"

    def fault(self, shape: tuple[int, ...]) -> str | None:
        """Return None: it fills any shape."""
        return None

    def drawing(self, shape: tuple[int, ...]) -> None:
        """Return None: a program is given the edges."""

    def fill(self, array: Array, generator: np.random.Generator) -> None:
        """Put the edges of a model that is made without data into the memory of their parameter."""
        import numpy as np

        array[...] = np.linspace(-1.0, 1.0, array.shape[1])

    def fit(
        self, shape: tuple[int, ...], generator: np.random.Generator, seen: Array, targets: Array
    ) -> Array:
        import numpy as np

        count, bins = shape[0], shape[1] - 1
        edges = np.empty(shape)
        quantiles = np.quantile(seen, np.linspace(0.0, 1.0, bins + 1), axis=0)
        wanted = _outcomes(targets) if self.by == "targets" else None
        for column in range(count):
            found = quantiles[:, column]
            if wanted is not None:
                found = np.concatenate([found[[0, -1]], thresholds(seen[:, column], wanted, bins)])
            found = np.unique(found)
            edges[column, : len(found)] = found
            edges[column, len(found) :] = found[-1]
        return edges


def _outcomes(targets: Array) -> Array:
    """Return what a tree predicts, (rows, values): the targets, or of class indices a one for each row's class."""
    import numpy as np

    if targets.dtype.kind in "iu" and targets.ndim == 1:
        found: Array = np.equal.outer(targets, np.unique(targets)).astype(np.float64)
        return found
    return targets.reshape(len(targets), -1).astype(np.float64)


def thresholds(x: Array, outcomes: Array, leaves: int) -> list[float]:
    """Return where a tree splits a column x (rows,) to predict outcomes (rows, values), with so many leaves at most.

    The leaf is split next whose split lowers the sum of squared distances from the leaves' means most: for ones of
    classes, that is the Gini impurity.
    """
    import numpy as np

    order = np.argsort(x, kind="stable")
    x, outcomes = x[order], outcomes[order] - outcomes.mean(axis=0)
    sums = np.concatenate([np.zeros((1, outcomes.shape[1])), np.cumsum(outcomes, axis=0)])
    fewest = max(1, min(ROWS_OF_A_LEAF, len(x) // 20))
    found: list[float] = []
    open_leaves: list[tuple[float, int, int, int]] = []

    def consider(begin: int, end: int) -> None:
        """Note the best split of the rows from `begin` to before `end`."""
        cuts = np.arange(begin + fewest, end - fewest + 1)
        cuts = cuts[x[cuts - 1] < x[cuts]] if len(cuts) else cuts
        if not len(cuts):
            return
        left, right = sums[cuts] - sums[begin], sums[end] - sums[cuts]
        before = np.square(sums[end] - sums[begin]).sum() / (end - begin)
        gain = np.square(left).sum(axis=1) / (cuts - begin) + np.square(right).sum(axis=1) / (end - cuts)
        best = int(np.argmax(gain))
        if gain[best] - before > 0.0:
            heappush(open_leaves, (float(before - gain[best]), begin, int(cuts[best]), end))

    consider(0, len(x))
    while open_leaves and len(found) < leaves - 1:
        _, begin, cut, end = heappop(open_leaves)
        found.append(float(x[cut - 1] / 2.0 + x[cut] / 2.0))
        consider(begin, cut)
        consider(cut, end)
    return found
