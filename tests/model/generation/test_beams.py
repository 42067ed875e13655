"""Beam search against a search over all sequences."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from specnet.model.generation.beams import search
from specnet.model.generation.sampling import log_probabilities

TOKENS, END, START = 4, 3, 0


class Chain:
    """A model whose next token depends on the two before."""

    def __init__(self, rows, seed=0):
        self.table = np.random.default_rng(seed).normal(size=(TOKENS, TOKENS, TOKENS)) * 2.0
        self.rows = [[] for _ in range(rows)]
        self.fed = 0

    def logits(self, sequence):
        before = [START, *sequence]
        return self.table[before[-2], before[-1]]

    def feed(self, tokens):
        self.fed += 1
        for row, new in zip(self.rows, tokens, strict=True):
            row.extend(new.tolist())
        return np.array([self.logits(row) for row in self.rows])

    def select(self, rows):
        self.rows = [list(self.rows[row]) for row in rows]


def all_sequences(chain, length):
    """Return all sequences that have ended, or have the length, with the log-probability of each token."""
    found = []
    for tokens in product(range(TOKENS), repeat=length):
        end = tokens.index(END) + 1 if END in tokens else length
        sequence = tokens[:end]
        scores = [
            float(log_probabilities(chain.logits([START, *sequence[:t]]))[token])
            for t, token in enumerate(sequence)
        ]
        found.append((sequence, scores))
    return sorted(dict(found).items(), key=lambda item: -np.mean(item[1]))


@pytest.mark.parametrize("seed", range(5))
def test_as_many_beams_as_there_are_sequences_find_the_best_of_all(seed):
    length = 4
    beams = TOKENS**length
    chain = Chain(beams, seed)
    found = search(chain.feed, chain.select, np.array([START]), beams, END, length)
    expected = all_sequences(chain, length)
    for ours, (tokens, scores) in zip(found[:10], expected[:10], strict=True):
        assert tuple(ours.tokens) == tokens
        np.testing.assert_allclose(ours.log_probabilities, scores, 1e-12)


def test_one_beam_is_greedy():
    chain = Chain(1, seed=2)
    (found, *_) = search(chain.feed, chain.select, np.array([START]), 1, None, 6)
    tokens = [START]
    for _ in range(6):
        tokens.append(int(chain.logits(tokens).argmax()))
    assert found.tokens == tokens[1:]


def test_more_beams_find_nothing_worse():
    for seed in range(10):
        scores = []
        for beams in (1, 4, 64):
            chain = Chain(beams, seed)
            found = search(chain.feed, chain.select, np.array([START]), beams, None, 3)
            scores.append(found[0].score)
        assert scores[-1] >= max(scores[:-1])


def test_a_search_ends_once_nothing_better_can_be_going():
    chain = Chain(2)
    chain.table[..., END] = 20.0
    found = search(chain.feed, chain.select, np.array([START]), 2, END, 100)
    assert found[0].tokens == [END]
    assert chain.fed < 5
