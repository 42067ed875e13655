"""Have each of several processes compute its own rows of every batch, and meet the others where it must.

What a process has of each value is found out from the ops, as for the workers of one process (`rows.py`): its own rows,
a term of a sum over all processes, or the whole. Where an op needs the whole of a value, a collective is put before it:
an `all_reduce` of a sum, an `all_gather` of rows. So the loss, the statistics of `batch_norm`, the gradient and what
metrics add up are those of the whole batch, whatever an op does, and however many processes there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Value
from specnet.graph.leaves import CONSTANT, constant
from specnet.graph.ops.fixed import ROW_NUMBERS
from specnet.graph.sizes import (
    GLOBAL_BATCH,
    Powers,
    Size,
    count,
    globally,
    grows,
    inverse,
    of_global_batch,
    times,
)
from specnet.passes.batch_axis import axis_of
from specnet.passes.gathering import gathered, own_rows
from specnet.passes.pruning import prune
from specnet.passes.rows import SUM, WHOLE, Part, RowPart, part_of
from specnet.passes.whole_batch import whole_batch, with_global_constants

G = TypeVar("G", bound=Graph)

COLLECTIVES = {ops.all_reduce, ops.all_gather}

_BY_ROWS = {
    ops.conv2d,
    ops.conv2d_input,
    ops.max_pool,
    ops.max_unpool,
    ops.max_pick,
    ops.window_sum,
    ops.window_sum_grad,
    ops.upsample,
    ops.upsample_grad,
    ops.batch_norm,
    ops.append_ones_column,
}
"""Ops on each place of the first axis by itself, whose other operands are whole or have the same rows."""

_SUMMED = {ops.conv2d_kernel, ops.batch_norm_sums}
"""Ops that sum over the first axis of their first two operands."""

_MIXED = {ops.add, ops.subtract, ops.pack, ops.CONCAT}
"""Linear ops of several operands: where one is a sum, the others can be made sums without a message."""


def distribute(graph: G) -> G:
    """Return a graph that each of several processes runs on its own rows of the batch.

    In it `batch` is the number of a process's rows, and `global_batch` that of all. Outputs and what leaves become are
    whole, except for leaves that hold rows. Collectives are in the same order in all processes.
    """
    return prune(_Distribution(graph).run())  # type: ignore[return-value]


class _Distribution:
    """Makes the graph of one process; each value may exist as rows, as a term of a sum, and whole."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.target = Graph(graph.dtype)
        self.parts: dict[int, Part] = {}
        """What a process has of each value, by its index."""
        self.made: dict[tuple[int, str], Value] = {}
        """What stands for a value of the old graph as rows, as a sum, or whole, by its index and which of these."""

    def run(self) -> Graph:
        """Return the new graph."""
        target, graph = self.target, self.graph
        outputs = {value.index for value in graph.outputs.values()}
        for node in graph:
            target.key_path, target.phase = node.key_path, node.phase
            self._node(node)
            # A step is guarded against a loss that is not finite before the backward pass begins.
            for value in node.results:
                if value.index in outputs:
                    self.whole(value)
        target.outputs = {name: self.whole(value) for name, value in graph.outputs.items()}
        target.key_path, target.phase = (), "update"
        target.assignments = [
            (self.made[into.index, "rows"], self.rows(value))
            if isinstance(self.parts[into.index], RowPart)
            else (self.whole(into), self.whole(value))
            for into, value in graph.assignments
        ]
        return target

    # What stands for a value

    def whole(self, value: Value) -> Value:
        """Return the whole of a value."""
        key = value.index, "whole"
        if key not in self.made:
            if (value.index, SUM) in self.made:
                self.made[key] = ops.all_reduce(self.made[value.index, SUM])
            elif value.op is ops.reshape:
                # Several shapes of one array are gathered once.
                shape = tuple(map(globally, value.shape))
                self.made[key] = ops.reshape(self.whole(value.inputs[0]), shape=shape)
            else:
                self.made[key] = gathered(
                    self.made[value.index, "rows"], value.shape, self._row_part(value).outer
                )
        return self.made[key]

    def rows(self, value: Value) -> Value:
        """Return a process's own rows of a value."""
        key = value.index, "rows"
        if key not in self.made:
            self.made[key] = own_rows(self.whole(value), value.shape, self._row_part(value).outer)
        return self.made[key]

    def sum(self, value: Value) -> Value:
        """Return a process's term of a value, which is the sum of all processes' terms."""
        key = value.index, SUM
        if key not in self.made:
            # By rows, since a process without any takes no part in sums.
            share = constant(self.target, 1.0, _share((("batch", 1),)))
            self.made[key] = self.whole(value) * share
        return self.made[key]

    def _row_part(self, value: Value) -> RowPart:
        part = self.parts[value.index]
        assert isinstance(part, RowPart)
        return part

    # Nodes

    def _node(self, node: Node) -> None:
        if node.op.leaf:
            self._leaf(node)
        elif node.op is CONSTANT:
            settings = CONSTANT.of(node)
            settings = replace(settings, powers=of_global_batch(settings.powers))
            self._enter(node, "whole", [WHOLE], self.target.apply(CONSTANT, (), settings))
        elif node.op.random:
            self._drawn(node)
        elif node.op is ROW_NUMBERS:
            self._enter_whole(node, (ops.step_numbers(self.target, GLOBAL_BATCH),))
        elif node.op is ops.batch_moments and self._has_rows(node, 0):
            self._moments(node)
        elif node.op is ops.batch_norm_grad and self._has_rows(node, 0):
            self._normal_gradient(node)
        else:
            self._apply(node)

    def _has_rows(self, node: Node, number: int) -> bool:
        """Whether a process has rows of an operand, which lie along its first axis."""
        value = node.inputs[number]
        return (
            isinstance(self.parts[value.index], RowPart)
            and (value.index, "rows") in self.made
            and axis_of(value.shape) == 0
        )

    def _leaf(self, node: Node) -> None:
        results = self.target.apply(node.op, (), node.attributes)
        growing = any(map(grows, node.value.shape))
        assert not growing or axis_of(node.value.shape) == 0, f"{node.value!r} is not cut by rows"
        self._enter(node, "rows" if growing else "whole", [RowPart() if growing else WHOLE], results)

    def _drawn(self, node: Node) -> None:
        """Draw for the whole batch, as one process would, in one stream; the rows are taken from that.

        Of uniform numbers, those of other processes are passed over instead. How many normal ones take from the stream
        is known only once they are drawn.
        """
        attributes: Any = node.attributes
        if node.op is ops.dropout_mask and axis_of(node.value.shape) == 0:
            zero = ops.fixed(self.target, [0.0], node.value.dtype)
            own = replace(ops.dropout_mask.of(node), shape=node.value.shape, of_rows=True)
            self._enter(node, "rows", [RowPart()], self.target.apply(node.op, (zero,), own))
            return
        shape = tuple(map(globally, node.value.shape))
        zero = ops.fixed(self.target, [0.0], node.value.dtype)
        self._enter_whole(node, self.target.apply(node.op, (zero,), replace(attributes, shape=shape)))

    def _moments(self, node: Node) -> None:
        """Put the moments of all rows together from each process's (Chan, Golub and LeVeque, 1983)."""
        (x,) = node.inputs
        own = ops.batch_moments(self.rows(x))
        rows = count(x.shape[:1])
        share = constant(self.target, 1.0, _share(rows.powers))
        mean, variance = ops.row_of(own, 0), ops.row_of(own, 1)
        whole_mean = ops.all_reduce(mean * share)
        apart = mean - whole_mean
        whole_variance = ops.all_reduce((variance + ops.square(apart)) * share)
        size = constant(self.target, rows.each, of_global_batch(rows.powers))
        unbiased = whole_variance * (size / ops.maximum(size - 1.0, 1.0))
        (columns,) = whole_mean.shape
        moments = ops.concat(
            *(ops.reshape(row, shape=(1, columns)) for row in (whole_mean, whole_variance, unbiased)), axis=0
        )
        self._enter(node, "whole", [WHOLE], (moments,))

    def _normal_gradient(self, node: Node) -> None:
        """Give the op, which divides by the number of its rows, its share of the sums over all rows."""
        g, x, moments, sums, gamma = node.inputs
        share = constant(self.target, 1.0, _share(count(node.value.shape[:1]).powers))
        given = (self.rows(g), self.rows(x), self.whole(moments), self.whole(sums) * share, self.whole(gamma))
        self._enter(node, "rows", [RowPart()], self.target.apply(node.op, given, node.attributes))

    def _apply(self, node: Node) -> None:
        parts = [self.parts[value.index] for value in node.inputs]
        if SUM in parts:
            # What an optimizer makes of a gradient begins with the whole of it.
            if node.phase != "update" and self._linear(node, parts):
                return
            parts = [WHOLE if part == SUM else part for part in parts]
        found = self._found(node, parts)
        if None in found:
            self._enter_whole(
                node,
                self.target.apply(
                    node.op, [self.whole(value) for value in node.inputs], whole_batch(node.attributes)
                ),
            )
            return
        given = [
            self.rows(value) if isinstance(part, RowPart) else self.whole(value)
            for value, part in zip(node.inputs, parts, strict=True)
        ]
        results = self.target.apply(node.op, given, with_global_constants(node.attributes))
        for value, part, result in zip(node.results, found, results, strict=True):
            self.parts[value.index] = part
            kind = SUM if part == SUM else "whole" if part == WHOLE else "rows"
            self.made[value.index, kind] = result

    def _linear(self, node: Node, parts: Sequence[Part]) -> bool:
        """Apply an op to terms of sums, whose result is a term of a sum, too; return whether that can be."""
        known = [SUM if part == WHOLE and node.op in _MIXED else part for part in parts]
        if part_of(node, known, joined=True) != [SUM]:
            return False
        given = [
            self.sum(value) if part == SUM else self.whole(value)
            for value, part in zip(node.inputs, known, strict=True)
        ]
        self._enter(node, SUM, [SUM], self.target.apply(node.op, given, node.attributes))
        return True

    def _found(self, node: Node, parts: Sequence[Part]) -> list[Part]:
        """Return what a process has of each result; None where an op needs the whole of its operands."""
        rows = [
            (value, part) for value, part in zip(node.inputs, parts, strict=True) if isinstance(part, RowPart)
        ]
        if node.op in _BY_ROWS | _SUMMED:
            first = all(axis_of(value.shape) == 0 and part.outer in (1, None) for value, part in rows)
            if not rows or not first or not isinstance(parts[0], RowPart):
                return [None] if rows else part_of(node, parts, joined=True)
            if node.op in _SUMMED:
                return [SUM] if isinstance(parts[1], RowPart) else [None]
            return [RowPart()]
        return part_of(node, parts, joined=True)

    def _enter(self, node: Node, kind: str, parts: Sequence[Part], results: Sequence[Value]) -> None:
        for value, part, result in zip(node.results, parts, results, strict=True):
            self.parts[value.index] = part
            self.made[value.index, kind] = result

    def _enter_whole(self, node: Node, results: Sequence[Value]) -> None:
        """Enter results that every process has whole; where they hold rows, each can take its own."""
        for value, result in zip(node.results, results, strict=True):
            growing = any(map(grows, value.shape))
            axis = axis_of(value.shape) if growing else None
            dim = None if axis is None else value.shape[axis]
            single = isinstance(dim, Size) and dim.times == 1
            self.parts[value.index] = WHOLE if not growing else RowPart() if single else None
            self.made[value.index, "whole"] = result


def _share(powers: Powers) -> Powers:
    """Return by what a process's own number of rows is a share of that of all."""
    return times(powers, inverse(of_global_batch(powers)))
