"""How passes go from graph to graph: node by node, and into the regions of the nodes that have some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Graph, Node, Phase, Region, Rules, Value
from specnet.graph.leaves import ARGUMENT, argument

Replaced = Sequence[Value | None]
"""What stands for each result of a node; None where nothing needs it."""


class Rewriting:
    """One pass over a graph. It visits the nodes in order, and builds a graph with the same outputs.

    A pass overrides `visit`, which says what stands for a node's results, and leaves the rest to `copy`. Regions are
    rewritten by the same pass, through `within`. It takes time in proportion to the number of nodes.
    """

    def __init__(self, graph: Graph, rules: Rules | None = None) -> None:
        self.graph = graph
        self.target = Region(graph.dtype, rules) if isinstance(graph, Region) else Graph(graph.dtype, rules)
        self.wanted = graph.wanted
        """What is wanted of the new graph, as values of the old one."""
        self.new: dict[int, Value] = {}
        """What stands for each value that has been visited, by its index."""

    def of(self, value: Value) -> Value:
        """Return what stands for a value of the old graph."""
        return self.new[value.index]

    def visit(self, node: Node) -> Replaced:
        """Return what stands for the results of a node."""
        return self.copy(node)

    def copy(self, node: Node, attributes: Attributes | None = None) -> tuple[Value, ...]:
        """Apply the node's op to what stands for its inputs."""
        if node.op is ARGUMENT and isinstance(self.target, Region):
            value = node.value
            return (argument(self.target, value.shape, value.dtype),)
        attributes = node.attributes if attributes is None else attributes
        if attributes.regions:
            attributes = attributes.with_regions(tuple(map(self.within, attributes.regions)))
        return self.target.apply(node.op, [self.new[i.index] for i in node.inputs], attributes)

    def within(self, region: Region) -> Region:
        """Return a region as this pass makes it."""
        return type(self)(region).run()  # type: ignore[return-value]

    def run(self) -> Graph:
        """Return the new graph."""
        target = self.target
        for node in self.nodes():
            target.key_path, target.phase = node.key_path, node.phase
            for old, new in zip(node.results, self.visit(node), strict=True):
                if new is not None:
                    self.new[old.index] = new
        target.outputs = {name: self.of(value) for name, value in self.graph.outputs.items()}
        target.assignments = [(self.of(leaf), self.of(value)) for leaf, value in self.graph.assignments]
        if isinstance(target, Region):
            target.returns = tuple(map(self.of, self.wanted))
        return target

    def nodes(self) -> Iterable[Node]:
        """Return the nodes that are visited, in order."""
        return self.graph.nodes


class Copying(Rewriting):
    """Make the same graph again: what is known of its values is not inferred anew."""

    def visit(self, node: Node) -> Replaced:
        """Return the results of the same application of an op."""
        if node.regions or isinstance(self.target, Region):
            return self.copy(node)
        inputs = tuple([self.new[value.index] for value in node.inputs])
        kinds = [(value.shape, value.dtype) for value in node.results]
        return Node(self.target, node.op, inputs, node.attributes, kinds).results


def apply_again(
    nodes: Iterable[Node], target: Graph, new: dict[int, Value], phase: Phase | None = None
) -> None:
    """Apply nodes in another graph, all in one phase if that is given.

    `new` is what stands there for each value, by its index; what stands for the results is entered.
    """
    for node in nodes:
        target.key_path, target.phase = node.key_path, phase or node.phase
        results = target.apply(node.op, [new[value.index] for value in node.inputs], node.attributes)
        new.update(zip([value.index for value in node.results], results, strict=True))


def readers_of(graph: Graph) -> dict[int, list[Node]]:
    """Return the nodes that read each value, by its index."""
    readers: dict[int, list[Node]] = {}
    for node in graph:
        for source in node.inputs:
            readers.setdefault(source.index, []).append(node)
    return readers


def wanted_indices(graph: Graph) -> set[int]:
    """Return the indices of the values that a graph is computed for."""
    return {value.index for value in graph.wanted}
