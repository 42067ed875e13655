from __future__ import annotations

from dataclasses import dataclass, field

from specnet.graph import geometry
from specnet.graph.graph import Graph, Value
from specnet.graph.op import CONSTANT, role_of
from specnet.graph.sizes import BATCH, ITEM_BYTES, Dim, Size, at, count

PIECE = 16_384
"""Elements of one piece: 64 KiB of float32, so that the handful of arrays of a chain share a core's L2 cache."""


SHARED = 8 * PIECE
"""Elements of a chain that is worth sharing out over workers."""


_Readers = dict[int, list[Value | None]]


@dataclass(slots=True)
class Group:
    """Ops that run one after the other: a single op, or a chain of ops run piece by piece.

    A chain is either of element-wise ops over one shape, or of whatever works on the rows of the batch one by one: then
    each worker takes its rows through all of it, without meeting the others in between.
    """

    values: list[Value]
    rows: int = 0
    """Rows of the leading axis in a piece; 0 where the group is not cut."""
    leading: Dim = BATCH
    """The axis that is cut."""
    once: bool = False
    """Whether it never changes, and so is computed when the plan is bound."""
    inner: set[int] = field(default_factory=set)
    """Which of its values nobody outside it reads: they need room for one piece only, for each worker."""
    workers: int = 1
    """How many workers share its pieces."""


def group(
    graph: Graph, batch: int, *, fuse: bool = True, fixed_inputs: bool = False, workers: int = 0
) -> list[Group]:
    """Put the ops in the order of execution, and join chains that can be cut into groups.

    Joining stops at the first op that needs a whole array that the chain computes; ops that do not depend
    on the chain run before it. Element-wise ops over arrays of fewer than two pieces are left alone. What follows from
    constants alone, or from inputs that are `fixed_inputs`, is computed once. Where a plan has `workers`, they share
    the pieces of chains that are long enough, and single ops that long are cut as well.
    """
    waiting = [v for v in graph.values if not v.op.leaf and v.op is not CONSTANT and not v.op.alias]
    groups: list[Group] = []
    fixed = _fixed(graph, inputs=fixed_inputs) if fuse else set()
    groups += [Group([v], once=True) for v in waiting if v.index in fixed]
    waiting = [v for v in waiting if v.index not in fixed]
    readers = _readers(graph)
    while waiting:
        first = waiting.pop(0)
        if workers and by_rows(first):
            chain, before, rest = _rows_chain(first, waiting) if fuse else ([first], [], waiting)
            if any(v.op.calls for v in chain):
                groups += [Group([v]) for v in before]
                inside = {v.index for v in chain}
                inner = {v.index for v in chain if _stays(v, inside, readers)}
                groups.append(Group(chain, rows=_images(chain, batch), inner=inner, workers=workers))
                waiting = rest
                continue
        if not (fuse and _cuttable(first, batch)):
            groups.append(Group([first]))
            continue
        chain, before, waiting = _chain(first, waiting)
        groups += [Group([v]) for v in before]
        shared = max(1, workers) if first.count.at(batch) >= SHARED else 1
        if len(chain) == 1 and shared == 1:
            groups.append(Group(chain))
            continue
        inside = {v.index for v in chain}
        inner = {v.index for v in chain if _stays(v, inside, readers, aliases=False)}
        groups.append(Group(chain, _rows(first, batch), first.shape[0], inner=inner, workers=shared))
    return groups


def is_sum(value: Value) -> bool:
    """Whether a value is a sum over the batch, to which its rows can be added one after the other."""
    return bool(value.op.sums(value)) and isinstance(value.inputs[0].shape[0], Size)


def by_rows(value: Value) -> bool:
    """Whether an op works on each row of the batch by itself, or adds them up."""
    if is_sum(value):
        return all(_leads(i) or _whole(i) for i in value.inputs)
    if not _leads(value):
        return False
    if value.op.calls:
        return bool(value.attributes.named().get("axis", 1) > 0)
    return value.op.elementwise and all(_whole(i) or i.shape[0] == value.shape[0] for i in value.inputs)


def _whole(value: Value) -> bool:
    """Whether a value is the same for all rows of the batch."""
    return not any(isinstance(dim, Size) for dim in value.shape)


def _leads(value: Value) -> bool:
    """Whether the batch is the first axis, and no other."""
    first, *others = value.shape or (1,)
    return isinstance(first, Size) and not any(isinstance(dim, Size) for dim in others)


def _rows_chain(first: Value, waiting: list[Value]) -> tuple[list[Value], list[Value], list[Value]]:
    """Return the chain of row-wise ops that a value starts, what must run before it, and what is left."""
    chain: list[Value] = [first]
    before: list[Value] = []
    depends = {first.index}
    whole = {first.index} if is_sum(first) else set()
    for place, value in enumerate(waiting):
        needs = {root(i).index for i in value.inputs} & depends
        cut = all(_leads(i) for i in value.inputs if root(i).index in needs)
        if by_rows(value) and cut and not needs & whole:
            chain.append(value)
            depends.add(value.index)
            if is_sum(value):
                whole.add(value.index)
        elif needs:
            return chain, before, waiting[place:]
        else:
            before.append(value)
    return chain, before, []


def _stays(value: Value, inside: set[int], readers: _Readers, *, aliases: bool = True) -> bool:
    """Whether nobody outside a chain reads a value of it."""
    own = readers.get(value.index, [])
    if is_sum(value) or None in own:
        return False
    return bool(own) and all(
        (aliases and _leads(r) and _stays(r, inside, readers)) if r.op.alias else r.index in inside
        for r in own
        if r is not None
    )


def _images(chain: list[Value], batch: int) -> int:
    """Return how many rows of the batch are worked on at once, so that what passes on stays in cache."""
    most = max(
        sum(count(v.shape).at(1) * ITEM_BYTES[v.dtype] for v in (*value.inputs, value) if _leads(v))
        for value in chain
    )
    return max(1, min(geometry.MOST, batch, geometry.ROOM // most))


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


def _readers(graph: Graph) -> _Readers:
    """Return who reads each value, by index; what the plan gives out is read by None too."""
    readers: _Readers = {}
    for value in graph.values:
        for source in value.inputs:
            readers.setdefault(source.index, []).append(value)
    for value in (*graph.outputs.values(), *(v for _, v in graph.assignments)):
        readers.setdefault(value.index, []).append(None)
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
    given = {v.index for v in graph.values if inputs and role_of(v) == "input"}
    for value in graph.values:
        if value.op.leaf or value.op.random or value.op is CONSTANT:
            continue
        known = all(i.op is CONSTANT or i.index in fixed or i.index in given for i in value.inputs)
        if known and value.shape:
            fixed.add(value.index)
    return fixed
