"""When values are computed, and when they and their memory are last read."""

from __future__ import annotations

from specnet.graph.graph import Graph
from specnet.passes.aliases import root
from specnet.passes.allocations import memory_read
from specnet.passes.groups import Group


class Lifetimes:
    """The times of a graph's values, as positions in the order in which its groups compute them."""

    def __init__(self, graph: Graph, groups: list[Group]) -> None:
        self.group_of = {r.index: n for n, g in enumerate(groups) for v in g.values for r in v.node.results}
        """The position of the group that computes each value, by its index."""
        order = self.order = [v for g in groups for v in g.values]
        self.position = {r.index: n for n, v in enumerate(order) for r in v.node.results}
        self.last_read: dict[int, int] = {}
        """The position of the last value that reads each value or a view of it; past the last for what is returned."""
        self.memory_last_read: dict[str | None, int] = {}
        """The same for memory that is given from outside, by its name."""
        for value in order:
            for source in value.inputs:
                made = root(source)
                self.last_read[made.index] = self.position[value.index]
                if source.shape:
                    self.memory_last_read[memory_read(made)] = self.position[value.index]
        for value in graph.wanted:
            self.last_read[root(value).index] = len(order)
        for _, value in graph.assignments:
            if root(value).op.leaf:
                # What another leaf takes is copied once everything else is done.
                self.memory_last_read[memory_read(root(value))] = len(order)
