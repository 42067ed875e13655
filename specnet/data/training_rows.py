"""Which rows are trained on, for what is learnt of them before any row is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from specnet.data.assigning import draw_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from specnet.data.assigning import Assigned
    from specnet.data.signature import DataDescription
    from specnet.data.splits import SplitSpec


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """The rows of the training data that no other split takes, drawn as the data are later split."""

    split: SplitSpec | None
    assigned: Assigned | None
    """The rows of each split, where they are not drawn freely."""
    seed: int

    def chosen(
        self, description: DataDescription, classes: Callable[[], NDArray[np.int64]]
    ) -> NDArray[np.intp] | None:
        """Return the places of the rows, in ascending order; None where all rows are trained on.

        `classes` returns the class index of each row, for splits that are stratified.
        """
        if self.assigned is not None:
            return self.assigned["train"]
        if self.split is None or not self.split.taken:
            return None
        # What cannot be stratified is reported where the sizes of the splits are checked.
        stratified = self.split.stratify and description.class_count is not None
        labels = classes() if stratified else None
        return draw_rows(description.rows["train"], self.split, labels, self.seed)["train"]
