from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from specnet.data.transforms.samples import Sampled
from specnet.graph import ops

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import Fitted, State
    from specnet.graph.graph import Value

    Array = NDArray[Any]

NARROW = 1e-8
"""The width up to which a bin is joined to the one before it, as in scikit-learn."""


class Bin(Sampled):
    """Cut the range of each feature into bins, and turn each number into the index of its bin: 0, 1, 2, ...

    A bin includes its lower edge. Numbers outside of the training split belong to the first or the last bin. Edges are
    those of scikit-learn's KBinsDiscretizer; quantiles that are equal leave fewer bins. `one_hot` after it makes
    zeros and a one of each index.

    The way back leads to the middle of a bin. Where targets are cut, a prediction is rounded to the nearest index, and
    every prediction is one of these middles.
    """

    type: Literal["bin"] = "bin"
    bins: Annotated[int, Field(ge=2, le=1000)] = 5
    """How many bins there are."""
    strategy: Literal["quantile", "uniform"] = "quantile"
    """Whether all bins hold about as many rows of the training split, or have the same width."""

    @property
    def becomes(self) -> tuple[Literal["number", "onehot", "index"], int, int]:
        """What a column becomes: the index of one of the bins."""
        return "index", 1, self.bins

    def fit_columns(self, columns: Array, shape: tuple[int, ...]) -> State:
        """Return the inner `edges` (edges, ...), and the `middles` of the bins, end to end.

        Edges are filled up with the largest number. `first` is where a column's middles begin, and `last` the index of
        its last bin.
        """
        import numpy as np

        width = columns.shape[1]
        edges = np.full((self.bins - 1, width), np.finfo(np.float64).max)
        middles, last = np.zeros((width, self.bins)), np.zeros(width)
        for column in range(width):
            own = self._edges(columns[:, column])
            edges[: len(own) - 2, column] = own[1:-1]
            middles[column, : len(own) - 1] = (own[1:] + own[:-1]) / 2.0
            last[column] = len(own) - 2
        each = {"first": np.arange(width) * float(self.bins), "last": last}
        return {
            "edges": edges.reshape(self.bins - 1, *shape),
            "middles": middles.ravel(),
            **{name: array.reshape(shape) for name, array in each.items()},
        }

    def _edges(self, column: Array) -> Array:
        """Return all edges of one column, the smallest and the largest number included."""
        import numpy as np

        low, high = column.min(), column.max()
        if low == high:
            return np.array([low, high])
        if self.strategy == "uniform":
            return np.linspace(low, high, self.bins + 1)
        shares = np.linspace(0.0, 100.0, self.bins + 1)
        edges = np.percentile(column, shares, method="averaged_inverted_cdf")
        return np.asarray(edges[np.append(True, np.diff(edges) > NARROW)])

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append the number of inner edges that are not above x."""
        edges, apart = fitted["edges"], (x.shape[0], 1, *(x.shape[1:] or (1,)))
        between = (1,) * (len(apart) - 1 - edges.rank)
        edges = ops.reshape(edges, shape=(edges.shape[0], *between, *edges.shape[1:]))
        above = ops.greater_equal(ops.reshape(x, shape=apart), edges)
        found = ops.reduce_sum(ops.cast(above, to=x.dtype), axes=(1,))
        return found if found.rank == x.rank else ops.reshape(found, shape=x.shape)

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append the middle of the bin with the nearest index."""
        nearest = ops.floor_divide(y + 0.5, 1.0)
        index = ops.minimum(ops.maximum(nearest, 0.0), fitted["last"])
        return ops.gather(fitted["middles"], ops.cast(index + fitted["first"], to="int64"))
