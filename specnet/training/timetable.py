from __future__ import annotations

import sys

from specnet.language.training import Training
from specnet.model.settings import validation_interval
from specnet.vocabulary.schedules import RunLength


class Timetable:
    """When a training reports its figures, writes its checkpoints and ends, by its epochs or by its steps.

    Figures are reported after each epoch, or where the length is given in steps, after each validation.
    """

    def __init__(self, settings: Training, length: RunLength) -> None:
        self.length = length
        self.by_steps = settings.steps is not None
        """Whether the length is given in steps."""
        self.every = validation_interval(settings, length)
        """The epochs from one validation to the next; steps where the length is given in steps."""
        checkpoint, each = settings.checkpoint, length.steps_per_epoch
        self.each_validation = self.by_steps and checkpoint is not None and checkpoint.each_validation
        """Whether each report is followed by a checkpoint, those between two multiples of `every` as well."""
        self._kept: list[int] = []
        """The steps from one checkpoint to the next, by each rule that counts epochs or steps."""
        if checkpoint is not None and checkpoint.each_validation:
            self._kept = [self.every if self.by_steps else each]
        elif checkpoint is not None:
            epochs = None if checkpoint.every_epochs is None else checkpoint.every_epochs * each
            self._kept = [steps for steps in (epochs, checkpoint.every_steps) if steps is not None]

    def epochs_at(self, step: int) -> float:
        """Return how many epochs so many steps are: a float where the length is given in steps."""
        each = self.length.steps_per_epoch
        return step / each if self.by_steps else step // each

    def finished(self, step: int) -> bool:
        """Return whether the training has the length that the document asks for after so many steps."""
        return step >= self.length.steps

    def validated(self, step: int) -> bool:
        """Return whether a validation is due after so many steps."""
        each = 1 if self.by_steps else self.length.steps_per_epoch
        return step % (self.every * each) == 0 or self.finished(step)

    def kept(self, step: int) -> bool:
        """Return whether a checkpoint is due after so many steps, whether or not figures are reported there."""
        return any(step % each == 0 for each in self._kept)

    def until_kept(self, step: int) -> int:
        """Return how many steps there may be before a checkpoint is due."""
        return min((each - step % each for each in self._kept), default=sys.maxsize)

    def until_due(self, step: int) -> int:
        """Return how many steps there may be before a checkpoint, or a validation between two epochs' ends, is due."""
        kept = self.until_kept(step)
        return min(kept, self.every - step % self.every, self.length.steps - step) if self.by_steps else kept
