"""The base of transforms whose statistics need all numbers of the training split at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from specnet.data.transform import Transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import State

    Array = NDArray[Any]


class Sampled(Transform):
    """A transform that is fitted to whole columns: they are held, 8 bytes a number, while it is fitted."""

    per: Literal["feature", "channel", "all"] = "feature"
    """What has its own statistics: each element of an example, each index of its last axis, or nothing,
    so that all elements share one."""

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape itself: each element is computed from one."""
        return shape

    def fit_blocks(self, blocks: Iterable[Array]) -> State:
        """Return what `fit_columns` does of all blocks together."""
        import numpy as np

        # A block is overwritten by the next one.
        array = np.concatenate([block.astype(np.float64, copy=True) for block in blocks])
        shape = {"feature": array.shape[1:], "channel": array.shape[-1:], "all": ()}[self.per]
        if array.ndim == 1:
            shape = ()
        columns = array.reshape(-1, int(np.prod(shape, dtype=int)))
        # With an axis of its own, a single statistic is an array in the graph like all others.
        return self.fit_columns(columns, shape or (1,))

    @abstractmethod
    def fit_columns(self, columns: Array, shape: tuple[int, ...]) -> State:
        """Return what is fitted to columns (values, statistics); arrays of one number each get the `shape`."""
