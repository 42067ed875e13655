from __future__ import annotations

from specnet.graph.graph import Graph
from specnet.graph.ops import pack
from specnet.graph.portions import Portion
from specnet.graph.sizes import Sizes, named
from specnet.passes.allocate import allocate
from specnet.passes.collecting import no_collection
from specnet.passes.cores import cores
from specnet.passes.distribute import distribute
from specnet.passes.engine import Engine
from specnet.passes.enlarging import fold_enlargements
from specnet.passes.fuse import group, is_shared
from specnet.passes.gates import halve_gates
from specnet.passes.large_products import are_in_loops
from specnet.passes.layout import join_biases
from specnet.passes.loop_inputs import join_inputs
from specnet.passes.loop_products import transpose_constants
from specnet.passes.loops import hoist, sink
from specnet.passes.phases import lay_out_phases
from specnet.passes.plan import Plan
from specnet.passes.pruning import prune
from specnet.passes.schedule import scheduled
from specnet.passes.shard import of_sequences, shard
from specnet.passes.share_update import share_update
from specnet.passes.simplify import simplify
from specnet.passes.spread import spread


@no_collection()
def plan(
    graph: Graph,
    sizes: Sizes,
    *,
    guard: str | None = None,
    fixed_inputs: bool = False,
    optimise: bool = True,
    threads: int | None = None,
    engine: Engine = "numpy",
    ranks: int = 1,
    portion: Portion | None = None,
) -> Plan:
    """Compile a graph that has all its ops into a plan: simplify, move out of loops, lay out, fuse, place.

    `sizes` are the largest that the plan will see, a number for the batch alone, and `fixed_inputs` says that the
    inputs that it is bound to never change. `optimise=False` leaves out the rewriting and the fusing, and gives the
    plan that every optimised one is tested against. `threads` is how many threads may compute, by default as many as
    there are cores. `engine` is what executes the plan. With several `ranks`, it is the plan of each of so many
    processes, for its own rows of the batch (see `passes.distribute`); with a `portion` of the parameters, it is that
    of one of them, which updates these alone (see `passes.share_update`).
    """
    if optimise:
        graph = simplify(graph)
        loops = any(node.regions for node in graph)
        if loops:
            graph = simplify(sink(hoist(graph)))
        if ranks > 1:
            graph = distribute(graph)
        if portion is not None:
            graph = share_update(graph, portion)
        graph = lay_out_phases(fold_enlargements(graph))
        # A compiled loop adds a bias with what follows it: joining it gains something only where a few loops are all.
        if engine == "numpy" or (any(node.op is pack for node in graph) and are_in_loops(graph, sizes)):
            graph = join_biases(graph, fixed_inputs=fixed_inputs)
        graph = spread(graph)
        if loops:
            # What is laid out in full or transposed for the sake of a loop's ops is so once, not at every step. Nothing
            # may be left of a loop then.
            graph = join_inputs(halve_gates(graph), sizes) if engine == "numpy" else graph
            graph = prune(hoist(transpose_constants(graph, sizes)))
        dense = engine == "numpy"
        if (dense or of_sequences(graph)) and not any(node.op.shared for node in graph):
            graph = shard(graph, sizes, cores(threads), dense=dense)
    else:
        graph = prune(graph)
        if ranks > 1:
            graph = distribute(graph)
        if portion is not None:
            graph = share_update(graph, portion)
    workers = _workers(graph, sizes, threads)
    groups = group(
        graph,
        sizes,
        fuse=optimise,
        fixed_inputs=fixed_inputs,
        workers=workers,
        compiled=engine == "numba",
    )
    allocations = allocate(graph, groups, sizes)
    instructions = scheduled(graph, groups, allocations, workers)
    return Plan(graph, allocations, instructions, named(sizes), guard, workers, engine, cores(threads))


def _workers(graph: Graph, sizes: Sizes, threads: int | None) -> int:
    """Return how many workers a plan has: none where no op is worth handing to another thread."""
    count = cores(threads)
    if any(node.op.shared for node in graph):
        return count
    return count if count > 1 and any(is_shared(value, sizes) for value in graph.values) else 0
