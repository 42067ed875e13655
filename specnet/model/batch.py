"""The rows of one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from specnet.data.streamed import ArrayOrStreamed
from specnet.engines.execution import Bound

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one step, and the plan that is bound to where they are put."""

    rows: int
    """How many; of a batch that several processes share, all of its rows."""
    bound: Bound
    places: Array | None
    """Which rows of the split are fetched, a view of the epoch's order; None where the plan reads the split itself."""
    arrays: Arrays
    """What the plan reads, by name."""
    copies: tuple[tuple[ArrayOrStreamed, Array], ...] = ()
    """What is copied from the split, and where to."""
    copied: tuple[tuple[Array, Array], ...] = ()
    """What is then copied, from the first to the second."""
    change: Callable[[], None] | None = None
    """What augments the rows once they are there."""
    others: tuple[Array, ...] = ()
    """The rows of the batch that other processes have, as `places`."""
    in_step: Callable[[Array], None] | None = None
    """What has the plan's next step begin by copying the rows at the places that it is given."""

    def fetched_in_step(self) -> Batch:
        """Return the same, whose rows the plan's step copies itself where it can."""
        in_memory = [(held, out) for held, out in self.copies if isinstance(held, np.ndarray)]
        if self.bound.fetching is None or self.change is not None or len(in_memory) < len(self.copies):
            return self
        return replace(self, in_step=self.bound.fetching(in_memory))

    def at(self, places: Array, others: tuple[Array, ...] = ()) -> Batch:
        """Return the same with other rows. There may be thousands of batches: `replace` takes three times as long."""
        return Batch(
            self.rows,
            self.bound,
            places,
            self.arrays,
            self.copies,
            self.copied,
            self.change,
            others,
            self.in_step,
        )
