"""A transformer of 4,192 numbers, one scalar at a time: the algorithm of Andrej Karpathy's microgpt, written plainly.

It starts from the values that specnet draws for `specs/microgpt.toml`, reads the names in the same order, and comes to
the same losses; both times are printed.

    SPECNET_DATA=... python benchmarks/microgpt.py [STEPS]
"""

from __future__ import annotations

import math
import os
import sys
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np

import specnet
from specnet.engines.random import words

SPEC = Path(__file__).parents[1] / "specs" / "microgpt.toml"
WIDTH, HEADS, EPSILON = 16, 4, 1e-5
RATE, BETA_1, BETA_2, TINY = 0.01, 0.85, 0.99, 1e-8


class Scalar:
    """A number, what it was computed from, and the derivative of the loss with respect to it."""

    __slots__ = ("grad", "local", "sources", "value")

    def __init__(self, value, sources=(), local=()):
        self.value, self.sources, self.local, self.grad = value, sources, local, 0.0

    def __add__(self, other):
        if isinstance(other, Scalar):
            return Scalar(self.value + other.value, (self, other), (1.0, 1.0))
        return Scalar(self.value + other, (self,), (1.0,))

    def __mul__(self, other):
        if isinstance(other, Scalar):
            return Scalar(self.value * other.value, (self, other), (other.value, self.value))
        return Scalar(self.value * other, (self,), (other,))

    def power(self, exponent):
        return Scalar(self.value**exponent, (self,), (exponent * self.value ** (exponent - 1),))

    def exp(self):
        return Scalar(math.exp(self.value), (self,), (math.exp(self.value),))

    def log(self):
        return Scalar(math.log(self.value), (self,), (1 / self.value,))

    def relu(self):
        return Scalar(max(0.0, self.value), (self,), (float(self.value > 0),))

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack += [(source, False) for source in node.sources]
        self.grad = 1.0
        for node in reversed(order):
            for source, local in zip(node.sources, node.local, strict=True):
                source.grad += local * node.grad


def total(values):
    result = values[0]
    for value in values[1:]:
        result = result + value
    return result


def product(x, kernel):
    """Return x·kernel, the kernel being (in, out)."""
    return [total([x[i] * kernel[i][j] for i in range(len(x))]) for j in range(len(kernel[0]))]


def normalised(x):
    mean = total([value * value for value in x]) * (1 / len(x))
    scale = (mean + EPSILON).power(-0.5)
    return [value * scale for value in x]


def softmax(logits):
    largest = max(value.value for value in logits)
    exponentials = [(value + -largest).exp() for value in logits]
    inverse = total(exponentials).power(-1)
    return [value * inverse for value in exponentials]


def next_token(token, position, keys, values, p):
    """Return the logits of what comes after a token, given the keys and values of those before it."""
    x = [
        a + b
        for a, b in zip(
            p["embedding_1.embeddings"][token], p["positional_embedding_1.embeddings"][position], strict=True
        )
    ]
    x = normalised(x)
    around = x
    x = normalised(x)
    query = product(x, p["residual_1.attention_1.query.kernel"])
    keys.append(product(x, p["residual_1.attention_1.key.kernel"]))
    values.append(product(x, p["residual_1.attention_1.value.kernel"]))
    size, mixed = WIDTH // HEADS, []
    for head in range(0, WIDTH, size):
        own = range(head, head + size)
        scores = [total([query[i] * key[i] for i in own]) * size**-0.5 for key in keys]
        weights = softmax(scores)
        mixed += [total([w * value[i] for w, value in zip(weights, values, strict=True)]) for i in own]
    x = [
        a + b for a, b in zip(product(mixed, p["residual_1.attention_1.output.kernel"]), around, strict=True)
    ]
    around = x
    hidden = [value.relu() for value in product(normalised(x), p["residual_2.dense_1.kernel"])]
    x = [a + b for a, b in zip(product(hidden, p["residual_2.dense_2.kernel"]), around, strict=True)]
    return product(x, p["dense_1.kernel"])


def train(start, names, steps):
    """Return the loss of each step, and the seconds that all took."""
    p = {name: [[Scalar(float(v)) for v in row] for row in array] for name, array in start.items()}
    flat = [scalar for matrix in p.values() for row in matrix for scalar in row]
    m, v = [0.0] * len(flat), [0.0] * len(flat)
    losses, began = [], perf_counter()
    for step in range(steps):
        tokens = names[step]
        keys, values, costs = [], [], []
        for position, (token, target) in enumerate(pairwise(tokens)):
            probabilities = softmax(next_token(token, position, keys, values, p))
            costs.append(probabilities[target].log() * -1.0)
        loss = total(costs) * (1 / len(costs))
        loss.backward()
        losses.append(loss.value)
        rate = RATE * (1 - step / 1000)
        for i, scalar in enumerate(flat):
            m[i] = BETA_1 * m[i] + (1 - BETA_1) * scalar.grad
            v[i] = BETA_2 * v[i] + (1 - BETA_2) * scalar.grad**2
            m_hat, v_hat = m[i] / (1 - BETA_1 ** (step + 1)), v[i] / (1 - BETA_2 ** (step + 1))
            scalar.value -= rate * m_hat / (math.sqrt(v_hat) + TINY)
            scalar.grad = 0.0
    return losses, perf_counter() - began


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    spec = specnet.load(SPEC, overrides={"training.validate_every": 1})
    start = {name: array.copy() for name, array in specnet.compile(spec).parameters.items()}
    began = perf_counter()
    ours = [event.loss for event in specnet.train(spec) if isinstance(event, specnet.EpochEnded)]
    seconds = perf_counter() - began
    lines = (Path(os.environ["SPECNET_DATA"]) / "names" / "names.txt").read_text().split()
    order = np.arange(len(lines))
    np.random.default_rng([spec.seed, *words("shuffle")]).shuffle(order)
    names = [[0, *(ord(letter) - 96 for letter in lines[i]), 0] for i in order[:steps]]
    theirs, slow = train(start, names, steps)
    apart = max(abs(a - b) for a, b in zip(ours[:steps], theirs, strict=True))
    print(
        f"losses of {steps} steps: {theirs[0]:.4f} to {np.mean(theirs[-50:]):.4f}, at most {apart:.1e} apart"
    )
    print(f"one scalar at a time: {slow:.1f} s; specnet, 1,000 steps: {seconds:.2f} s")


if __name__ == "__main__":
    main()
