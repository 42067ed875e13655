from __future__ import annotations

from specnet.compiler.emit import emit
from specnet.compiler.fuse import group
from specnet.compiler.place import place
from specnet.compiler.simplify import prune, simplify
from specnet.graph.graph import Graph
from specnet.runtime.plan import Plan


def plan(graph: Graph, batch: int, *, guard: str | None = None, optimise: bool = True) -> Plan:
    """Compile a graph that has all its ops into a plan: simplify, fuse, place, emit.

    `batch` is the largest batch that the plan will see. `optimise=False` leaves out the rewriting and the
    fusing, and gives the plan that every optimised one is tested against.
    """
    graph = simplify(graph) if optimise else prune(graph)
    groups = group(graph, batch, fuse=optimise)
    return emit(graph, groups, place(graph, groups, batch), batch, guard)
