from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from specnet.graph import geometry, ops
from specnet.graph.graph import Graph, Node, Value
from specnet.graph.leaves import CONSTANT, role_of
from specnet.graph.ops.shard import SHARD
from specnet.graph.sizes import (
    BATCH,
    ITEM_BYTES,
    Count,
    Dim,
    Forms,
    Powers,
    Size,
    Sizes,
    at,
    count,
    named,
    value_of,
)
from specnet.passes.rewriting import readers_of, wanted_indices

PIECE = 32_768
"""Elements of one piece: 128 KiB of float32, so that the handful of arrays of a chain share a core's L2 cache.

The calls of smaller pieces cost more than the cache saves: Adam over 235,146 numbers takes 0.32 ms by pieces of 8,192,
0.24 by 16,384, 0.21 by 32,768 and 0.20 from there on.
"""


Start = tuple[Count, ...]
"""Where a part of an array begins: the sum of so many elements."""

SHARED = 32 * PIECE
"""Elements of a chain that is worth sharing out over workers.

A piece of a simple op takes a few microseconds, less than it takes to wake a thread. Two workers wait for the
interpreter's lock at every op then, and are not faster than one.
"""

SHARED_MOMENTS = 131_072
"""Elements whose means and variances are worth sharing out over workers, who then need few calls."""

SHARED_FLOPS = 20_000_000
"""Floating-point operations of a matrix product that is worth sharing out over workers."""


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
    prologue: bool = False
    """Whether it never changes, and so is computed when the plan is bound."""
    inner: set[int] = field(default_factory=set)
    """Which of its values nobody outside it reads: they need scratch for one piece only, for each worker."""
    workers: int = 1
    """How many workers share its pieces."""
    body: list[Group] = field(default_factory=list)
    """The groups of the body, where its one op is a loop, or a body that workers run each on its rows."""
    compiled: bool = False
    """Whether neighbouring element-wise ops of one shape run as one compiled loop."""
    registers: set[int] = field(default_factory=set)
    """Which of its values exist within such a loop only, an element at a time, and need no memory."""

    @property
    def runs(self) -> list[list[Value]]:
        """Its values, with those that one compiled loop computes together."""
        found: list[list[Value]] = []
        made: set[int] = set()
        for value in self.values:
            # What lies at another place in what the loop computes, it cannot read in the same pass.
            apart = any(source.op.alias and root(source).index in made for source in value.inputs)
            before = found[-1][-1] if found else value
            if (
                self.compiled
                and found
                and not apart
                and is_looped(value)
                and is_looped(before)
                and value.shape == before.shape
            ):
                found[-1].append(value)
            else:
                found.append([value])
                made = set()
            made.add(value.index)
        return found


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
    by_rows_at = _RowChains(waiting if workers else [], fuse=fuse)

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
                groups.append(Group(chain, rows=_images(chain, sizes), inner=inner, workers=workers))
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


def is_looped(value: Value) -> bool:
    """Whether a compiled loop can compute an array."""
    return value.op.elementwise and bool(value.shape)


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


