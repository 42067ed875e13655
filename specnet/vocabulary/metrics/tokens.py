"""How well the tokens of text are predicted."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from typing import Any, ClassVar, Literal, Self, cast

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.losses.ignoring import known
from specnet.vocabulary.metrics import share, weighted
from specnet.vocabulary.metrics.decisions import OfClasses, misfit

SMALLEST = 1e-30
"""The probability that smaller ones count as, so that no token costs infinitely much."""


class TokenCost(OfClasses):
    """Base of metrics that follow from the mean of -log p, p the probability of the right token."""

    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def under(self, loss: Loss) -> Self:
        """Return the metric with what the loss ignores; its `finish` then divides by the tokens that count."""
        made = super().under(loss)
        kind = type(made)
        return (
            made
            if made.ignore_index is None
            else cast("Self", AMONG.get(kind, kind).model_construct(**dict(made)))
        )

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return what the tokens cost in nats, as a share of the rows that each example has."""
        if target.dtype != "int64" or target.shape != prediction.shape[:-1]:
            raise misfit(prediction, target)
        target, mask = known(target, self.ignore_index)
        probability = ops.maximum(ops.take_along_axis(prediction, target), SMALLEST)
        nats = -ops.log(probability)
        part = share(nats, prediction)
        if mask is None:
            return {"nats": ops.sum_all(weighted(nats, weights)) * part}
        counted = {"nats": nats * mask, "counted": mask}
        return {name: ops.sum_all(weighted(values, weights)) * part for name, values in counted.items()}


class Perplexity(TokenCost):
    """exp(mean of -log p), p the probability of the right token: among how many a model is in doubt on average.

    Without label smoothing it is exp(loss) of a `cross_entropy`.
    """

    type: Literal["perplexity"] = "perplexity"

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the perplexity."""
        return exp(float(totals["nats"]) / rows)


class BitsPerCharacter(TokenCost):
    """The mean of -log2 p, p the probability of the right token: how many bits a token takes to be written down.

    A token is a character with `tokens = "char"`, and a byte with `tokens = "byte"`; with longer tokens these are bits
    a token.
    """

    type: Literal["bits_per_character"] = "bits_per_character"

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the bits."""
        return float(totals["nats"]) / rows / log(2.0)


class CostAmong(TokenCost):
    """Base of the same among the tokens that count."""


class PerplexityAmong(CostAmong, Perplexity):
    """The perplexity of the positions that have a token."""

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the perplexity; NaN if no position counts."""
        return exp(float(totals["nats"]) / float(totals["counted"])) if totals["counted"] else float("nan")


class BitsAmong(CostAmong, BitsPerCharacter):
    """The bits of the positions that have a token."""

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the bits; NaN if no position counts."""
        return (
            float(totals["nats"]) / float(totals["counted"]) / log(2.0) if totals["counted"] else float("nan")
        )


AMONG: dict[type[TokenCost], type[TokenCost]] = {Perplexity: PerplexityAmong, BitsPerCharacter: BitsAmong}
