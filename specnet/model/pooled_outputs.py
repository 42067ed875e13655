"""The pooling of what several models predict, each with a loss and with transforms of the targets of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from specnet.data.pipeline import Pipeline
from specnet.data.transform import TransformError
from specnet.diagnostics import RunError
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.losses.quantile import QuantileLoss

Array = np.ndarray[Any, Any]


class MemberOutput(NamedTuple):
    """What one of several models gives for some rows of one output."""

    values: Array
    """(rows, ...), as its loss sees them."""
    predictions: Array
    """(rows, ...), in the units of its own targets."""
    way: Pipeline | None
    """What leads from its targets back to the units of the data."""

    def in_units(self, numbers: Array) -> Array:
        """Return numbers like its targets in the units of the data."""
        made = numbers.astype(np.float64)
        return made if self.way is None else self.way.invert(made)


class Judging(NamedTuple):
    """How an output is judged: by the loss and in the units of one of the models."""

    loss: Loss
    way: Pipeline | None
    """What leads from its targets back to the units of the data."""

    def of_units(self, numbers: Array) -> Array:
        """Return numbers in the units of the data as its targets are."""
        if self.way is None:
            return numbers
        try:
            return self.way.apply(numbers)
        except TransformError as error:
            message = (
                f"the mean of the predictions cannot be transformed as the first model's targets are: {error}"
            )
            raise RunError(f"{message}; name another run first") from None


def misfit(first: Loss, other: Loss, number: int) -> str | None:
    """Say why the first loss cannot judge what a model of some number predicts with another one, or return None."""
    kind = first.output_activation
    if kind in ("identity", "exp"):
        return None
    quantiles = [getattr(loss, "quantiles", None) for loss in (first, other)]
    if kind == other.output_activation and quantiles[0] == quantiles[1]:
        return None
    what = {"mean": "variances", "median": f"the quantiles {quantiles[0]}"}.get(kind, "its probabilities")
    return (
        f"`{first.type}`, the loss of the first, judges {what}, and model {number}, whose loss is `{other.type}`, "
        "predicts no such: name a run with another loss first"
    )


def pooled(judging: Judging, members: Sequence[MemberOutput]) -> Array:
    """Return what a loss sees of the mean of several models, (rows, ...), in float64.

    The prediction that it makes of this is the mean of their predictions in the units of the data; all is as
    `Loss.pooled` has it for the members of an ensemble.
    """
    with np.errstate(all="ignore"):
        return POOLINGS[judging.loss.output_activation](judging, members)


def _of_classes(_: Judging, members: Sequence[MemberOutput]) -> Array:
    logits = np.stack([own.values for own in members]).astype(np.float64)
    return _log_mean_exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))


def _of_labels(_: Judging, members: Sequence[MemberOutput]) -> Array:
    logits = np.stack([own.values for own in members]).astype(np.float64)
    return _log_mean_exp(-np.logaddexp(0.0, -logits)) - _log_mean_exp(-np.logaddexp(0.0, logits))


def _of_numbers(judging: Judging, members: Sequence[MemberOutput]) -> Array:
    return judging.of_units(_mean([own.in_units(own.predictions) for own in members]))


def _of_rates(judging: Judging, members: Sequence[MemberOutput]) -> Array:
    return np.asarray(np.log(_of_numbers(judging, members)))


def _of_normals(judging: Judging, members: Sequence[MemberOutput]) -> Array:
    """Return the mean and the variance of the mixture of normal distributions.

    A deviation in the units of another model's targets is half of what lies between the mean plus and minus it: exact
    where the units differ by a factor and an offset.
    """
    mean = _of_numbers(judging, members)
    squares = []
    for own in members:
        means, logs = np.split(own.values.astype(np.float64), 2, axis=-1)
        deviation = np.exp(logs / 2.0)
        low, here, high = (
            judging.of_units(own.in_units(means + sign * deviation)) for sign in (-1.0, 0.0, 1.0)
        )
        squares.append(np.square((high - low) / 2.0) + np.square(here - mean))
    return np.concatenate([mean, np.log(_mean(squares))], axis=-1)


def _of_quantiles(judging: Judging, members: Sequence[MemberOutput]) -> Array:
    loss, shape = judging.loss, members[0].values.shape
    assert isinstance(loss, QuantileLoss)
    count = len(loss.quantiles)
    # Ascending, as they are predicted, so that each is pooled with those of its rank.
    ranked = [np.sort(own.values.reshape(*shape[:-1], -1, count), axis=-1) for own in members]
    each = [
        judging.of_units(
            _mean([own.in_units(ranks[..., n]) for own, ranks in zip(members, ranked, strict=True)])
        )
        for n in range(count)
    ]
    return np.stack(each, axis=-1).reshape(shape)


POOLINGS: dict[str, Callable[[Judging, Sequence[MemberOutput]], Array]] = {
    "softmax": _of_classes,
    "sigmoid": _of_labels,
    "identity": _of_numbers,
    "exp": _of_rates,
    "mean": _of_normals,
    "median": _of_quantiles,
}
"""How each activation of an output is pooled."""


def _mean(each: Sequence[Array]) -> Array:
    return np.asarray(np.mean(each, axis=0, dtype=np.float64))


def _log_mean_exp(values: Array) -> Array:
    return np.asarray(np.logaddexp.reduce(values, axis=0) - np.log(len(values)))
