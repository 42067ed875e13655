"""Graphs that Hypothesis draws: sums, products, shapes, draws at random, and loops within loops."""

from __future__ import annotations

from hypothesis import strategies as st

from specnet.graph import ops
from specnet.graph.sizes import BATCH, STEPS, broadcast, joined
from specnet.passes.differentiate import differentiate
from tests.support.graphs import graph_of

SHAPES = {
    "x": (BATCH, 3),
    "y": (BATCH, 3),
    "c": (BATCH, 1),
    "s": (STEPS, BATCH, 3),
    "t": (STEPS, 3),
    "v": (3,),
    "W": (3, 3),
    "V": (3, 3),
}

UNARY = [
    ops.tanh,
    ops.sigmoid,
    ops.negative,
    ops.relu,
    ops.softplus,
    ops.softsign,
    lambda x: ops.clip(x, low=-0.5, high=0.5),
    ops.erf,
]
"""Some have scratch, and some cannot be computed in place; none makes numbers larger than 1 much larger."""

BINARY = [
    lambda a, b: (a + b) * 0.5,
    lambda a, b: (a - b) * 0.5,
    lambda a, b: ops.tanh(a * b),
    ops.maximum,
    lambda a, b: ops.where(ops.greater(a, 0.0), a, b),
]


@st.composite
def graphs(draw):
    """Return a graph with outputs and assignments, over leaves as in `SHAPES`."""
    return _Drawing(draw).graph()


@st.composite
def gradients(draw):
    """Return a graph with outputs, and with the gradients of the mean of their squares by some leaves."""
    drawing = _Drawing(draw)
    graph = drawing.graph()
    graph.assignments.clear()
    parts = [ops.mean_all(ops.square(value)) if value.shape else value for value in graph.outputs.values()]
    wanted = [drawing.pick([value for value in graph.values if value.op.leaf]) for _ in range(2)]
    for number, slope in enumerate(differentiate(graph, sum(parts[1:], parts[0]), wanted)):
        graph.outputs[f"slope{number}"] = slope
    return graph


