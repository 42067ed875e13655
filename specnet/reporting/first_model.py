"""The sizes of a first model for a table: what `init` writes, and what an estimator without a spec trains."""

from __future__ import annotations

from dataclasses import dataclass

FEW_ROWS = 30
"""Below so many rows, none are kept out of the training."""

SOME_ROWS = 1000
"""From so many rows on, a second hidden layer pays."""

MANY_ROWS = 5000
"""From so many rows on, a smaller share of them is enough to validate on, and fewer epochs are needed."""

UNITS = 64
"""The units of a hidden layer, for tables of any size: weight decay, not a lack of units, keeps it from memorising.

With 16 units, what is learned of a small table depends on which units the seed begins with.
"""

WEIGHT_DECAY = 0.1
"""The weight decay of AdamW."""

EMA_DECAY = 0.99
"""The decay of the mean of the parameters over the steps.

That mean is what is validated and kept. Small batches move the parameters so much that, on few rows, the epoch with the
lowest loss is a matter of luck; the mean moves little.
"""

SMALL_BATCH = 16
"""The number of rows of a batch where two such would not be full; otherwise there are twice as many."""


@dataclass(frozen=True, slots=True)
class FirstModel:
    """What follows from the number of rows, and of the inputs that their columns become."""

    rows: int
    width: int
    """The number of inputs."""

    @property
    def hidden(self) -> int:
        """The number of hidden layers."""
        return 1 if self.rows < SOME_ROWS else 2

    @property
    def dropout(self) -> float | None:
        """The rate of the dropout between them; None for none."""
        return 0.2 if self.hidden > 1 and self.width >= UNITS else None

    @property
    def share(self) -> float | None:
        """The fraction of the rows to validate on; None for too few rows."""
        return None if self.rows < FEW_ROWS else 0.15 if self.rows >= MANY_ROWS else 0.2

    @property
    def epochs(self) -> int:
        """The maximum number of epochs."""
        return 60 if self.rows >= MANY_ROWS else 300

    @property
    def patience(self) -> int:
        """The number of epochs without a better one after which the training ends."""
        return 8 if self.rows >= MANY_ROWS else 30

    @property
    def batch(self) -> int:
        """The number of rows of a batch, which the rows that are left to train on fill."""
        if self.share is not None and self.rows * (1 - 2 * self.share) < 2 * SMALL_BATCH + 2:
            return SMALL_BATCH
        return min(128 if self.rows >= MANY_ROWS else 2 * SMALL_BATCH, self.rows)

    @property
    def learning_rate(self) -> float:
        """The learning rate of AdamW."""
        return 0.002 if self.rows >= MANY_ROWS else 0.003
