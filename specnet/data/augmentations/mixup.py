from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import PositiveFloat

from specnet.data.augmentation import Augmentation, ScratchShapes, Sizes, Work
from specnet.data.transform import Shape


class Mixup(Augmentation):
    """Train on means of two rows: x = l · x_i + (1 - l) · x_j, and t likewise (Zhang et al., 2018).

    Inputs may have any shape. The weight l is drawn from the beta distribution with both parameters `alpha`, and a
    random permutation of the batch pairs row i with row j: one weight and one permutation per batch, as in
    the authors' program. A class index is read as a one-hot row, so that the loss sees a row of
    probabilities; numbers are mixed as numbers. The training loss is that of mixed rows, and therefore higher than
    the loss of the same rows unmixed.
    """

    type: Literal["mixup"] = "mixup"
    alpha: PositiveFloat = 0.2
    """Both parameters of the beta distribution: near 0 one of the two rows dominates, 1 makes all weights
    equally likely, and larger values give both rows similar weights."""

    mixes: ClassVar[bool] = True

    def check(self, shape: Shape) -> None:
        """Do nothing: inputs of any shape have a mean."""

    def scratch(self, sizes: Sizes) -> ScratchShapes:
        """Return another batch, and the order in which its rows are taken from the first."""
        return {
            "order": ((sizes.rows,), "intp"),
            "other_inputs": ((sizes.rows, *sizes.inputs), sizes.dtype),
            "other_targets": ((sizes.rows, *sizes.targets), sizes.dtype),
        }

    def bind(self, work: Work) -> Callable[[], None]:
        """Return the mixing."""
        import numpy as np

        order = work.scratch["order"]
        straight = np.arange(len(order))
        pairs = [
            (work.inputs, work.scratch["other_inputs"]),
            (work.targets, work.scratch["other_targets"]),
        ]

        def mix() -> None:
            weight = work.draw.beta(self.alpha, self.alpha)
            np.copyto(order, straight)
            work.draw.shuffle(order)
            for mine, other in pairs:
                np.take(mine, order, 0, other, "clip")
                np.multiply(other, 1.0 - weight, out=other)
                np.multiply(mine, weight, out=mine)
                np.add(mine, other, out=mine)

        return mix
