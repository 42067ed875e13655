"""Have each of several processes update its own portion of the parameters, and keep only its portion of the slots.

All parameters lie in one vector, and so do their gradients and each slot of an optimizer. The sum of the gradients over
all processes is left in portions, the update is computed on these, and each process then gets the others' portions of
the parameters: the first stage of ZeRO (Rajbhandari, Rasley, Ruwase and He, 2020). The two messages are together as
long as the one that sums whole gradients.
"""

from __future__ import annotations

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Region, Value
from specnet.graph.leaves import LeafAttributes, given, leaf, role_of
from specnet.graph.portions import Portion
from specnet.graph.sizes import ITEM_BYTES
from specnet.passes.links import sharing_pays
from specnet.passes.pruning import prune
from specnet.passes.rewriting import Replaced, Rewriting

KEPT = "slot"
"""The role of leaves that only an update reads and writes, of which each process has its portion."""


def share_update(graph: Graph, portion: Portion) -> Graph:
    """Return a graph, as `distribute` makes it, whose update is computed on a process's portion of the parameters."""
    return prune(_SharingUpdate(graph, portion).run())


def portion_of(graph: Graph, size: int, slots: int, rank: int, ranks: int) -> Portion | None:
    """Return which portion of the parameters a process updates; None where each updates all of them.

    The graph is that of a step, or of its end, which updates `size` parameters and as many elements of each of so many
    slots. An update is shared where that saves time and where it can be, which that of an optimizer cannot that needs
    whole vectors, as for their largest elements. It follows from sizes alone, so that all processes do the same.
    """
    if size < ranks or not sharing_pays(size, slots, ITEM_BYTES[graph.dtype], ranks):
        return None
    return Portion(size, rank, ranks) if _is_shareable(graph, size) else None


def _is_shareable(graph: Graph, size: int) -> bool:
    """Whether an update computes nothing of whole vectors (size,) but what adds up over portions of them."""
    return all(
        _by_element(node, size) or _added_up(node)
        for node in graph
        if node.phase == "update" and any(value.shape == (size,) for value in node.inputs)
    )


def _by_element(node: Node, size: int) -> bool:
    return len(node.results) == 1 and node.op.elementwise and node.value.shape == (size,)


def _added_up(node: Node) -> bool:
    """Whether the result is the sum of what it is for each portion."""
    return node.op is ops.inner or (node.op is ops.reduce_sum and node.value.shape == ())


class _SharingUpdate(Rewriting):
    """Applies what an update does to vectors to portions of them."""

    def __init__(self, graph: Graph, portion: Portion) -> None:
        super().__init__(graph)
        self.portion = portion
        self.shape = (portion.size,)
        self.portions: dict[int, Value] = {}
        """A process's portion of each value of which it is needed, by the value's index."""

    def run(self) -> Graph:
        """Return the new graph."""
        target = super().run()
        target.assignments = [
            (self.portions[into.index], self.portion_of(value))
            if role_of(into) == KEPT and into.shape == self.shape
            else (self.of(into), self.of(value))
            for into, value in self.graph.assignments
        ]
        return target

    def of(self, value: Value) -> Value:
        """Return what stands for the whole of a value."""
        if value.index not in self.new and value.index in self.portions:
            target, own = self.target, self.portions[value.index]
            before = target.key_path, target.phase
            target.key_path, target.phase = value.key_path, "update"
            self.new[value.index] = ops.join_portions(own, portion=self.portion)
            target.key_path, target.phase = before
        return super().of(value)

    def within(self, region: Region) -> Region:
        """Return a region as it is: updates have none."""
        return region

    def portion_of(self, value: Value) -> Value:
        """Return the process's portion of a value."""
        if value.index not in self.portions:
            start, stop = self.portion.start, self.portion.stop
            self.portions[value.index] = ops.part(self.new[value.index], start=start, stop=stop)
        return self.portions[value.index]

    def visit(self, node: Node) -> Replaced:
        own = self._portion(node) if self._is_vector(node) else None
        if own is not None:
            self.portions[node.value.index] = own
            return (None,)
        vectors = [value for value in node.inputs if value.index in self.portions]
        if vectors and _added_up(node) and node.phase == "update":
            return (self._added(node),)
        for value in vectors:
            self.of(value)
        return self.copy(node)

    def _is_vector(self, node: Node) -> bool:
        return len(node.results) == 1 and node.value.shape == self.shape

    def _portion(self, node: Node) -> Value | None:
        """Return the process's portion of a vector, where that can be had without the whole."""
        attributes = given(node)
        if attributes is not None:
            return self._leaf(attributes) if attributes.role == KEPT else None
        if node.phase != "update":
            return None
        if node.op is ops.all_reduce:
            return ops.reduce_scatter(self.of(node.inputs[0]), portion=self.portion)
        if node.op is ops.expand and node.inputs[0].shape == ():
            return ops.expand(self.of(node.inputs[0]), shape=(len(self.portion),))
        if _by_element(node, self.portion.size):
            return self._applied(node)
        return None

    def _leaf(self, attributes: LeafAttributes) -> Value:
        own = (len(self.portion),)
        return leaf(self.target, attributes.name, attributes.role, own, attributes.dtype)

    def _applied(self, node: Node) -> Value:
        """Apply an op to portions of its vectors."""
        inputs = [self.portion_of(v) if v.shape == self.shape else self.of(v) for v in node.inputs]
        return self.target.apply(node.op, inputs, node.attributes)[0]

    def _added(self, node: Node) -> Value:
        """Add up over all processes what an op makes of their portions."""
        inputs = [self.portion_of(v) if v.shape == self.shape else self.of(v) for v in node.inputs]
        return ops.add_portions(self.target.apply(node.op, inputs, node.attributes)[0])
