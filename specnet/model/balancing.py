"""`class_weights = "balanced"`: weights that follow from how many training rows each class has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.rows import rows_at_once
from specnet.data.streamed import taken
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.outputs import MultiOutput

if TYPE_CHECKING:
    from specnet.data import Split
    from specnet.language.spec import Spec

BALANCED = "balanced"


def balanced(spec: Spec, train: Split, classes: dict[str, int]) -> Spec:
    """Return a spec whose balanced class weights are numbers: those of the training rows.

    `classes` is the number of classes of each output.
    """
    if not is_balanced(spec.loss):
        return spec
    if isinstance(spec.loss, MultiOutput):
        outputs = {
            name: output.model_copy(update={"loss": _weighted(output.loss, train, classes[name])})
            if is_balanced(output.loss)
            else output
            for name, output in spec.loss.outputs.items()
        }
        loss: Loss = spec.loss.model_copy(update={"outputs": outputs})
        return spec.model_copy(update={"loss": loss, "outputs": outputs})
    return spec.model_copy(update={"loss": _weighted(spec.loss, train, classes[""])})


def is_balanced(loss: Loss) -> bool:
    """Return whether a loss, or one of several outputs, has weights that follow from the training rows."""
    if isinstance(loss, MultiOutput):
        return any(is_balanced(output.loss) for output in loss.outputs.values())
    return getattr(loss, "class_weights", None) == BALANCED


def _weighted(loss: Loss, train: Split, classes: int) -> Loss:
    counts = _counts(train, classes)
    there = counts > 0
    weights = np.ones(classes)
    weights[there] = counts.sum() / (there.sum() * counts[there])
    return loss.model_copy(update={"class_weights": tuple(weights.tolist())})


def _counts(train: Split, classes: int) -> np.ndarray[Any, Any]:
    """Return how many training rows each class has, or the sum of their weights: of pixels, where these have classes.

    Of rows of probabilities, it is the sum of each class's.
    """
    counts = np.zeros(classes)
    step = rows_at_once(train.targets.shape[1:])
    for start in range(0, len(train), step):
        places = np.arange(start, min(start + step, len(train)))
        targets = taken(train.targets, places)
        each = targets[..., None] == np.arange(classes) if targets.dtype.kind in "iu" else targets
        weights = np.ones(len(places)) if train.weights is None else train.weights[places]
        counts += weights @ each.reshape(len(places), -1, classes).sum(axis=1, dtype=np.float64)
    return counts
