from __future__ import annotations

from dataclasses import dataclass, field

from specnet.graph.graph import Graph, Value
from specnet.graph.op import CONSTANT
from specnet.runtime.shapes import at

PIECE = 16_384
"""Elements of one piece: 64 KiB of float32, so that the handful of arrays of a chain share a core's L2 cache."""


SHARED = 8 * PIECE
"""Elements of a chain that is worth sharing out over workers."""


@dataclass(slots=True)
class Group:
    """Ops that run one after the other: a single op, or a chain of element-wise ops run piece by piece."""

    values: list[Value]
    rows: int = 0
    """Rows of the leading axis in a piece; 0 where the group is not cut."""
    once: bool = False
    """Whether it never changes, and so is computed when the plan is bound."""
    inner: set[int] = field(default_factory=set)
    """Which of its values nobody outside it reads: they need room for one piece only, for each worker."""
    workers: int = 1
    """How many workers share its pieces."""


def group(
    graph: Graph, batch: int, *, fuse: bool = True, fixed_inputs: bool = False, workers: int = 1
) -> list[Group]:
    """Put the ops in the order of execution, and join long element-wise chains over one shape into groups.

    Joining stops at the first op that needs a whole array that the chain computes; ops that do not depend
    on the chain run before it. Arrays of fewer than two pieces are left alone. What follows from constants
    alone, or from inputs that are `fixed_inputs`, is computed once. Where a plan has `workers`, they share the
    pieces of chains that are long enough, and single ops that long are cut as well.
    """
    waiting = [v for v in graph if not v.op.leaf and v.op is not CONSTANT and not v.op.alias]
    groups: list[Group] = []
    fixed = _fixed(graph, inputs=fixed_inputs) if fuse else set()
    groups += [Group([v], once=True) for v in waiting if v.index in fixed]
    waiting = [v for v in waiting if v.index not in fixed]
    readers = _readers(graph)
    while waiting:
        first = waiting.pop(0)
        if not (fuse and _cuttable(first, batch)):
            groups.append(Group([first]))
            continue
        chain, before, waiting = _chain(first, waiting)
        groups += [Group([v]) for v in before]
        shared = workers if first.count.at(batch) >= SHARED else 1
        if len(chain) == 1 and shared == 1:
            groups.append(Group(chain))
            continue
        inside = {v.index for v in chain}
        inner = {v.index for v in chain if readers.get(v.index) and readers[v.index] <= inside}
        groups.append(Group(chain, rows=_rows(first, batch), inner=inner, workers=shared))
    return groups


def _chain(first: Value, waiting: list[Value]) -> tuple[list[Value], list[Value], list[Value]]:
    """Return the chain that a value starts, what must run before it, and what is left."""
    chain: list[Value] = [first]
    before: list[Value] = []
    depends = {first.index}
    for place, value in enumerate(waiting):
        needs = _sources(value)
        if value.op.elementwise and value.shape == first.shape:
            chain.append(value)
            depends.add(value.index)
        elif needs & depends:
            return chain, before, waiting[place:]
        else:
            before.append(value)
    return chain, before, []


def _sources(value: Value) -> set[int]:
    """Return the ops that a value reads, seen through reshapes."""
    return {root(i).index for i in value.inputs}


def root(value: Value) -> Value:
    """Return the value whose memory this one is a view of."""
    while value.op.alias:
        value = value.inputs[0]
    return value


def _readers(graph: Graph) -> dict[int, set[int]]:
    """Return who reads each value, by index; what the plan gives out is read by -1, and so is a reshaped value."""
    readers: dict[int, set[int]] = {}
    for value in graph:
        for source in value.inputs:
            readers.setdefault(source.index, set()).add(-1 if value.op.alias else value.index)
    for value in (*graph.outputs.values(), *(v for _, v in graph.assignments)):
        readers.setdefault(value.index, set()).add(-1)
    return readers


def _cuttable(value: Value, batch: int) -> bool:
    return (
        value.op.elementwise
        and bool(value.shape)
        and value.count.at(batch) >= 2 * PIECE
        and _rows(value, batch) > 0
    )


def _rows(value: Value, batch: int) -> int:
    leading = at(value.shape, batch)[0]
    row = value.count.at(batch) // max(leading, 1)
    return max(1, min(leading, PIECE // max(row, 1)))


def _fixed(graph: Graph, *, inputs: bool) -> set[int]:
    """Return the arrays that follow from constants alone, and from the inputs too if those never change."""
    fixed: set[int] = set()
    given = {v.index for v in graph if inputs and v.op.leaf and v.attributes["role"] == "input"}
    for value in graph:
        if value.op.leaf or value.op.random or value.op is CONSTANT:
            continue
        known = all(i.op is CONSTANT or i.index in fixed or i.index in given for i in value.inputs)
        if known and value.shape:
            fixed.add(value.index)
    return fixed
