"""Losses of how far a prediction and what is true overlap."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.losses.ignoring import Ignoring
from specnet.vocabulary.losses.loss import SigmoidLoss, aligned

Smooth = Annotated[float, Field(gt=0)]


class Dice(Ignoring):
    """1 - mean over classes i of (2 * sum p_i * t_i + smooth) / (sum p_i + sum t_i + smooth), for each example.

    p = softmax(logits), t is 1 for the class and else 0, and the sums are taken over all positions of one example,
    (batch, ..., classes): a whole image of one-hot classes, or a single row (the soft Dice coefficient of Milletari et
    al., 2016, with the sums of Sudre et al., 2017). All classes have the same weight, however rare. Keras's `Dice`
    sums over the whole batch, so that large objects outweigh small ones. For binary masks use `binary_dice`.
    """

    type: Literal["dice"] = "dice"
    smooth: Smooth = 1.0
    """Added to numerator and denominator, so that a class that is neither present nor predicted has loss 0."""
    squared: bool = False
    """Whether the denominator sums squares, sum p^2 + sum t^2, as in Milletari et al."""

    binary: ClassVar[str] = "binary_dice"
    for_rare: ClassVar[bool] = True

    def elements(self, output: Value, target: Value) -> Value:
        p = ops.softmax(output)
        classes = p.shape[-1]
        target, mask = self.known(target)
        t = ops.one_hot(target, classes=classes) if target.dtype == "int64" else target
        if mask is not None:
            there = ops.reshape(mask, shape=(*mask.shape, 1))
            p, t = p * there, t * there
        places = tuple(range(1, p.rank - 1))
        return 1.0 - ops.mean(_coefficient(p, t, places, self.smooth, squared=self.squared), axes=(1,))


class BinaryDice(SigmoidLoss):
    """1 - (2 * sum p * t + smooth) / (sum p + sum t + smooth) for each example, p = sigmoid(logit), t in [0, 1].

    The sums are taken over all outputs of one example: the pixels of a mask, or the labels of a row (Milletari et al.,
    2016; Sudre et al., 2017). Keras's `Dice` sums over the whole batch, so that large objects outweigh small ones.
    """

    type: Literal["binary_dice"] = "binary_dice"
    smooth: Smooth = 1.0
    """Added to numerator and denominator, so that an empty mask has loss 0 where none is predicted."""
    squared: bool = False
    """Whether the denominator sums squares, sum p^2 + sum t^2, as in Milletari et al."""

    for_rare: ClassVar[bool] = True

    def elements(self, output: Value, target: Value) -> Value:
        p, t = ops.sigmoid(output), aligned(output, target)
        places = tuple(range(1, p.rank))
        return 1.0 - _coefficient(p, t, places, self.smooth, squared=self.squared)


def _coefficient(p: Value, t: Value, places: tuple[int, ...], smooth: float, *, squared: bool) -> Value:
    """Return the soft Dice coefficient, the sums going over some axes."""
    both = p * t
    below = ops.square(p) + ops.square(t) if squared else p + t
    if places:
        both, below = ops.reduce_sum(both, axes=places), ops.reduce_sum(below, axes=places)
    return (both * 2.0 + smooth) / (below + smooth)