def part_sizes(sizes: Sizes, workers: int) -> dict[str, int]:
    """Return the sizes of the largest part of a batch that is shared out over so many workers."""
    found = named(sizes)
    if isinstance(found, Forms):
        return Forms(part_sizes(form, workers) for form in found.forms)
    return {**found, "batch": -(-found["batch"] // max(workers, 1))}


def is_sum(value: Value) -> bool:
    """Whether a value is a sum over the batch, to which its rows can be added one after the other."""
    return bool(value.op.sums(value)) and grows(value.inputs[0].shape[0])


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
    return not any(map(grows, value.shape))


def _leads(value: Value) -> bool:
    """Whether the batch is the first axis, and no other."""
    first, *others = value.shape or (1,)
    return grows(first) and not any(map(grows, others))


def grows(dim: Dim) -> bool:
    """Whether a dimension grows with the batch."""
    return isinstance(dim, Size) and "batch" in dim.names


class _RowChains:
    """Where chains of row-wise ops end, by the position of the op that starts them.

    A chain takes every row-wise op after its first one, and ends before the first op that needs a whole array that the
    chain computes: before the first op that so needs a row-wise op at the chain's start or after it. Of all that an op
    needs whole, only the last position counts, and the end never moves back as the start moves on. So all ends are
    found in one pass, however often a chain turns out to be of no use.
    """

    def __init__(self, waiting: list[Value], *, fuse: bool) -> None:
        self._waiting, self._fuse = waiting, fuse
        self.joins = [by_rows(v) for v in waiting]
        self.next_call = self._next_call()
        """For each position, that of the first row-wise op from there on that has calls."""
        self._needed_whole = self._last_needed_whole()
        self._stop = 0

    def stop(self, start: int) -> int:
        """Return where the chain ends that starts here; starts must not go back from one question to the next."""
        if not self._fuse:
            return start + 1
        self._stop = max(self._stop, start + 1)
        while self._stop < len(self._waiting) and self._needed_whole[self._stop] < start:
            self._stop += 1
        return self._stop

    def joining(self, start: int, stop: int) -> list[Value]:
        """Return the ops of the chain between two positions."""
        return [self._waiting[place] for place in range(start, stop) if self.joins[place]]

    def passed_over(self, start: int, stop: int) -> list[Value]:
        """Return the other ops between two positions, which run before the chain."""
        return [self._waiting[place] for place in range(start, stop) if not self.joins[place]]

    def _next_call(self) -> list[int]:
        found, places = len(self._waiting), []
        for place in reversed(range(len(self._waiting))):
            if self.joins[place] and self._waiting[place].op.calls:
                found = place
            places.append(found)
        return places[::-1]

    def _last_needed_whole(self) -> list[int]:
        """Return for each op the last position of a row-wise op that must be done before it; -1 where there is none."""
        place_of = {v.index: place for place, v in enumerate(self._waiting)}
        found = []
        for place, value in enumerate(self._waiting):
            last = -1
            for source in value.inputs:
                made = place_of.get(root(source).index)
                if made is None or not self.joins[made]:
                    continue
                if not self.joins[place] or not _leads(source) or is_sum(self._waiting[made]):
                    last = max(last, made)
            found.append(last)
        return found


def _stays(
    value: Value, inside: set[int], readers: dict[int, list[Node]], wanted: set[int], *, aliases: bool = True
) -> bool:
    """Whether nobody outside a chain reads a value of it."""
    own = [node.results[0] for node in readers.get(value.index, [])]
    if is_sum(value) or value.index in wanted:
        return False
    return bool(own) and all(
        (aliases and _leads(r) and _stays(r, inside, readers, wanted)) if r.op.alias else r.index in inside
        for r in own
    )


def _images(chain: list[Value], sizes: Sizes) -> int:
    """Return how many rows of the batch are worked on at once, so that what passes on stays in cache."""
    one = {**named(sizes), "batch": 1}
    most = max(
        sum(count(v.shape).at(one) * ITEM_BYTES[v.dtype] for v in (*value.inputs, value) if _leads(v))
        for value in chain
    )
    return max(1, min(geometry.MAXIMUM, value_of("batch", sizes), geometry.ROOM // most))


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


def root(value: Value) -> Value:
    """Return the value whose memory this one is a view of."""
    while value.op.alias:
        value = value.inputs[0]
    return value


def unreshaped(value: Value) -> Value:
    """Return the value that has the same elements, as it was before it was reshaped."""
    while value.op is ops.reshape:
        value = value.inputs[0]
    return value


def start_in_root(value: Value) -> Start:
    """Return where a view begins in the memory that it is a view of."""
    start: list[Count] = []
    while value.op.alias:
        if value.op is ops.part and ops.part.of(value).start:
            start.append(Count(ops.part.of(value).start) * count(value.shape[1:]))
        value = value.inputs[0]
    return tuple(start)


def starts_of_parts(joined: Value) -> Iterator[tuple[Value, Start]]:
    """Yield each of the arrays that are joined along the first axis, and where it begins in what they make up."""
    before: dict[Powers, int] = {}
    for part in joined.inputs:
        yield part, tuple(Count(each, powers) for powers, each in before.items())
        before[part.count.powers] = before.get(part.count.powers, 0) + part.count.each


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
