"""Graphs for tests: leaves, the numbers that they hold, and loops written out step by step."""

from __future__ import annotations

import numpy as np

from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import constant, leaf, leaves, name_of
from specnet.graph.sizes import Size, at


def graph_of(shapes, dtype="float64"):
    """Return a graph and its leaves by name; a shape may end in a dtype, and parameters have capital letters."""
    graph = Graph(dtype)
    made = {}
    for name, shape in shapes.items():
        own = shape[-1] if isinstance(shape[-1], str) else None
        role = "parameter" if name.isupper() else "input"
        made[name] = leaf(graph, name, role, shape[:-1] if own else shape, own)
    return graph, made


def drawn(graph, sizes, seed=0, most=4):
    """Return numbers for a graph's leaves, by name: whole ones below `most` where a leaf holds integers."""
    rng = np.random.default_rng(seed)
    given = {}
    for name, value in leaves(graph).items():
        shape = at(value.shape, sizes)
        whole = value.dtype in ("int32", "int64")
        given[name] = rng.integers(0, most, shape) if whole else rng.uniform(-1.0, 1.0, shape)
    return given


def counted(graph, op):
    """Return how many applications of an op a graph and its regions have."""
    own = sum(node.op is op for node in graph)
    return own + sum(counted(region, op) for node in graph for region in node.regions)


def body_of(graph, place=0):
    """Return the body of one of a graph's loops."""
    return [ops.SCAN.of(node).body for node in graph if node.op is ops.SCAN][place]


def names_of(nodes):
    """Return the ops of nodes, by name, without what a graph is given."""
    given = ("argument", "constant", "leaf", "number")
    return [node.op.name for node in nodes if node.op.name not in given]


def fixed(shapes, sizes):
    """Return shapes in which some named sizes are numbers."""

    def known(dim):
        return dim.at(sizes) if isinstance(dim, Size) and set(dim.names) <= set(sizes) else dim

    return {name: tuple(map(known, shape)) for name, shape in shapes.items()}


def unrolled(step, init, arrays, *, length=None, reverse=False):
    """Do what `ops.scan` does without a loop; `length`, or the arrays' leading axis, is a number."""
    length = arrays[0].shape[0] if length is None else length
    states, outputs = tuple(init), []
    for number in reversed(range(length)) if reverse else range(length):
        states, given = step(states, tuple(_slice(value, number) for value in arrays))
        states = tuple(states)
        outputs.append([ops.reshape(value, shape=(1, *value.shape)) for value in given])
    if reverse:
        outputs.reverse()
    return states, tuple(ops.concat(*parts, axis=0) for parts in zip(*outputs, strict=True))


def _slice(value, number):
    margins = ((number, value.shape[0] - 1 - number), *[(0, 0)] * (value.rank - 1))
    return ops.reshape(ops.crop(value, margins=margins), shape=value.shape[1:])


def loss_of(results):
    """Return a scalar in which each element of some results counts by a weight of its own, and not evenly."""
    graph = results[0].graph
    parts = []
    for number, value in enumerate(results):
        weights = leaf(graph, f"weights{number}", "input", value.shape)
        parts.append(ops.sum_all(value * weights) + ops.sum_all(value * value * weights))
    return sum(parts[1:], parts[0])


def difference(evaluate, loss, given, source, direction, sizes, step=5e-4):
    """Return the slope of a scalar in a direction of a leaf, by central differences of the fourth order."""

    def at_distance(k):
        moved = given | {name_of(source): given[name_of(source)] + k * step * direction}
        return float(evaluate(loss.graph, moved, [loss], sizes)[0])

    near, far = at_distance(1) - at_distance(-1), at_distance(2) - at_distance(-2)
    return (8.0 * near - far) / (12.0 * step)


def pulled_back(graph, loss, wanted):
    """Append the gradient of a scalar with respect to values: the chain rule over every op's own pullback.

    This is no oracle for pullbacks, but for how `differentiate` visits nodes. What it returns is compared with central
    differences (`tests/graph/test_ops.py`), or with PyTorch.
    """
    flowing = {loss.index: constant(graph, 1.0)}
    for node in reversed(graph.nodes[: loss.node.index + 1]):
        if node.op.leaf or not node.inputs or node.op.pullback is None:
            continue
        value = node.value
        if value.index not in flowing:
            continue
        parts = node.op.pullback(flowing[value.index], value, *node.inputs, **node.attributes.named())
        assert len(parts) == len(node.inputs), f"{node.op} has a pullback of {len(parts)} parts"
        for source, part in zip(node.inputs, parts, strict=True):
            if part is not None:
                assert part.shape == source.shape, f"{node.op}: {part.shape} flows back to {source.shape}"
                before = flowing.get(source.index)
                flowing[source.index] = part if before is None else ops.add(before, part)
    return [flowing[v.index] for v in wanted]
