from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import PositiveFloat, PositiveInt

from specnet.vocabulary.optimizers import NonNegative, Searching

if TYPE_CHECKING:
    import numpy as np

    from specnet.engines.numpy.lbfgs import LimitedMemoryBFGS

    Array = np.ndarray[Any, Any]


class LBFGS(Searching):
    """p <- p - t * H·g, with H an inverse Hessian from the last steps and t from a line search (Liu and Nocedal, 1989).

    H is computed from the last `history` pairs of moves s = p' - p and changes of the gradient y = g' - g (two-loop
    recursion). The length t fulfils the strong Wolfe conditions, with c1 = 1e-4 and c2 = 0.9 (Nocedal and
    Wright, 2006, algorithms 3.5 and 3.6). The first trial is `learning_rate`, in the first step divided by |g|_1
    where this is above 1.

    An epoch is one step, which evaluates the loss and its gradient a few times, each time over all rows: it needs
    `batch_size = "full"` and a network without randomness, such as dropout. It is meant for problems of some thousand
    rows and parameters, where it reaches in tens of epochs what others need thousands for. The training ends
    where no element of the gradient is above `tolerance_gradient`, or a step changes no parameter by more
    than `tolerance_change`, or the loss by less.

    Steps are those of PyTorch's `LBFGS` with `line_search_fn="strong_wolfe"`, which keeps 100 pairs by default;
    Keras has no such optimizer.
    """

    type: Literal["lbfgs"] = "lbfgs"
    learning_rate: PositiveFloat = 1.0
    """The length that each line search tries first."""
    history: PositiveInt = 10
    """The number of pairs to keep."""
    max_evaluations: PositiveInt = 25
    """The maximum number of evaluations of the loss and its gradient per step."""
    tolerance_gradient: NonNegative = 1e-7
    """The training ends if no element of the gradient is larger."""
    tolerance_change: NonNegative = 1e-9
    """The training ends if a step changes no parameter, or not the loss, by more."""

    def slot_shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        pairs, vector = (self.history + 1, size), (size,)
        return {
            "moves": pairs,
            "changes": pairs,
            "direction": vector,
            "gradient": vector,
            "start": vector,
            "ends": (2, size),
        }

    def method(self, parameters: Array, slots: Mapping[str, Array]) -> LimitedMemoryBFGS:
        from specnet.engines.numpy.lbfgs import LimitedMemoryBFGS

        return LimitedMemoryBFGS(
            parameters,
            slots,
            rate=self.learning_rate,
            evaluations=self.max_evaluations,
            tolerance_gradient=self.tolerance_gradient,
            tolerance_change=self.tolerance_change,
        )
