"""How tokens are drawn from logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specnet.model.generation.settings import Sampling

Scores = NDArray[np.float64]


def log_probabilities(logits: NDArray[Any]) -> Scores:
    """Return the logarithms of the softmax of logits (..., tokens)."""
    scores = np.asarray(logits, np.float64)
    scores = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True)))


def penalised(logits: Scores, seen: NDArray[np.bool_], penalty: float) -> Scores:
    """Return logits (rows, tokens) that are less probable for tokens that have come before."""
    if penalty == 1.0:
        return logits
    lowered = np.where(logits > 0, logits / penalty, logits * penalty)
    return np.where(seen, lowered, logits)


def truncated(logits: Scores, sampling: Sampling) -> Scores:
    """Return logits (rows, tokens) divided by the temperature, with -inf for what is not drawn.

    The most probable token is always left. Of tokens that are equally probable, those with the smaller index come
    first.
    """
    scores = logits / sampling.temperature
    if sampling.top_k is None and sampling.top_p is None and sampling.min_p is None:
        return scores
    order = np.argsort(-scores, axis=-1, kind="stable")
    ordered = np.take_along_axis(scores, order, -1)
    kept = np.isfinite(ordered)
    if sampling.top_k is not None:
        kept[..., sampling.top_k :] = False
    if sampling.top_p is not None:
        probabilities = np.exp(log_probabilities(np.where(kept, ordered, -np.inf)))
        before = np.cumsum(probabilities, axis=-1) - probabilities
        kept &= before < sampling.top_p
    if sampling.min_p is not None:
        kept &= ordered >= ordered[..., :1] + np.log(sampling.min_p)
    kept[..., 0] = True
    np.put_along_axis(scores, order, np.where(kept, ordered, -np.inf), -1)
    return scores


def drawn(
    logits: Scores, seen: NDArray[np.bool_], sampling: Sampling, generators: Sequence[np.random.Generator]
) -> NDArray[np.int64]:
    """Return a token for each row of logits (rows, tokens), drawn by the row's own generator."""
    logits = penalised(logits, seen, sampling.repetition_penalty)
    if sampling.temperature == 0:
        return np.asarray(logits.argmax(axis=-1))
    probabilities = np.exp(log_probabilities(truncated(logits, sampling)))
    bounds = np.cumsum(probabilities, axis=-1)
    points = np.array([generator.random() for generator in generators]) * bounds[:, -1]
    # The first token whose bound is above the point: one of probability 0 has the bound of the one before.
    return np.asarray((bounds > points[:, None]).argmax(axis=-1))
