"""The loop of a training program whose length is given in steps."""

from __future__ import annotations

from dataclasses import dataclass

from specnet.interchange.numpy.layout import indented
from specnet.interchange.numpy.watching import time_is_over
from specnet.model.network import Network
from specnet.model.run_length import run_length
from specnet.model.settings import batch_rows, validation_interval


@dataclass(frozen=True, slots=True)
class StepLoop:
    """One loop over steps, which begins an epoch wherever it is through with the rows."""

    network: Network
    rows: int
    """The rows of the training split."""
    penalty: str
    """What is added to the mean loss."""

    def lines(self, shuffle: list[str], step: list[str], watching: list[str]) -> list[str]:
        """Return the loop: `shuffle` begins an epoch, `step` uses a batch, `watching` ends an interval."""
        size, stop = self._size, self._stop
        whole = size >= self.rows
        begin = ["if start == 0:  # an epoch begins", *indented(shuffle)] if shuffle else []
        end = [] if whole else [f"start = start + {size} if start + {size} < {stop} else 0"]
        mean = self.network.spec.loss.reduction == "mean"
        add = [f"total += float(loss){' * rows' if mean else ''}", "seen += rows"]
        return [
            "total, seen = 0.0, 0",
            *([] if whole else ["start = 0"]),
            f"while step < {self._total}:",
            *indented([*begin, *step, *add, *self._interval(self._mean(mean=mean), watching), *end]),
        ]

    def search(self, step: list[str], watching: list[str]) -> list[str]:
        """Return the loop over the steps of a method that searches, each over all rows."""
        add = ["step += 1", "total += loss", "seen += 1"]
        ended = "method.ended is not None"
        interval = self._interval("total / seen + sum(scalars[1:])", watching, ended)
        leave = [f"if {ended}:  # no further step would lead anywhere", "    break"]
        return [
            "step, total, seen = 0, 0.0, 0",
            f"while step < {self._total}:",
            *indented([*step, *add, *interval, *leave]),
        ]

    def _interval(self, loss: str, watching: list[str], *or_else: str) -> list[str]:
        """Return the lines that end an interval between two validations where one ends, and a limit of time."""
        spec = self.network.spec
        every = validation_interval(spec.training, run_length(spec, self.rows))
        due = " or ".join((f"step % {every} == 0", f"step == {self._total}", *or_else))
        lines = [f"epoch_loss = {loss}  # since the last validation", "total, seen = 0.0, 0", *watching]
        several, size = spec.training.accumulate, self._size
        if several == 1 or size >= self.rows:
            return [f"if {due}:", *indented(lines), *time_is_over(self.network)]
        # A step that batches share is done with the last of them.
        done = f"((number + 1) % {several} == 0 or number + 1 == {-(-self._stop // size)})"
        return [f"if {done} and ({due}):", *indented(lines), *time_is_over(self.network, done)]

    def _mean(self, *, mean: bool) -> str:
        """Return the training loss of an interval; a sum is that of a whole epoch."""
        seen = min(-(-self._stop // self._size) * self._size, self.rows)
        return f"total / seen{self.penalty}" if mean else f"total * ({seen} / seen){self.penalty}"

    @property
    def _total(self) -> int:
        return run_length(self.network.spec, self.rows).steps

    @property
    def _size(self) -> int:
        return batch_rows(self.network.spec, self.rows)

    @property
    def _stop(self) -> int:
        """Where the last batch of an epoch may begin, at most."""
        return self.rows - (self._size - 1 if self.network.spec.training.drop_last else 0)
