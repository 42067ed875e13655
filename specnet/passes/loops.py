"""Take out of loops what need not run once a step."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Region, Value
from specnet.graph.leaves import ARGUMENT, CONSTANT, argument
from specnet.graph.ops.scan import SCAN
from specnet.graph.sizes import joined
from specnet.passes.batching import batched, can_batch
from specnet.passes.rewriting import Replaced, Rewriting, apply_again, readers_of

G = TypeVar("G", bound=Graph)


def hoist(graph: G) -> G:
    """Return a graph in which loops do not compute what does not depend on their states.

    What depends on nothing that changes is computed before the loop, and what depends on a step's slices alone for all
    steps at once.
    """
    return _Hoisting(graph).run()  # type: ignore[return-value]


def sink(graph: G) -> G:
    """Return a graph in which sums over all steps that no step reads follow the loop, as one op over all steps.

    These are sums of products and of sums over rows, as gradients of what stays the same are.
    """
    return _Sinking(graph).run()  # type: ignore[return-value]


def _is_random(node: Node) -> bool:
    """Whether an op, or one of a region that it runs, draws at random."""
    return node.op.random or any(_is_random(inner) for region in node.regions for inner in region)


class _Hoisting(Rewriting):
    def visit(self, node: Node) -> Replaced:
        return _Hoisted(self, node).run() if node.op is SCAN else self.copy(node)


class _Hoisted:
    """One loop, of which parts come to lie before it."""

    def __init__(self, around: Rewriting, node: Node) -> None:
        self.around, self.node = around, node
        loop = SCAN.of(node)
        self.loop = loop.with_regions((around.within(loop.body),))
        self.before: dict[int, Value] = {}
        """What is known before the loop, by index of the body's values: of all steps, or the same at every step."""
        self.stacked: set[int] = set()
        """Which of these are of all steps."""
        self.constants: dict[int, Node] = {}
        self.within: list[Node] = []
        """What stays in the loop."""

    def run(self) -> Replaced:
        loop, target = self.loop, self.around.target
        for number, value in enumerate(loop.body.arguments):
            if number >= loop.states:
                self.before[value.index] = self.around.of(self.node.inputs[number])
            if loop.states <= number < loop.states + loop.arrays:
                self.stacked.add(value.index)
        for node in loop.body.nodes:
            if node.op is CONSTANT:
                self.constants[node.index] = node
            elif node.op is not ARGUMENT and not self._moved(node):
                self.within.append(node)
        target.key_path, target.phase = self.node.key_path, self.node.phase
        body, arrays, constants = self._body()
        init = [self.around.of(value) for value in self.node.inputs[: loop.states]]
        returns = loop.body.returns
        settings = replace(loop, body=body, arrays=len(arrays))
        results = iter(target.apply(SCAN, [*init, *arrays, *constants], settings))
        found = [next(results) for _ in range(loop.states)]
        outputs = returns[loop.states :]
        return found + [self._of_all_steps(v) if self._is_before(v) else next(results) for v in outputs]

    def _moved(self, node: Node) -> bool:
        """Compute a node before the loop, if that can be; say whether it is."""
        stacked = [value.index in self.stacked for value in node.inputs]
        if not all(map(self._is_before, node.inputs)) or _is_random(node) or (node.regions and any(stacked)):
            return False
        target = self.around.target
        if any(stacked):
            if not can_batch(node, stacked):
                return False
            inputs = [self._before(value) for value in node.inputs]
            value = batched(target, node, inputs, stacked, self.loop.length)
            self.before[node.value.index] = value
            self.stacked.add(node.value.index)
            return True
        target.key_path, target.phase = node.key_path, node.phase
        inputs = [self._before(value) for value in node.inputs]
        for old, new in zip(node.results, target.apply(node.op, inputs, node.attributes), strict=True):
            self.before[old.index] = new
        return True

    def _is_before(self, value: Value) -> bool:
        return value.index in self.before or value.node.index in self.constants

    def _before(self, value: Value) -> Value:
        if value.index not in self.before:
            constant = value.node
            self.before[value.index] = self.around.target.apply(CONSTANT, (), constant.attributes)[0]
        return self.before[value.index]

    def _of_all_steps(self, value: Value) -> Value:
        """Return what an output is that is known before the loop."""
        before = self._before(value)
        if value.index in self.stacked:
            return before
        return ops.expand(before, shape=(self.loop.length, *value.shape))

    def _body(self) -> tuple[Region, list[Value], list[Value]]:
        """Return the body that is left, and what it is given: arrays, and what stays the same."""
        loop = self.loop
        kept = [v for n, v in enumerate(loop.body.returns) if n < loop.states or not self._is_before(v)]
        asked = [v for node in self.within for v in node.inputs] + kept
        read = {v.index: v for v in asked if v.index in self.before and v.node.index not in self.constants}
        body = Region(loop.body.dtype)
        new: dict[int, Value] = {}
        arrays, constants = [], []
        for value in loop.body.arguments[: loop.states]:
            new[value.index] = argument(body, value.shape, value.dtype)
        for index, value in read.items():
            if index in self.stacked:
                new[index] = argument(body, value.shape, value.dtype)
                arrays.append(self.before[index])
        for index, value in read.items():
            if index not in self.stacked:
                new[index] = argument(body, value.shape, value.dtype)
                constants.append(self.before[index])
        copied = sorted([*self.constants.values(), *self.within], key=lambda node: node.index)
        apply_again(copied, body, new)
        body.returns = tuple(new[value.index] for value in kept)
        return body, arrays, constants


class _Sinking(Rewriting):
    def visit(self, node: Node) -> Replaced:
        return _Sunk(self, node).run() if node.op is SCAN else self.copy(node)


