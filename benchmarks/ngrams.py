"""A model of the characters before each one, by counting: what recurrent networks of the same text have to beat.

    SPECNET_DATA=... python benchmarks/ngrams.py
    SPECNET_DATA=... python benchmarks/ngrams.py runs/shakespeare-lstm/001    # and what runs come to

The text and its split are those of specs/shakespeare-lstm.toml. It reads the tokens as specnet does, with the
vocabulary of the training part, and predicts each token of the validation part that a network predicts from those
before it. The probability of a token c after the context h backs off to shorter contexts, with weights by Witten and
Bell (1991):

    p(c | h) = (count(h c) + kinds(h) * p(c | h without its first token)) / (count(h) + kinds(h))

kinds(h) is how many different tokens follow h in the training part; below the empty context all tokens are equally
likely. A network sees only its window, whose first tokens have fewer before them; the counts see all of the text.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from math import exp, log
from pathlib import Path

import numpy as np

import specnet
from specnet.data import load_data
from specnet.data.streamed import Streamed, taken

SPEC = Path(__file__).parents[1] / "specs" / "shakespeare-lstm.toml"
LONGEST = 6


class Counts:
    """How often each token follows each context of a length."""

    def __init__(self, tokens: np.ndarray, length: int, size: int) -> None:
        self.length, self.size = length, size
        contexts = self.numbers(tokens)
        following = tokens[length:].astype(np.int64)
        self.both = Counter((contexts * size + following).tolist())
        self.all = Counter(contexts.tolist())
        self.kinds = Counter(pair // size for pair in self.both)

    def numbers(self, tokens: np.ndarray) -> np.ndarray:
        """Return each context but the last as a number in a system of `size` digits."""
        found = np.zeros(len(tokens) - self.length, np.int64)
        for place in range(self.length):
            found = found * self.size + tokens[place : len(tokens) - self.length + place]
        return found


def nats(train: np.ndarray, held_out: np.ndarray, order: int, size: int) -> np.ndarray:
    """Return -log p of each held-out token but the first ones, which have fewer than `order - 1` before them."""
    skipped = order - 1
    p = np.full(len(held_out) - skipped, 1 / size)
    following = held_out[skipped:].astype(np.int64)
    for length in range(order):
        counts = Counts(train, length, size)
        contexts = counts.numbers(held_out)[skipped - length :]
        pairs = (contexts * size + following).tolist()
        both = np.array([counts.both[pair] for pair in pairs])
        every = np.array([counts.all[context] for context in contexts.tolist()])
        kinds = np.array([counts.kinds[context] for context in contexts.tolist()])
        p = np.where(every > 0, (both + kinds * p) / np.maximum(every + kinds, 1), p)
    return -np.log(p)


def stream(held: Streamed) -> np.ndarray:
    """Return the tokens of windows that follow on each other."""
    return taken(held, np.arange(len(held))).reshape(-1)


def main() -> None:
    spec = specnet.load(SPEC)
    data = load_data(spec.data, SPEC.parent, seed=spec.seed, dtype=spec.dtype)
    size = data.signature.tokens
    train, held_out = (stream(data.splits[name].targets) for name in ("train", "validation"))
    print(f"{len(train):,} training tokens, {len(held_out):,} held out, {size} different ones")
    for order in range(1, LONGEST + 1):
        cost = nats(train, held_out, order, size)
        mean = float(cost.mean())
        print(f"{order}-gram: {mean:.4f} nats, {mean / log(2):.4f} bits, perplexity {exp(mean):.3f}")
    for run in map(Path, sys.argv[1:]):
        loss = json.loads((run / "result.json").read_text())["splits"]["validation"]["loss"]
        print(f"{run}: {loss:.4f} nats, {loss / log(2):.4f} bits, perplexity {exp(loss):.3f}")


if __name__ == "__main__":
    main()
