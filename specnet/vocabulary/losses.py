"""What training makes small."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.kind import Family, Kind

Link = Literal["identity", "softmax", "sigmoid"]


class Loss(Kind):
    """What training makes small: the mean or sum of what each row, or each element, costs.

    `mean` is over every element, or over every row for losses that take class indices, as in Keras.
    """

    reduction: Literal["mean", "sum"] = "mean"
    """Whether the costs are averaged or summed."""
    scale: Annotated[float, Field(gt=0)] = 1.0
    """What the result is multiplied by."""

    link: ClassVar[Link] = "identity"
    """What turns the network's output into predictions: a loss on logits names the function that makes them
    probabilities, and is given the logits even where the last layer applies that function itself."""

    def elements(self, output: Value, target: Value) -> Value:
        """Return what each row or element costs; `output` holds logits where `link` is not the identity."""
        raise TypeError(f"{type(self).__name__} says nowhere what {output} costs against {target}")


LOSSES: Family[Loss] = Family("loss")


class MeanSquaredError(Loss):
    """(y - t)^2, for every element."""

    type: Literal["mse"] = "mse"

    def elements(self, output: Value, target: Value) -> Value:
        return ops.square(output - target)


class CrossEntropy(Loss):
    """-log p_c for the class c of each row, p = softmax(logits); with one-hot targets t, -sum_i t_i log p_i."""

    type: Literal["cross_entropy"] = "cross_entropy"
    link: ClassVar[Link] = "softmax"

    def elements(self, output: Value, target: Value) -> Value:
        logp = ops.log_softmax(output)
        if target.dtype == "int64":
            return -ops.pick(logp, target)
        return -ops.total(target * logp, axes=(logp.rank - 1,))


LOSSES.add(MeanSquaredError, CrossEntropy)
