"""The sizes of a first model for a table: what `init` writes, and what an estimator without a spec trains."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Style = Literal["quick", "best"]
"""Whether a first model takes seconds of training, or a minute for what that gains."""

Task = Literal["classes", "numbers"]
"""What a first model predicts."""

FEW_ROWS = 30
"""Below so many rows, none are kept out of the training."""

SECOND_LAYER: dict[Task, int] = {"classes": 1000, "numbers": 200}
"""From so many rows on, a second hidden layer pays."""

LARGER_BATCHES = 2000
"""From so many rows on, batches are of 128."""

MANY_ROWS = 5000
"""From so many rows on, a smaller share of them is enough to validate on, and fewer epochs are needed."""

MANY_INPUTS = 64
"""From so many inputs on, there is dropout between two hidden layers."""

WEIGHT_DECAY = 0.1
"""The weight decay of AdamW."""

EMA_DECAY = 0.99
"""The decay of the mean of the parameters over the steps.

That mean is what is validated and kept. Small batches move the parameters so much that, on few rows, the epoch with the
lowest loss is a matter of luck; the mean moves little.
"""

SMALL_BATCH = 16
"""The number of rows of a batch where two such would not be full; otherwise there are twice as many."""

WAVES = 16
"""The frequencies for each column of numbers."""

FEATURES = 4
"""The features that each column of numbers becomes."""

SECONDS: dict[Style, float] = {"quick": 10.0, "best": 60.0}
"""How long a training may take with all its epochs, on two cores."""

MEMBERS: dict[Style, int] = {"quick": 4, "best": 8}
"""The networks that are trained at once, where there is the time for them."""

UNITS: dict[Style, int] = {"quick": 128, "best": 256}
"""The units of a hidden layer, for tables of any size: weight decay, not a lack of units, keeps it from memorising.

With 16 units, what is learned of a small table depends on which units the seed begins with.
"""

MOST_EPOCHS, LEAST_EPOCHS = 300, 20
"""The limit of the epochs where time does not matter, and the epochs for which there should be the time."""


def task_of(classes: int | None) -> Task:
    """Return what a model predicts that has so many classes, or None for numbers."""
    return "numbers" if classes is None else "classes"


@dataclass(frozen=True)
class FirstModel:
    """What follows from the number of rows, and of the inputs that their columns become."""

    rows: int
    width: int
    """The number of inputs."""
    numbers: int
    """How many of them are columns of numbers."""
    task: Task
    style: Style = "quick"

    @property
    def hidden(self) -> int:
        """The number of hidden layers."""
        return 1 if self.rows < SECOND_LAYER[self.task] else 2

    @property
    def dropout(self) -> float | None:
        """The rate of the dropout between them; None for none."""
        return 0.2 if self.hidden > 1 and self.width >= MANY_INPUTS else None

    @property
    def share(self) -> float | None:
        """The fraction of the rows to validate on; None for too few rows."""
        return None if self.rows < FEW_ROWS else 0.15 if self.rows >= MANY_ROWS else 0.2

    @property
    def patience(self) -> int:
        """The number of epochs without a better one after which the training ends."""
        return 10 if self.rows >= MANY_ROWS else 20 if self.rows >= LARGER_BATCHES else 30

    @property
    def batch(self) -> int:
        """The number of rows of a batch, which the rows that are left to train on fill."""
        if self.share is not None and self.rows * (1 - 2 * self.share) < 2 * SMALL_BATCH + 2:
            return SMALL_BATCH
        return min(128 if self.rows >= LARGER_BATCHES else 2 * SMALL_BATCH, self.rows)

    @property
    def learning_rate(self) -> float:
        """The learning rate of AdamW."""
        return 0.005 if self.rows >= LARGER_BATCHES else 0.003

    @cached_property
    def _size(self) -> tuple[bool, int, int]:
        """Return whether numbers are embedded, how many members there are, and of how many units a layer.

        The largest is taken that does some epochs in time: wide tables of many rows are left with one network.
        """
        most, units = MEMBERS[self.style], UNITS[self.style]
        sizes = [(embedded, members, units) for embedded in (True, False) for members in (most, most // 2)]
        sizes = [size for size in sizes if self.numbers or not size[0]]
        for size in sizes:
            if self._epoch_seconds(*size) * LEAST_EPOCHS <= SECONDS[self.style]:
                return size
        return False, 1, units // 2

    @property
    def embedded(self) -> bool:
        """Whether numbers become waves."""
        return self._size[0]

    @property
    def members(self) -> int:
        """The number of networks that are trained at once; 1 for a network alone."""
        return self._size[1]

    @property
    def units(self) -> int:
        """The units of a hidden layer."""
        return self._size[2]

    @property
    def epoch_seconds(self) -> float:
        """About how long an epoch takes, in seconds on two cores."""
        return self._epoch_seconds(*self._size)

    @property
    def epochs(self) -> int:
        """The maximum number of epochs, for which there is the time."""
        return max(LEAST_EPOCHS, min(MOST_EPOCHS, self._in_time))

    @property
    def is_limited(self) -> bool:
        """Whether the epochs are as many as there is the time for."""
        return LEAST_EPOCHS <= self._in_time < MOST_EPOCHS

    @property
    def _in_time(self) -> int:
        return int(SECONDS[self.style] / self.epoch_seconds)

    def _epoch_seconds(self, embedded: bool, members: int, units: int) -> float:
        """Estimate the seconds of an epoch on two cores of a usual processor.

        A step takes 0.3 ms whatever it computes, 25 ns for a wave and its gradient, and a second for 40 GFLOP.
        """
        features = self.width + (FEATURES - 1) * self.numbers * embedded
        products = members * units * (features + (self.hidden - 1) * units)
        waves = embedded * self.batch * self.numbers * WAVES
        step = 3e-4 + 25e-9 * waves + 6 * self.batch * products / 40e9
        return step * max(1, self.rows // self.batch)
