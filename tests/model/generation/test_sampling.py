"""How tokens are drawn, against what each option's definition says of single rows."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.model.generation.sampling import drawn, log_probabilities, penalised, truncated
from specnet.model.generation.settings import Sampling

ROWS, TOKENS = 50, 9


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(size=(ROWS, TOKENS)) * 2.0


def softmax(row):
    weights = np.exp(row - row.max())
    return weights / weights.sum()


def allowed_by_definition(row, sampling):
    """Return the tokens that may be drawn, by walking through them from the most probable on."""
    probabilities = softmax(row / sampling.temperature)
    order = sorted(range(len(row)), key=lambda token: -probabilities[token])
    if sampling.top_k is not None:
        order = order[: sampling.top_k]
    if sampling.top_p is not None:
        left = sum(probabilities[token] for token in order)
        kept, total = [], 0.0
        for token in order:
            if total >= sampling.top_p:
                break
            kept.append(token)
            total += probabilities[token] / left
        order = kept
    if sampling.min_p is not None:
        most = max(probabilities)
        order = [token for token in order if probabilities[token] >= sampling.min_p * most]
    return set(order)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"top_k": 1},
        {"top_k": 3},
        {"top_k": 100},
        {"top_p": 0.1},
        {"top_p": 0.8},
        {"top_p": 1.0},
        {"min_p": 0.2},
        {"min_p": 1.0},
        {"top_k": 5, "top_p": 0.7},
        {"top_k": 6, "top_p": 0.9, "min_p": 0.1},
    ],
    ids=str,
)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_what_may_be_drawn_is_what_the_definition_allows(logits, options, temperature):
    sampling = Sampling(temperature=temperature, **options)
    found = truncated(logits, sampling)
    for row, scores in zip(logits, found, strict=True):
        allowed = allowed_by_definition(row, sampling)
        assert {int(token) for token in np.flatnonzero(np.isfinite(scores))} == allowed
        kept = sorted(allowed)
        np.testing.assert_allclose(scores[kept], row[kept] / temperature, 1e-14)


def test_equally_probable_tokens_come_in_the_order_of_their_indices():
    found = truncated(np.zeros((1, 4)), Sampling(top_k=2))
    assert np.isfinite(found).tolist() == [[True, True, False, False]]


def test_tokens_are_drawn_as_often_as_they_are_probable(logits):
    row = np.repeat(logits[:1], 4000, axis=0)
    seen = np.zeros(row.shape, bool)
    generators = [np.random.default_rng(1)] * len(row)
    tokens = drawn(row, seen, Sampling(temperature=1.5, top_k=5), generators)
    expected = np.exp(log_probabilities(truncated(logits[:1], Sampling(temperature=1.5, top_k=5))))[0]
    shares = np.bincount(tokens, minlength=TOKENS) / len(tokens)
    errors = np.sqrt(expected * (1 - expected) / len(tokens))
    assert (np.abs(shares - expected) <= 4 * errors).all()
    assert not shares[expected == 0].any()


def test_temperature_0_takes_the_most_probable_token(logits):
    tokens = drawn(logits, np.zeros(logits.shape, bool), Sampling(temperature=0), [])
    assert (tokens == logits.argmax(axis=1)).all()


def test_a_point_at_either_end_gives_a_token_that_may_be_drawn():
    class Ends:
        def __init__(self, point):
            self.point = point

        def random(self):
            return self.point

    logits = np.array([[-np.inf, 0.0, 1.0, -np.inf]] * 2)
    ends = [Ends(0.0), Ends(np.nextafter(1.0, 0.0))]
    assert drawn(logits, np.zeros(logits.shape, bool), Sampling(), ends).tolist() == [1, 2]


def test_the_repetition_penalty_lowers_what_has_come_before():
    logits = np.array([[2.0, -1.0, 2.0, -1.0]])
    seen = np.array([[True, True, False, False]])
    assert penalised(logits, seen, 2.0).tolist() == [[1.0, -2.0, 2.0, -1.0]]
    assert penalised(logits, seen, 1.0) is logits


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": 0}, "tokens must be at least 1, not 0"),
        ({"n": 0}, "n must be at least 1, not 0"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"temperature": -0.5}, "temperature must be a number from 0, not -0.5"),
        ({"temperature": float("nan")}, "temperature must be a number from 0, not nan"),
        ({"temperature": float("inf")}, "temperature must be a number from 0, not inf"),
        ({"top_k": 0}, "top_k must be at least 1, not 0"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1, not 0"),
        ({"top_p": 1.5}, "top_p must be above 0 and at most 1, not 1.5"),
        ({"min_p": float("nan")}, "min_p must be above 0 and at most 1, not nan"),
        ({"repetition_penalty": 0.0}, "repetition_penalty must be a number above 0, not 0"),
        ({"stop": ("",)}, "stop must not contain an empty string"),
        ({"beams": 0}, "beams must be at least 1, not 0"),
        ({"beams": 2, "n": 3}, "n must be at most the number of beams, 2, not 3"),
        ({"beams": 2, "top_k": 3}, "beams search for the most probable sequences"),
        ({"beams": 2, "temperature": 0.5}, "beams search for the most probable sequences"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Sampling(**options)
