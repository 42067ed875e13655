from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from specnet.diagnostics.text import counted
from specnet.language.training import EarlyStopping
from specnet.model.state import TrainingState, put

Array = np.ndarray[Any, Any]


class Watch:
    """Watches one value over the validations: which was the best, and how long ago.

    `arrays` hold what is learnt; those of the best validation are kept, to be put back at the end. With
    `steps_per_epoch`, messages name steps instead of epochs.
    """

    def __init__(
        self,
        settings: EarlyStopping,
        *,
        higher: bool,
        arrays: Sequence[Array],
        steps_per_epoch: int | None = None,
    ) -> None:
        self._settings = settings
        self._sign = 1.0 if higher else -1.0
        self._arrays = arrays
        self._steps_per_epoch = steps_per_epoch
        self._kept: list[Array] | None = [a.copy() for a in arrays] if settings.restore_best else None
        self.best: float | None = None
        self.best_epoch: float | None = None
        self.waited = 0

    @property
    def split(self) -> str:
        """The split that it watches a value of."""
        return self._settings.monitor.partition(".")[0]

    def see(self, epoch: float, figures: Mapping[str, Mapping[str, Any]]) -> bool:
        """Take in a validation; return whether it is the best so far. A NaN never is."""
        split, _, figure = self._settings.monitor.partition(".")
        value = float(figures[split][figure])
        better = self.best is None or self._sign * (value - self.best) > self._settings.min_delta
        if math.isnan(value) or not better:
            self.waited += 1
            return False
        self.best, self.best_epoch, self.waited = value, epoch, 0
        if self._kept is not None:
            for kept, array in zip(self._kept, self._arrays, strict=True):
                np.copyto(kept, array)
        return True

    @property
    def exhausted(self) -> bool:
        """Whether it has waited long enough."""
        return self.waited >= self._settings.patience

    @property
    def blind(self) -> str | None:
        """Say that there was nothing to compare, if the value was NaN every time."""
        return always_nan(self._settings.monitor) if self.best is None and self.waited else None

    @property
    def why(self) -> str:
        """Say what it has waited for."""
        monitor, waited = self._settings.monitor, counted(self.waited, "validation")
        if self.best is None:
            return always_nan(monitor)
        each = self._steps_per_epoch
        when = f"epoch {self.best_epoch}" if each is None else f"step {round((self.best_epoch or 0) * each)}"
        return f"{monitor} had not improved on {self.best:.6g} ({when}) for {waited}"

    def restore(self) -> float | None:
        """Put the best parameters back; return their epoch, or None where there is nothing to put back."""
        if self._kept is None or self.best_epoch is None:
            return None
        for kept, array in zip(self._kept, self._arrays, strict=True):
            np.copyto(array, kept)
        return self.best_epoch

    def state(self) -> TrainingState:
        """Return what it has seen so far, with the best parameters."""
        seen = {"best": self.best, "best_epoch": self.best_epoch, "waited": self.waited}
        return TrainingState({f"best/{i}": kept for i, kept in enumerate(self._kept or ())}, seen)

    def resume(self, arrays: Mapping[str, Array], plain: Mapping[str, Any]) -> None:
        """Go on from a state."""
        for i, kept in enumerate(self._kept or ()):
            put(kept, arrays, f"best/{i}")
        self.best, self.best_epoch, self.waited = plain["best"], plain["best_epoch"], plain["waited"]


def always_nan(monitor: str) -> str:
    """Return what is said of a monitored value that never was a number."""
    instead = "" if monitor.endswith(".loss") else " (monitor another value, such as validation.loss)"
    return f"{monitor} was NaN in every validation{instead}"
