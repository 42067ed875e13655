from __future__ import annotations

from specnet.compiler.collecting import no_collection
from specnet.compiler.emit import emit
from specnet.compiler.fuse import group
from specnet.compiler.layout import join_biases
from specnet.compiler.phases import lay_out_phases
from specnet.compiler.place import place
from specnet.compiler.simplify import prune, simplify
from specnet.compiler.spread import spread
from specnet.graph.graph import Graph
from specnet.runtime.cores import cores
from specnet.runtime.plan import Plan


@no_collection()
def plan(
    graph: Graph,
    batch: int,
    *,
    guard: str | None = None,
    fixed_inputs: bool = False,
    optimise: bool = True,
) -> Plan:
    """Compile a graph that has all its ops into a plan: simplify, lay out, fuse, place, emit.

    `batch` is the largest batch that the plan will see, and `fixed_inputs` says that the inputs that it is
    bound to never change. `optimise=False` leaves out the rewriting and the fusing, and gives the plan that
    every optimised one is tested against.
    """
    if optimise:
        graph = spread(join_biases(lay_out_phases(simplify(graph)), fixed_inputs=fixed_inputs))
    else:
        graph = prune(graph)
    workers = cores() if any(value.op.shared for value in graph) else 0
    groups = group(graph, batch, fuse=optimise, fixed_inputs=fixed_inputs, workers=workers)
    return emit(graph, groups, place(graph, groups, batch), batch, guard, workers)
