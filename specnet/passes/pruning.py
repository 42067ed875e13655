"""Leave out what a graph does not need, in its regions too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from specnet.graph.graph import Graph, Node, Region, Value
from specnet.graph.leaves import ARGUMENT
from specnet.graph.ops.scan import SCAN
from specnet.passes.rewriting import Replaced, Rewriting

G = TypeVar("G", bound=Graph)


def prune(graph: G) -> G:
    """Return a graph with the same outputs and assignments, without what neither needs."""
    return _Pruning(graph).run()  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Live:
    """What is needed of a loop: its results and its inputs, by position."""

    results: list[int]
    inputs: list[int]


class _Pruning(Rewriting):
    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.loops: dict[int, _Live] = {}
        """What is needed of each loop that is needed, by its node's index."""

    def nodes(self) -> Iterable[Node]:
        needed = self._needed()
        return [node for node in self.graph.nodes if node.index in needed or self._is_argument(node)]

    def visit(self, node: Node) -> Replaced:
        return self._narrowed(node) if node.op is SCAN else self.copy(node)

    def within(self, region: Region) -> Region:
        return prune(region)

    def _is_argument(self, node: Node) -> bool:
        return node.op is ARGUMENT

    def _needed(self) -> set[int]:
        """Return the nodes that lead to what is wanted, by index."""
        needed = {leaf.node.index for leaf, _ in self.graph.assignments}
        read = {value.index for value in self.wanted}
        needed |= {value.node.index for value in self.wanted}
        for node in reversed(self.graph.nodes):
            if node.index not in needed:
                continue
            inputs: Iterable[Value] = node.inputs
            if node.op is SCAN:
                live = self.loops[node.index] = _live(node, read)
                inputs = [node.inputs[number] for number in live.inputs]
            for value in inputs:
                read.add(value.index)
                needed.add(value.node.index)
        return needed

    def _narrowed(self, node: Node) -> Replaced:
        """Return the results of a loop without the states, outputs and inputs that nothing needs."""
        loop, live = SCAN.of(node), self.loops[node.index]
        first, last = loop.states, loop.states + loop.arrays
        returns = _once(loop.body.returns, live.results, first)
        body = _Narrowing(loop.body, live.inputs, list(returns)).run()
        assert isinstance(body, Region)
        settings = replace(
            loop,
            body=body,
            states=sum(number < first for number in live.inputs),
            arrays=sum(first <= number < last for number in live.inputs),
        )
        made = self.target.apply(SCAN, [self.of(node.inputs[number]) for number in live.inputs], settings)
        of = dict(zip(returns, made, strict=True))
        found = {number: of[kept] for kept, numbers in returns.items() for number in numbers}
        return [found.get(number) for number in range(len(node.results))]


class _Narrowing(_Pruning):
    """Leave only some arguments and returns of a region."""

    def __init__(self, region: Region, arguments: Collection[int], returns: Sequence[int]) -> None:
        super().__init__(region)
        self.kept = {region.arguments[number].node.index for number in arguments}
        self.wanted = tuple(region.returns[number] for number in returns)

    def _is_argument(self, node: Node) -> bool:
        return node.index in self.kept


def _once(returns: tuple[Value, ...], results: Iterable[int], states: int) -> dict[int, list[int]]:
    """Return the positions that are needed, with the positions of outputs that are equal to each."""
    where: dict[int, list[int]] = {}
    outputs: dict[Value, int] = {}
    for number in results:
        first = number if number < states else outputs.setdefault(returns[number], number)
        where.setdefault(first, []).append(number)
    return where


def _live(node: Node, read: Collection[int]) -> _Live:
    """Return what is needed of a loop, given what is read of all values.

    A state is needed where its last value is, or where the body needs it for what is needed.
    """
    loop = SCAN.of(node)
    place = {value.node.index: number for number, value in enumerate(loop.body.arguments)}
    results = {value.number for value in node.results if value.index in read}
    while True:
        inputs = {place[index] for index in _leading_to(loop.body, results) if index in place}
        inputs |= {number for number in results if number < loop.states}
        more = {number for number in inputs if number < loop.states} - results
        if not more:
            return _Live(sorted(results), sorted(inputs))
        results |= more


def _leading_to(body: Region, results: Iterable[int]) -> set[int]:
    """Return the nodes of a body that lead to some of its returns, by index."""
    needed = {body.returns[number].node.index for number in results}
    for node in reversed(body.nodes):
        if node.index in needed:
            needed.update(value.node.index for value in node.inputs)
    return needed
