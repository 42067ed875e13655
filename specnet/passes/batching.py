"""Ops applied to all steps of a loop at once: to arrays (steps, ...) in the place of a slice at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Value
from specnet.graph.sizes import Dim, Shape

Rule = Callable[[Node, Sequence[Value], Sequence[bool], Dim], Value]
"""Applies a node's op, given its inputs, which of them are of all steps, and how many steps there are."""


def can_batch(node: Node, stacked: Sequence[bool]) -> bool:
    """Whether an op can be applied to all steps at once, where some of its inputs are of all steps."""
    if len(node.results) != 1 or not node.value.shape:
        return False
    if node.op in (ops.gather, ops.MATMUL):
        # A table or a matrix that differs from step to step would be one more axis of a gather.
        return node.op is ops.MATMUL or not stacked[0]
    return node.op in _RULES or node.op.elementwise


def batched(graph: Graph, node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    """Append an op over all steps at once to a graph, and return its result (steps, ...)."""
    graph.key_path, graph.phase = node.key_path, node.phase
    rule = _RULES.get(node.op, _elementwise)
    return rule(node, inputs, stacked, steps)


def _elementwise(node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    rank = node.value.rank
    aligned = [
        _aligned(value, rank, steps) if all_ else value for value, all_ in zip(inputs, stacked, strict=True)
    ]
    return node.op(*aligned, **node.attributes.named())


def _aligned(value: Value, rank: int, steps: Dim) -> Value:
    """Return an array of all steps whose slices have this rank: axes of size 1 stand behind that of the steps."""
    missing = rank - (value.rank - 1)
    return ops.reshape(value, shape=(steps, *(1,) * missing, *value.shape[1:])) if missing else value


def _expand(node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    shape = (steps, *node.value.shape)
    return ops.expand(_aligned(inputs[0], node.value.rank, steps) if stacked[0] else inputs[0], shape=shape)


def _reshape(node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    return ops.reshape(inputs[0], shape=(steps, *node.value.shape))


def _product(node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    a, b = inputs
    settings = ops.MATMUL.of(node)
    if stacked == [True, False] and b.rank == 2 and a.rank == 3 and not settings.a_t:
        # One large product in the place of one for each step.
        made = ops.MATMUL(ops.rows(a), b, b_t=settings.b_t)
        return ops.reshape(made, shape=(steps, *node.value.shape))
    rank = node.value.rank
    aligned = [_aligned(v, rank, steps) if all_ else v for v, all_ in zip(inputs, stacked, strict=True)]
    return ops.MATMUL(*aligned, a_t=settings.a_t, b_t=settings.b_t)


def _total(node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    return ops.reduce_sum(inputs[0], axes=tuple(axis + 1 for axis in ops.reduce_sum.of(node).axes))


def _transpose(node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    return ops.transpose(inputs[0], axes=(0, *(axis + 1 for axis in ops.transpose.of(node).axes)))


def _concat(node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    whole = [_whole(value, all_, steps) for value, all_ in zip(inputs, stacked, strict=True)]
    return ops.concat(*whole, axis=ops.CONCAT.of(node).axis + 1)


def _whole(value: Value, all_: bool, steps: Dim) -> Value:
    shape: Shape = (steps, *value.shape)
    return value if all_ else ops.expand(value, shape=shape)


def _margins(node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    settings = ops.crop.of(node) if node.op is ops.crop else ops.pad.of(node)
    wider = replace(settings, margins=((0, 0), *settings.margins))
    return inputs[0].graph.apply(node.op, inputs, wider)[0]


def _along(node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    settings, rank = node.attributes, node.inputs[0].rank
    axis = settings.named()["axis"] % rank - rank
    return inputs[0].graph.apply(node.op, inputs, replace(settings, axis=axis))[0]  # type: ignore[call-arg]


def _same(node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    # What works on all elements alike needs nothing else.
    return inputs[0].graph.apply(node.op, inputs, node.attributes)[0]


def _indexed(node: Node, inputs: Sequence[Value], stacked: Sequence[bool], steps: Dim) -> Value:
    whole = [_whole(value, all_, steps) for value, all_ in zip(inputs, stacked, strict=True)]
    return inputs[0].graph.apply(node.op, whole, node.attributes)[0]


_RULES: dict[object, Rule] = {
    ops.expand: _expand,
    ops.reshape: _reshape,
    ops.MATMUL: _product,
    ops.reduce_sum: _total,
    ops.transpose: _transpose,
    ops.CONCAT: _concat,
    ops.crop: _margins,
    ops.pad: _margins,
    ops.softmax: _along,
    ops.log_softmax: _along,
    ops.reduce_max: _along,
    ops.argmax: _along,
    ops.cast: _same,
    ops.one_hot: _same,
    ops.gather: _same,
    ops.take_along_axis: _indexed,
    ops.put_along_axis: _indexed,
}
