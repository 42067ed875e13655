from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from specnet.model.generation.sampling import log_probabilities

Tokens = NDArray[np.int64]


class Hypothesis(NamedTuple):
    """One sequence that a search has found."""

    tokens: list[int]
    log_probabilities: list[float]

    @property
    def score(self) -> float:
        """The mean log-probability of its tokens, by which sequences of different lengths are compared."""
        return sum(self.log_probabilities) / len(self.tokens)


def search(
    feed: Callable[[Tokens], NDArray[np.float64]],
    select: Callable[[Tokens], None],
    start: Tokens,
    beams: int,
    end: int | None,
    length: int,
) -> list[Hypothesis]:
    """Return the best sequences of at most `length` tokens that a search with so many beams finds, the best first.

    `feed` appends tokens (beams, new) to all sequences and returns the logits of what comes next, and `select` goes on
    with some rows in place of all. Of all continuations of the beams by one token, the best that do not end are the
    next beams. The search is over once as many sequences have ended, with the end token, as there are beams, and none
    that goes on has a better score.
    """
    scores = log_probabilities(feed(np.tile(start, (beams, 1))))
    # The rows are equal at first, and one beam stands for all.
    going = [Hypothesis([], [])]
    sums = np.full(beams, -np.inf)
    sums[0] = 0.0
    ended: list[Hypothesis] = []
    for step in range(length):
        totals = sums[:, None] + scores
        order = np.argsort(-totals, axis=None, kind="stable")[: 2 * beams]
        rows: list[int] = []
        tokens: list[int] = []
        for place in order:
            row, token = divmod(int(place), totals.shape[1])
            if not np.isfinite(totals[row, token]):
                break
            made = Hypothesis(
                [*going[row].tokens, token], [*going[row].log_probabilities, float(scores[row, token])]
            )
            if token == end:
                ended.append(made)
            elif len(rows) < beams:
                rows.append(row)
                tokens.append(token)
        going = [
            Hypothesis(
                [*going[row].tokens, token], [*going[row].log_probabilities, float(scores[row, token])]
            )
            for row, token in zip(rows, tokens, strict=True)
        ]
        ended = sorted(ended, key=lambda found: -found.score)[:beams]
        best = max((each.score for each in going), default=-np.inf)
        if step == length - 1 or not going or (len(ended) == beams and ended[-1].score >= best):
            break
        # Where there are too few continuations, the other rows repeat the first, and are no beams.
        missing = beams - len(rows)
        sums = np.array([sum(each.log_probabilities) for each in going] + [-np.inf] * missing)
        select(np.array(rows + [rows[0]] * missing))
        scores = log_probabilities(feed(np.array(tokens + [tokens[0]] * missing)[:, None]))
    return sorted([*ended, *going], key=lambda found: -found.score)[:beams]
