"""How long a training is, in steps."""

from __future__ import annotations

from specnet.language.spec import Spec
from specnet.language.training import Training
from specnet.vocabulary.schedules import RunLength


def run_length(spec: Spec, rows: int, batches: int | None = None) -> RunLength:
    """Return how many steps a training makes on so many rows, which are so many batches."""
    return length_of(spec.training, rows, batches)


def length_of(settings: Training, rows: int, batches: int | None = None) -> RunLength:
    """Return the same, given the settings of the training."""
    if batches is None:
        size = settings.batch_size or settings.batch_tokens
        size = rows if size == "full" or size is None else size
        batches = rows // size if settings.drop_last else -(-rows // size)
    each, steps = -(-batches // settings.accumulate), settings.steps
    if steps is None:
        assert settings.epochs is not None, "a training has a length"
        return RunLength(settings.epochs, each)
    return RunLength(-(-steps // max(each, 1)), each, steps)
