"""Loops of every kind, each as a loop and written out step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import BATCH, STEPS
from tests.support.graphs import fixed, graph_of, unrolled

SIZES = {"batch": 3, "steps": 4}
X, H, W = (STEPS, BATCH, 3), (BATCH, 2), (2, 2)


@dataclass(frozen=True)
class Case:
    """A loop over leaves of some shapes."""

    shapes: dict[str, tuple]
    build: Callable[..., list[Value]]
    """Appends it, given `ops.scan` or what does the same without a loop; returns the results that count."""
    exact: bool = False
    """Whether the loop's gradient adds up in the order of the one that is written out."""

    def looped(self):
        """Return the graph, its leaves and its results, with a loop."""
        graph, made = graph_of(self.shapes)
        return graph, made, self.build(ops.scan, **made)

    def unrolled(self):
        """Return the same for a fixed number of steps, without a loop."""
        graph, made = graph_of(fixed(self.shapes, {"steps": SIZES["steps"]}))
        return graph, made, self.build(unrolled, **made)


def recurrence(scan, x, h, U, W, B, reverse=False):
    def step(states, slices):
        new = ops.tanh(slices[0] @ U + states[0] @ W + B)
        return [new], [new]

    (last,), (outputs,) = scan(step, [h], [x], reverse=reverse)
    return last, outputs


def lstm(scan, x, h, c, U, W):
    def step(states, slices):
        before, cell = states
        gates = slices[0] @ U + before @ W
        i, f, g, o = (ops.crop(gates, margins=((0, 0), (2 * n, 6 - 2 * n))) for n in range(4))
        cell = ops.sigmoid(f) * cell + ops.sigmoid(i) * ops.tanh(g)
        new = ops.sigmoid(o) * ops.tanh(cell)
        return [new, cell], [new]

    (last, cell), (outputs,) = scan(step, [h, c], [x])
    return [last, cell, outputs]


def gru(scan, x, h, U, W):
    def step(states, slices):
        (before,) = states
        given, own = slices[0] @ U, before @ W
        parts = [[ops.crop(v, margins=((0, 0), (2 * n, 4 - 2 * n))) for n in range(3)] for v in (given, own)]
        (r, z, n), (r_own, z_own, n_own) = parts
        z = ops.sigmoid(z + z_own)
        new = (1.0 - z) * ops.tanh(n + ops.sigmoid(r + r_own) * n_own) + z * before
        return [new], [new]

    (last,), (outputs,) = scan(step, [h], [x])
    return [last, outputs]


def dropout(scan, x, h, U, W):
    def step(states, slices):
        mask = ops.dropout_mask(states[0], stream="mask", rate=0.4, scale=1.0 / 0.6)
        new = ops.tanh(slices[0] @ U + (states[0] * mask) @ W)
        return [new], [new]

    (last,), (outputs,) = scan(step, [h], [x])
    return [last, outputs]


def power(scan, h, W):
    (last,), () = scan(lambda states, _: ([ops.tanh(states[0] @ W)], []), [h], [], length=4)
    return [last]


def each_step(scan, x, U):
    (), outputs = scan(lambda _, slices: ([], [ops.sigmoid(slices[0] @ U), slices[0] * 2.0]), [], [x])
    return list(outputs)


def embedding(scan, i, h, T, W):
    def step(states, slices):
        new = ops.tanh(ops.gather(T, slices[0]) + states[0] @ W)
        return [new], [new]

    (last,), (outputs,) = scan(step, [h], [i])
    return [last, outputs]


def scaled(scan, x, h, U, B):
    scale = ops.mean_all(B)

    def step(states, slices):
        new = ops.tanh(slices[0] @ U * scale + states[0] * scale)
        return [new], [new]

    (last,), (outputs,) = scan(step, [h], [x])
    return [last, outputs]


def nested(scan, x, z, h, U, W):
    def step(states, slices):
        def inner(own, given):
            new = ops.tanh(own[0] @ W + given[0] + slices[0] @ U)
            return [new], [new * (slices[0] @ U)]

        (last,), (outputs,) = scan(inner, states, [z])
        return [last], [ops.reduce_sum(outputs, axes=(0,))]

    (last,), (outputs,) = scan(step, [h], [x])
    return [last, outputs]


def swapped(scan, x, h, g, U):
    def step(states, slices):
        return [states[1], ops.tanh(states[0] + slices[0] @ U)], [states[0] * states[1]]

    states, outputs = scan(step, [h, g], [x])
    return [*states, *outputs]


def second(scan, x, h, U, W):
    """Go through what another loop gives, the other way round."""
    _, (outputs,) = scan(lambda s, a: ([n := ops.tanh(a[0] @ U + s[0] @ W)], [n]), [h], [x])
    (last,), _ = scan(lambda s, a: ([ops.sigmoid(a[0] + s[0] @ W)], []), [h], [outputs], reverse=True)
    return [last]


RNN = {"x": X, "h": H, "U": (3, 2), "W": W, "B": (2,)}
PLAIN = {"x": X, "h": H, "U": (3, 2), "W": W}

CASES = {
    "recurrence": Case(RNN, lambda *v, **k: list(recurrence(*v, **k)), exact=True),
    "last state alone": Case(RNN, lambda *v, **k: [recurrence(*v, **k)[0]], exact=True),
    "outputs alone": Case(RNN, lambda *v, **k: [recurrence(*v, **k)[1]], exact=True),
    "reverse": Case(RNN, lambda *v, **k: list(recurrence(*v, **k, reverse=True)), exact=True),
    "lstm": Case({"x": X, "h": H, "c": H, "U": (3, 8), "W": (2, 8)}, lstm),
    "gru": Case({"x": X, "h": H, "U": (3, 6), "W": (2, 6)}, gru),
    "dropout": Case(PLAIN, dropout, exact=True),
    "no arrays": Case({"h": H, "W": W}, power, exact=True),
    "no states": Case({"x": X, "U": (3, 2)}, each_step, exact=True),
    "integers": Case({"i": (STEPS, BATCH, "int64"), "h": H, "T": (4, 2), "W": W}, embedding, exact=True),
    "scalar": Case({"x": X, "h": H, "U": (3, 2), "B": (5,)}, scaled),
    "nested": Case({"x": X, "z": (2, BATCH, 2), "h": H, "U": (3, 2), "W": W}, nested),
    "swapped": Case({"x": X, "h": H, "g": H, "U": (3, 2)}, swapped),
    "two loops": Case(PLAIN, second),
}
