"""What the passes end with: a graph whose ops are in order and whose arrays have their places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from specnet.graph.graph import Graph, KeyPath, Node, Phase, Value
from specnet.graph.leaves import given, name_of
from specnet.graph.ops.convolution import tiles_of
from specnet.graph.ops.scan import SCAN
from specnet.graph.sizes import ITEM_BYTES, Count, DType, Shape, Sizes, count
from specnet.graph.winograd import Winograd
from specnet.passes.aliases import root
from specnet.passes.allocations import AROUND, Allocation, Allocations
from specnet.passes.engine import Engine
from specnet.passes.large_products import has_large_products
from specnet.passes.schedule import Compute, Copy, Distribute, Instruction, Pieces, Repeat


@dataclass(frozen=True, slots=True)
class Step:
    """One op of a plan, or one copy, in the order of execution."""

    op: str
    phase: Phase
    key_path: KeyPath
    shape: Shape
    dtype: DType
    memory: str
    """The memory that its result lies in; empty for a scalar, and for what lies elsewhere at each step of a loop."""
    offset: int
    flops: Count
    """Of one execution of the plan."""
    prologue: bool
    """Whether it is computed when the plan is bound, since it never changes."""
    block: str | None
    loop: str | None
    times: Count
    """How often an execution of the plan runs it."""
    size: int
    """Bytes of the results and scratch at the largest sizes."""
    shard: str | None = None
    """What each worker runs on its rows that it is a part of."""
    tiles: Winograd | None = None
    """Those with which a convolution saves multiplications, where it does for enough images at once."""
    reads: int = 0
    """Bytes of the arrays in memory that it reads, at the largest sizes."""


@dataclass(frozen=True)
class Plan:
    """Ordered steps over placed buffers: everything that is to be known about an execution before it starts."""

    graph: Graph
    allocations: Allocations
    instructions: tuple[Instruction, ...]
    sizes: dict[str, int]
    """The largest named sizes; smaller ones use the same arena."""
    guard: str | None
    """A scalar output that must be finite for anything but the forward pass to run."""
    workers: int
    """How many workers share the batch; 0 where no op is shared out, and the plan runs on the calling thread."""
    engine: Engine = "numpy"
    """What executes it."""
    threads: int = 1
    """How many threads may compute."""

    @cached_property
    def has_large_products(self) -> bool:
        """Whether the matrix library might share some product between its threads, if it is not kept from it."""
        return has_large_products(self.graph, self.sizes)

    @property
    def arena(self) -> int:
        """Bytes of the memory that all passing values share."""
        return self.allocations.arena

    @property
    def prologue(self) -> int:
        """Bytes of what is computed once for a batch size."""
        return self.allocations.prologue

    @property
    def batch(self) -> int:
        """The largest batch; where several processes share it, the whole of it."""
        return self.sizes.get("global_batch", self.sizes["batch"])

    @cached_property
    def leaves(self) -> dict[str, tuple[Shape, DType]]:
        """The arrays from outside, by name."""
        return {name_of(node): (v.shape, v.dtype) for node in self._given() if (v := node.value).shape}

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The numbers that each execution is given, in order."""
        return tuple(name_of(node) for node in self._given() if not node.value.shape)

    @cached_property
    def scalars(self) -> tuple[str, ...]:
        """The names of the numbers that each execution gives, in order."""
        return tuple(name for name, value in self.graph.outputs.items() if not value.shape)

    @cached_property
    def arrays(self) -> dict[str, Value]:
        """The other outputs, by name."""
        return {name: value for name, value in self.graph.outputs.items() if value.shape}

    @cached_property
    def streams(self) -> tuple[str, ...]:
        """The streams of randomness that it draws from."""
        return tuple(dict.fromkeys(_streams(self.graph)))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All ops and copies, in the order of execution, those within loops too."""
        return tuple(_Steps(self.allocations, self.sizes).steps(self.instructions))

    def flops(self, sizes: Sizes | None = None) -> int:
        """Return the floating-point operations of one execution."""
        sizes = self.sizes if sizes is None else sizes
        return sum(step.flops.at(sizes) for step in self.steps if not step.prologue)

    def _given(self) -> Iterator[Node]:
        return (node for node in self.graph.nodes if node.op.leaf)


def _streams(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        if node.op.random:
            yield node.attributes.named()["stream"]
        for region in node.regions:
            yield from _streams(region)


class _Steps:
    """Lists the steps of a plan, or of a loop's body."""

    def __init__(
        self,
        allocations: Allocations,
        sizes: Sizes,
        loop: str | None = None,
        times: Count | None = None,
        shard: str | None = None,
    ) -> None:
        self.allocations, self.sizes, self.loop = allocations, sizes, loop
        self.times = Count(1) if times is None else times
        self.shard = shard

    def steps(self, instructions: Iterable[Instruction]) -> Iterator[Step]:
        """Yield a step for each op and each copy."""
        for each in instructions:
            if isinstance(each, Compute):
                yield self._op(each.value, prologue=each.prologue)
            elif isinstance(each, Copy):
                assigned = each.source is not None and given(each.value) is not None
                yield self._copy(each, "assign" if assigned else "copy", each.value.node)
            elif isinstance(each, Pieces):
                yield from (self._op(value, block=each.name) for value in each.group.values)
            elif isinstance(each, Repeat):
                yield from self._loop(each)
            else:
                yield from self._distributed(each)

    def _loop(self, repeat: Repeat) -> Iterator[Step]:
        node, length = repeat.node, count((SCAN.of(repeat.node).length,))
        within = _Steps(repeat.allocations.body, self.sizes, repeat.name, self.times * length, self.shard)
        yield from (self._copy(each, "copy", node) for each in repeat.before)
        yield from (self._first(each, node) for each in repeat.first)
        yield self._op(node.results[0])
        yield from within.steps(repeat.body)
        yield from (within._copy(each, "copy", node) for each in repeat.returned)
        yield from (self._copy(each, "copy", node) for each in repeat.after)

    def _distributed(self, each: Distribute) -> Iterator[Step]:
        node = each.node
        within = _Steps(each.allocations.body, self.sizes, shard=each.name)
        yield self._op(node.results[0])
        yield from within.steps(each.body)
        yield from (within._copy(copy, "copy", node) for copy in each.returned)
        for number in each.sums:
            value = node.results[number]
            yield self._step(value, "add", node, value.count * Count(each.workers - 1), self._bytes(value))

    def _op(self, value: Value, *, prologue: bool = False, block: str | None = None) -> Step:
        scratch = sum(place.storage.size for place, _, _ in self.allocations.scratch.get(value.index, []))
        own = sum(self._bytes(result) for result in value.node.results)
        made = self._step(
            value,
            value.op.name,
            value.node,
            value.op.count_flops(value),
            own + scratch,
            prologue=prologue,
            block=block,
            reads=sum(self._bytes(read) for read in value.inputs if self._place(read) is not None),
        )
        return replace(made, tiles=tiles_of(value))

    def _copy(self, copy: Copy, op: str, asked: Node) -> Step:
        return self._step(copy.value, op, asked, Count(0), self._bytes(copy.value))

    def _first(self, copy: Copy, asked: Node) -> Step:
        """Return the copy of a state to where an output keeps it, one slice of the output."""
        assert copy.source is not None
        shape, size = copy.source.shape, self._bytes(copy.source)
        return replace(self._copy(copy, "copy", asked), shape=shape, size=size)

    def _step(
        self,
        value: Value,
        op: str,
        asked: Node,
        flops: Count,
        size: int,
        *,
        prologue: bool = False,
        block: str | None = None,
        reads: int = 0,
    ) -> Step:
        place = self._place(value)
        if place is not None and place.storage.memory == AROUND:
            place = None
        return Step(
            op=op,
            phase=asked.phase,
            key_path=asked.key_path,
            shape=value.shape,
            dtype=value.dtype,
            memory="" if place is None else place.storage.memory,
            offset=0 if place is None else place.offset,
            flops=flops * self.times,
            prologue=prologue,
            block=block,
            loop=self.loop,
            times=self.times,
            size=size,
            shard=self.shard,
            reads=reads,
        )

    def _place(self, value: Value) -> Allocation | None:
        return self.allocations.places.get(root(value).index)

    def _bytes(self, value: Value) -> int:
        return value.count.at(self.sizes) * ITEM_BYTES[value.dtype] if value.shape else 0
