"""Joining ops into groups: chains over the rows of a batch, and element-wise ones that are cut into pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Value
from specnet.graph.leaves import CONSTANT, role_of
from specnet.graph.ops.shard import SHARD
from specnet.graph.sizes import Sizes, at, part_sizes
from specnet.passes.aliases import root
from specnet.passes.groups import Group
from specnet.passes.rewriting import readers_of, wanted_indices
from specnet.passes.row_chains import RowChains, images_at_once, is_sum, leads

PIECE = 32_768
"""Elements of one piece: 128 KiB of float32, so that the handful of arrays of a chain share a core's L2 cache.

The calls of smaller pieces cost more than the cache saves: Adam over 235,146 numbers takes 0.32 ms by pieces of 8,192,
0.24 by 16,384, 0.21 by 32,768 and 0.20 from there on.
"""

SHARED = 32 * PIECE
"""Elements of a chain that is worth sharing out over workers.

A piece of a simple op takes a few microseconds, less than it takes to wake a thread. Two workers wait for the
interpreter's lock at every op then, and are not faster than one.
"""

SHARED_MOMENTS = 131_072
"""Elements whose means and variances are worth sharing out over workers, who then need few calls."""

SHARED_FLOPS = 20_000_000
"""Floating-point operations of a matrix product that is worth sharing out over workers."""


def group(
    graph: Graph,
    sizes: Sizes,
    *,
    fuse: bool = True,
    fixed_inputs: bool = False,
    workers: int = 0,
    prologue: bool = True,
    compiled: bool = False,
) -> list[Group]:
    """Put the ops in the order of execution, and join chains that can be cut into groups.

    Joining stops at the first op that needs a whole array that the chain computes; ops that do not depend
    on the chain run before it. Element-wise ops over arrays of fewer than two pieces are left alone. What follows from
    constants alone, or from inputs that are `fixed_inputs`, is computed once. Where a plan has `workers`, they share
    the pieces of chains that are long enough, and single ops that long are cut as well. Without `prologue` nothing is
    computed once: workers that have different numbers of rows need memory of their own for it. Where chains are
    `compiled`, each costs one call and one pass over memory, and small arrays are worth joining, too.
    """
    made = [n for n in graph.nodes if not n.op.leaf and n.op is not CONSTANT and not n.op.alias]
    waiting = [node.results[0] for node in made]
    groups: list[Group] = []
    alone = _Alone(sizes, fuse, workers, prologue, compiled)
    least = 1 if compiled else 2 * PIECE
    fixed = _fixed(graph, inputs=fixed_inputs) if fuse and prologue else set()
    groups += [Group([v], prologue=True) for v in waiting if v.index in fixed]
    waiting = [v for v in waiting if v.index not in fixed]
    readers, wanted = readers_of(graph), wanted_indices(graph)
    by_rows_at = RowChains(waiting if workers else [], fuse=fuse)

    def of_chain(chain: list[Value]) -> Group:
        shared = max(1, workers) if chain[0].count.at(sizes) >= SHARED else 1
        if len(chain) == 1 and shared == 1:
            return Group(chain)
        inside = {v.index for v in chain}
        inner = {v.index for v in chain if _stays(v, inside, readers, wanted, aliases=False)}
        return Group(chain, _rows(chain[0], sizes), chain[0].shape[0], inner=inner, workers=shared)

    def before_chain(others: list[Value]) -> Iterator[Group]:
        """Yield the groups of what runs before a chain; where calls are all that counts, it is joined likewise."""
        start = 0
        while start < len(others):
            if not (compiled and fuse and _cuttable(others[start], sizes, least)):
                yield alone(others[start])
                start += 1
                continue
            chain, before, start = _chain(others, start)
            yield from before_chain(before)
            yield of_chain(chain)

    start = 0
    while start < len(waiting):
        first = waiting[start]
        if workers and by_rows_at.joins[start]:
            stop = by_rows_at.stop(start)
            if by_rows_at.next_call[start] < stop:
                chain = by_rows_at.joining(start, stop)
                groups += [alone(v) for v in by_rows_at.passed_over(start, stop)]
                inside = {v.index for v in chain}
                inner = {v.index for v in chain if _stays(v, inside, readers, wanted)}
                groups.append(Group(chain, rows=images_at_once(chain, sizes), inner=inner, workers=workers))
                start = stop
                continue
        if not (fuse and _cuttable(first, sizes, least)):
            groups.append(alone(first))
            start += 1
            continue
        chain, before, start = _chain(waiting, start)
        groups += before_chain(before)
        groups.append(of_chain(chain))
    return [_compiled(each, readers) for each in groups] if compiled else groups


def _compiled(group: Group, readers: dict[int, list[Node]]) -> Group:
    """Return a group whose element-wise ops run in compiled loops, but for what is computed once."""
    if group.prologue:
        return group
    group.compiled = True
    for run in group.runs:
        own = {value.index for value in run}
        group.registers |= {
            value.index
            for value in run
            if value.index in group.inner
            and all(result.index in own for reader in readers[value.index] for result in reader.results)
        }
    return group


def is_shared(value: Value, sizes: Sizes) -> bool:
    """Whether an op is so long that workers share it, whatever stands around it."""
    if value.op is ops.batch_moments:
        return value.inputs[0].count.at(sizes) >= SHARED_MOMENTS
    if value.op is ops.MATMUL:
        return value.rank == 2 and value.op.count_flops(value).at(sizes) >= SHARED_FLOPS
    return _cuttable(value, sizes) and value.count.at(sizes) >= SHARED


@dataclass(frozen=True, slots=True)
class _Alone:
    """Makes groups of single ops, with those of the bodies that these run."""

    sizes: Sizes
    fuse: bool
    workers: int
    prologue: bool
    compiled: bool

    def __call__(self, value: Value) -> Group:
        # The steps of a loop share nothing out: workers that met at every step would mostly wait.
        shared = value.op is SHARD
        sizes = part_sizes(self.sizes, self.workers) if shared else self.sizes
        once = self.prologue and not shared
        body = [
            each
            for region in value.node.regions
            for each in group(region, sizes, fuse=self.fuse, prologue=once, compiled=self.compiled)
        ]
        return Group([value], body=body, workers=self.workers if shared else 1)


def _stays(
    value: Value, inside: set[int], readers: dict[int, list[Node]], wanted: set[int], *, aliases: bool = True
) -> bool:
    """Whether nobody outside a chain reads a value of it."""
    own = [node.results[0] for node in readers.get(value.index, [])]
    if is_sum(value) or value.index in wanted:
        return False
    return bool(own) and all(
        (aliases and leads(r) and _stays(r, inside, readers, wanted)) if r.op.alias else r.index in inside
        for r in own
    )


def _chain(waiting: list[Value], start: int) -> tuple[list[Value], list[Value], int]:
    """Return the chain that a value starts, what must run before it, and the position of the first op after both."""
    first = waiting[start]
    chain: list[Value] = [first]
    before: list[Value] = []
    depends = {first.index}
    for place in range(start + 1, len(waiting)):
        value = waiting[place]
        if value.op.elementwise and value.shape == first.shape:
            chain.append(value)
            depends.add(value.index)
        elif not depends.isdisjoint(_sources(value)):
            return chain, before, place
        else:
            before.append(value)
    return chain, before, len(waiting)


def _sources(value: Value) -> set[int]:
    """Return the ops that a value reads, seen through reshapes."""
    return {root(i).index for i in value.inputs}


def _cuttable(value: Value, sizes: Sizes, least: int = 2 * PIECE) -> bool:
    return (
        value.op.elementwise
        and bool(value.shape)
        and value.count.at(sizes) >= least
        and _rows(value, sizes) > 0
    )


def _rows(value: Value, sizes: Sizes) -> int:
    leading = at(value.shape, sizes)[0]
    row = value.count.at(sizes) // max(leading, 1)
    return max(1, min(leading, PIECE // max(row, 1)))


def _fixed(graph: Graph, *, inputs: bool) -> set[int]:
    """Return the arrays that follow from constants alone, and from the inputs too if those never change."""
    fixed: set[int] = set()
    given = {v.index for v in graph.values if inputs and role_of(v) == "input"}
    for value in graph.values:
        if value.op.leaf or value.op.random or value.op is CONSTANT or value.node.regions:
            continue
        known = all(i.op is CONSTANT or i.index in fixed or i.index in given for i in value.inputs)
        if known and value.shape:
            fixed.add(value.index)
    return fixed
