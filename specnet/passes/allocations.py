"""Where the arrays of a graph lie, as data."""

from __future__ import annotations

from dataclasses import dataclass, field

from specnet.graph.graph import Value
from specnet.graph.leaves import ARGUMENT, name_of, role_of
from specnet.graph.sizes import BATCH, ITEM_BYTES, DType, Shape, Sizes, count
from specnet.passes.aliases import Start, root
from specnet.passes.arena import Storage
from specnet.passes.groups import Group

AROUND = "around"
"""The memory of what a loop's body is given: it lies where the graph around the body has it."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """Where an array lies: a storage, and bytes from its start."""

    storage: Storage
    delta: int = 0

    @property
    def offset(self) -> int:
        """Bytes from the start of the memory that the storage is in."""
        return self.storage.start + self.delta


@dataclass(slots=True)
class Allocations:
    """Where every array of a graph lies."""

    places: dict[int, Allocation] = field(default_factory=dict)
    """By index of the value that computes it; reshapes have none of their own."""
    scratch: dict[int, list[tuple[Allocation, Shape, DType]]] = field(default_factory=dict)
    more: dict[int, Allocation] = field(default_factory=dict)
    """Scratch of the size of what is summed over the batch, for what is added to it."""
    partial: dict[int, Allocation] = field(default_factory=dict)
    """Where each worker but the first sums up."""
    scratch_sizes: dict[int, int] = field(default_factory=dict)
    """Bytes that a worker has of its own, by number of the group that runs piece by piece."""
    copies: list[tuple[Value, Value]] = field(default_factory=list)
    """Assignments whose value could not be computed in the leaf's own memory."""
    packed: set[tuple[int, int]] = field(default_factory=set)
    """(pack, position) of what is computed in its place in a packed vector."""
    joined: dict[int, tuple[Value, Start]] = field(default_factory=dict)
    """Values that are computed in their place in another one, by index: which that is, and where they begin in it."""
    loops: dict[int, LoopAllocations] = field(default_factory=dict)
    """Where the arrays of loops lie, by index of the loop's node."""
    shards: dict[int, ShardAllocations] = field(default_factory=dict)
    """Where the arrays lie that workers have each for its rows, by index of the node."""
    arena: int = 0
    prologue: int = 0


@dataclass(slots=True)
class LoopAllocations:
    """Where the arrays of a loop's body lie.

    Outputs and new states of a step lie in the memory of the loop's results, at each step in another part of it; what
    is not computed there is copied there at the end of a step.
    """

    body: Allocations
    scratch: Storage
    """The memory of what passes within a step."""
    slots: dict[int, int] = field(default_factory=dict)
    """Values that are computed where the step returns them, by index: as which of its results."""
    over: set[int] = field(default_factory=set)
    """States whose new value is computed over the old one, in the memory of the loop's result."""
    ahead: dict[int, int] = field(default_factory=dict)
    """States that an output keeps as they are before each step, by number: which output. The new value is computed
    where the next step keeps it, and at the last step in the loop's result."""
    turns: dict[int, Allocation] = field(default_factory=dict)
    """Memory that a state's new value has in turns with that of the loop's result, by number of the state."""


@dataclass(slots=True)
class ShardAllocations:
    """Where the arrays of a body lie that each worker runs on its rows.

    Rows of results are computed where these lie, or copied there; sums are found in the scratch of each worker.
    """

    body: Allocations
    scratch: Storage
    """The memory of all workers, the first one's first."""
    slots: dict[int, int] = field(default_factory=dict)
    """Values whose rows are computed in a result, by index: in which one."""

    @property
    def each(self) -> int:
        """The bytes of one worker."""
        return self.body.arena


def piece(shape: Shape, group: Group) -> Shape:
    """Return the shape of a piece of an array in a group, in which the batch stands for the rows of a piece."""
    return (BATCH, *shape[1:]) if group.rows and shape and shape[0] == group.leading else shape


def memory_of(leaf: Value) -> str:
    """Return the memory from outside that a leaf is."""
    return AROUND if leaf.op is ARGUMENT else name_of(leaf)


def in_order(copies: list[tuple[Value, Value]]) -> list[tuple[Value, Value]]:
    """Return copies to leaves so that a leaf that another one takes the value of is copied before it changes."""
    ordered, waiting = [], copies
    while waiting:
        read = {root(value).index for leaf, value in waiting if root(value) is not leaf}
        free = [copy for copy in waiting if copy[0].index not in read]
        assert free, "leaves take each other's values"
        ordered += free
        waiting = [copy for copy in waiting if copy[0].index in read]
    return ordered


def memory_read(value: Value) -> str | None:
    """Return which memory from outside a leaf reads: all parameters share one vector."""
    if not value.op.leaf:
        return None
    if value.op is ARGUMENT:
        return f"{AROUND} {value.index}"
    return "parameters" if role_of(value) == "parameter" else name_of(value)


def bytes_of(shape: Shape, dtype: DType, sizes: Sizes) -> int:
    """Return how many bytes an array takes."""
    return count(shape).at(sizes) * ITEM_BYTES[dtype]