class _Sunk:
    """One loop, of which products come to lie behind it."""

    def __init__(self, around: Rewriting, node: Node) -> None:
        self.around, self.node = around, node
        loop = SCAN.of(node)
        self.loop = loop.with_regions((around.within(loop.body),))
        self.readers = readers_of(self.loop.body)
        self.outputs = list(self.loop.body.returns[self.loop.states :])
        """What the loop gives at each step, with what the products behind it need."""
        self.place = {value.index: number for number, value in enumerate(self.loop.body.arguments)}

    def run(self) -> Replaced:
        loop, own = self.loop, len(self.outputs)
        sums = {n: terms for n in range(loop.states) if (terms := self._terms(n)) is not None}
        if not sums:
            return self.around.target.apply(SCAN, [self.around.of(value) for value in self.node.inputs], loop)
        for terms in sums.values():
            for term in terms:
                for value in _added_up(term).inputs:
                    self._give(value)
        stepping = [number for number in range(loop.states) if number not in sums]
        body, kept = self._body(stepping)
        settings = replace(loop, body=body, states=len(stepping))
        inputs = [self.around.of(self.node.inputs[n]) for n in (*stepping, *kept)]
        target = self.around.target
        results = target.apply(SCAN, inputs, settings)
        self.given = dict(zip(self.outputs, results[len(stepping) :], strict=True))
        last = dict(zip(stepping, results, strict=False))
        for number, terms in sums.items():
            whole = self.around.of(self.node.inputs[number])
            for term in terms:
                whole = whole + self._summed(term)
            last[number] = whole
        return [last[number] for number in range(loop.states)] + [
            self.given[value] for value in self.outputs[:own]
        ]

    def _terms(self, state: int) -> list[Node] | None:
        """Return what a state adds up, if that is all that it does, and the sum can be made behind the loop."""
        body = self.loop.body
        before, after = body.arguments[state], body.returns[state]
        node = after.node
        if node.op is not ops.add or before not in node.inputs or node.inputs[0] is node.inputs[1]:
            return None
        alone = [node] == self.readers.get(before.index) and after.index not in self.readers
        if not alone or before in body.returns or sum(value is after for value in body.returns) != 1:
            return None
        waiting = [value for value in node.inputs if value is not before]
        terms = []
        while waiting:
            value = waiting.pop()
            if value.op is ops.add and len(self.readers[value.index]) == 1 and value not in body.returns:
                waiting += value.inputs
            elif _summable(value.node):
                terms.append(value.node)
            else:
                return None
        return terms[::-1]

    def _give(self, value: Value) -> None:
        """Have the loop give a value at each step, unless it goes through it anyway."""
        if not self._is_array(value) and value not in self.outputs:
            self.outputs.append(value)

    def _is_array(self, value: Value) -> bool:
        first = self.loop.states
        return first <= self.place.get(value.index, -1) < first + self.loop.arrays

    def _of_all_steps(self, value: Value) -> Value:
        if self._is_array(value):
            return self.around.of(self.node.inputs[self.place[value.index]])
        return self.given[value]

    def _summed(self, term: Node) -> Value:
        """Return the sum of a term over all steps."""
        target = self.around.target
        if term.op is ops.reshape:
            return ops.reshape(self._summed(term.inputs[0].node), shape=term.value.shape)
        inputs = [self._of_all_steps(value) for value in term.inputs]
        target.key_path, target.phase = term.key_path, term.phase
        if term.op is ops.MATMUL:
            a, b = inputs
            if term.value.rank == 2:
                return ops.MATMUL(ops.rows(a), ops.rows(b), a_t=True)
            # Several products with one matrix: (steps, n, rows, columns) as (n, steps * rows, columns).
            turned = ops.transpose(b, axes=(1, 0, 2, 3))
            count, columns = b.shape[1], b.shape[3]
            together = joined((b.shape[0], b.shape[2]))
            return ops.MATMUL(ops.rows(a), ops.reshape(turned, shape=(count, together, columns)), a_t=True)
        axes = ops.reduce_sum.of(term).axes
        return ops.reduce_sum(inputs[0], axes=(0, *(axis + 1 for axis in axes)))

    def _body(self, stepping: list[int]) -> tuple[Region, list[int]]:
        """Return the body with other states and outputs, and which of its other arguments there are: all."""
        loop = self.loop
        body, new = Region(loop.body.dtype), {}
        kept = list(range(loop.states, len(loop.body.arguments)))
        for number in (*stepping, *kept):
            value = loop.body.arguments[number]
            new[value.index] = argument(body, value.shape, value.dtype)
        known = set(new)
        nodes = []
        for node in loop.body.nodes:
            if node.op is ARGUMENT:
                continue
            # What reads a sum that is made behind the loop is that sum alone.
            if all(value.index in known for value in node.inputs):
                nodes.append(node)
                known.update(value.index for value in node.results)
        apply_again(nodes, body, new)
        body.returns = tuple(
            new[value.index] for value in (*(loop.body.returns[n] for n in stepping), *self.outputs)
        )
        return body, kept


def _added_up(term: Node) -> Node:
    """Return the product or sum that a term is, before it was reshaped."""
    return _added_up(term.inputs[0].node) if term.op is ops.reshape else term


def _summable(node: Node) -> bool:
    """Whether the sum of a value over all steps is one op over all of them."""
    if node.op is ops.MATMUL:
        ranks = tuple(value.rank for value in node.inputs)
        return ranks in ((2, 2), (2, 3)) and ops.MATMUL.of(node) == ops.MatmulAttributes(a_t=True)
    if node.op is ops.reshape:
        return _summable(node.inputs[0].node)
    return node.op is ops.reduce_sum and bool(node.value.shape) and node.inputs[0].dtype != "bool"