class _Drawing:
    def __init__(self, draw):
        self.draw = draw
        self.streams = 0

    def pick(self, values):
        """Return one of some values, often one of the last, so that what is computed is used."""
        return self.draw(st.sampled_from([*values[-3:] * 3, *values]))

    def up_to(self, most, least=0):
        return self.draw(st.integers(least, most))

    def graph(self):
        graph, leaves = graph_of(SHAPES)
        pool = list(leaves.values())
        for _ in range(self.up_to(7, 1)):
            pool += self.applied(pool, 0)
        made = pool[len(leaves) :]
        wanted = [made[-1], *(self.pick(made) for _ in range(self.up_to(2)))]
        graph.outputs = {f"out{number}": value for number, value in enumerate(wanted)}
        if not any(map(_may_be_given, wanted)):
            self.assign(graph, leaves, made)
        return graph

    def assign(self, graph, leaves, made):
        """Have some leaves take values; one may take what another leaf has."""
        for name in ("W", "V", "v", "x"):
            shape = leaves[name].shape
            fitting = [value for value in made if value.shape == shape and not _may_be_given(value)]
            fitting += [leaves["W"]] if name == "V" else []
            if fitting and self.draw(st.booleans()):
                graph.assign(leaves[name], self.pick(fitting))

    def applied(self, pool, depth):
        """Append one application to the graph of a pool's values, and return its results."""
        kinds = [self.unary, self.binary, self.binary, self.product, self.mean, self.shaped, self.masked]
        if depth < 2:
            kinds += [lambda pool: self.loop(pool, depth)] * 2
        return self.draw(st.sampled_from(kinds))(pool)

    def unary(self, pool):
        # Scalars have few ops: those with an expression of Python.
        return [self.draw(st.sampled_from(UNARY))(self.pick([value for value in pool if value.shape]))]

    def binary(self, pool):
        a = self.pick(pool)
        b = self.pick([value for value in pool if broadcast(a.shape, value.shape) is not None])
        if not a.shape and not b.shape:
            return [(a + b) * 0.5]
        return [self.draw(st.sampled_from(BINARY))(*((a, b) if a.shape else (b, a)))]

    def product(self, pool):
        matrices = [value for value in pool if value.rank >= 2 and value.shape[-1] == 3]
        a = self.pick(matrices)
        if a.rank == 2 and self.draw(st.booleans()):
            b = self.pick([value for value in matrices if value.shape == a.shape])
            return [ops.tanh(ops.MATMUL(a, b, a_t=True))]
        w = self.pick([value for value in matrices if value.shape == (3, 3)])
        return [(a @ w) * 0.3]

    def mean(self, pool):
        x = self.pick([value for value in pool if value.shape])
        axes = self.draw(st.sets(st.integers(0, x.rank - 1), min_size=1))
        return [ops.mean(x, axes=tuple(sorted(axes)))]

    def shaped(self, pool):
        x = self.pick([value for value in pool if value.shape])
        how = self.up_to(4)
        if how == 0:
            return [ops.reshape(x, shape=(joined(x.shape),))]
        if how == 1:
            return [ops.reshape(x, shape=(*x.shape[:-1], 1, x.shape[-1]))] if x.rank < 4 else [x]
        if how == 2:
            return [ops.transpose(x, axes=tuple(reversed(range(x.rank))))]
        if how == 3:
            return [ops.softmax(x, axis=-self.up_to(x.rank, 1))]
        return [ops.concat(x, ops.tanh(x), axis=x.rank - 1)] if x.count.each < 50 else [x]

    def masked(self, pool):
        x = self.pick([value for value in pool if value.shape])
        self.streams += 1
        return [x * ops.dropout_mask(x, stream=f"stream {self.streams}", rate=0.3, scale=1.25)]

    def loop(self, pool, depth):
        """Append a loop over some arrays, whose steps may use any value of the pool."""
        arrays_there = [v for v in pool if v.rank >= 2 and (v.shape[0] == 3 or v.shape[0] == STEPS)]
        arrays = [self.pick(arrays_there)] if arrays_there and self.draw(st.booleans()) else []
        if arrays and self.draw(st.booleans()):
            arrays.append(self.pick([v for v in arrays_there if v.shape[0] == arrays[0].shape[0]]))
        shaped = [value for value in pool if value.shape]
        init = [self.pick(shaped) for _ in range(self.up_to(3, 0 if arrays else 1))]
        length = None if arrays else self.draw(st.sampled_from([1, 2, 3, STEPS]))

        def step(states, slices):
            inside = [*states, *slices]
            around = [inside[0].graph.take(self.pick(pool)) for _ in range(self.up_to(2))]
            inside += around
            inside += [inside[0].graph.take(v) for v in pool if v.shape == (3, 3)][:1]
            for _ in range(self.up_to(5)):
                inside += self.applied(inside, depth + 1)
            new = [self.state(state, inside) for state in states]
            shaped = [value for value in inside if value.shape]
            outputs = [self.pick(shaped) for _ in range(self.up_to(2, 0 if states else 1))]
            return new, outputs

        states, outputs = ops.scan(step, init, arrays, length=length, reverse=self.draw(st.booleans()))
        return [*states, *outputs]

    def state(self, state, inside):
        """Return a new state: one of the values of its shape, or a mean of the old one and another."""
        if self.draw(st.booleans()):
            return self.pick([value for value in inside if value.shape == state.shape])
        fitting = [value for value in inside if broadcast(value.shape, state.shape) == state.shape]
        return self.draw(st.sampled_from(BINARY))(state, self.pick(fitting))


def _may_be_given(value):
    """Whether a value may turn out to be a leaf itself.

    An output that is one has, after the step, what the leaf has taken; and leaves cannot take each other's values.
    """
    return value.op in (ops.SCAN, ops.reshape, ops.transpose)
