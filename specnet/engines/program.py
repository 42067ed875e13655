from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from specnet.graph.attributes import Prepared
from specnet.graph.graph import Value
from specnet.graph.ops.scan import SCAN
from specnet.graph.sizes import Dim, DType, Powers, Shape, Sizes, at, value_of
from specnet.passes.aliases import Start, root
from specnet.passes.plan import Plan
from specnet.passes.schedule import Distribute, Instruction, Repeat

Form = Literal["plain", "flat", "T", "rows"]


@dataclass(frozen=True, slots=True)
class View:
    """An array of the plan: where it lies, and how it is looked at.

    `memory` is the arena, or the name of an array from outside; `offset` counts bytes from its start.
    """

    name: str
    memory: str
    offset: int
    shape: Shape
    dtype: DType
    form: Form = "plain"
    start: Start = ()
    """Elements from the offset."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """Another array in a shape and a form, or what begins at a place in it."""

    of: str
    shape: Shape
    form: Form
    start: Start = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A chain of statements that runs piece by piece, so that what passes between them stays in cache.

    The `leading` axis is cut. Each worker has an equal share of it, piece after piece of at most so many `rows`, and
    scratch of so many bytes for what passes within a piece. Names are those in the chain's statements.
    """

    name: str
    rows: int
    leading: Dim
    arguments: tuple[str, ...]
    """What the statements name, in the order in which a piece has it."""
    sliced: dict[str, str]
    """Pieces of arrays, by name: the view that is cut."""
    passing: dict[str, View]
    """What lies in a worker's scratch, by name; its leading axis has the rows of a piece."""
    calls: dict[str, str]
    """Calls that are made ready for each piece, by name: the expression that gives them."""
    sums: dict[str, tuple[str, View | None]]
    """Sums over the pieces, by name: where the first worker adds up, and where any other does in its scratch."""
    workers: int = 1
    """How many workers share its pieces; 0 within a loop, where the calling thread has them all."""
    scratch: int = 0
    tables: dict[str, str] = field(default_factory=dict)
    """What compiled loops are told of each piece, by name: the expression that gives it."""

    def shares(self, sizes: Sizes) -> list[list[tuple[int, int]]]:
        """Return the pieces of each worker, from which row to which, for these sizes."""
        return [
            [(start, min(start + self.rows, stop)) for start in range(begin, stop, self.rows)]
            for begin, stop in self._portions(sizes)
        ]

    def pieces(self, sizes: Sizes) -> int:
        """Return how many pieces all workers have, without making them."""
        return sum(-(-(stop - begin) // self.rows) for begin, stop in self._portions(sizes))

    def _portions(self, sizes: Sizes) -> Iterable[tuple[int, int]]:
        """Return from which row to which each worker goes."""
        (size,) = at((self.leading,), sizes)
        count = max(1, min(self.workers, size))
        return pairwise(size * worker // count for worker in range(count + 1))


@dataclass(frozen=True, slots=True)
class Tape:
    """What a compiled loop reads at each step."""

    loop: int
    """The number of the compiled function."""
    calls: tuple[tuple[str, ...], ...]
    """For each call of the body, what kind it is of, and the names of what it is given."""
    source: str
    """The loop as a function `play` of Python, over `steps`."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Statements that run once a step, with other parts of arrays at each.

    What the statements name is made ready for each step when a plan is bound, in the order of these fields.
    """

    name: str
    length: Dim
    reverse: bool
    slices: dict[str, str]
    """Slices of arrays, by name: the view whose leading axis has the steps."""
    turns: dict[str, tuple[str, str]]
    """What two views have in turns, by name; the second has it at the last step."""
    ahead: dict[str, tuple[str, str]]
    """Slices of the next step, by name: the view whose leading axis has the steps, and the view at the last step."""
    before: dict[str, tuple[str, str]]
    """What was another's array at the step before, by name: the view at the first step, and the other's name."""
    forms: dict[str, Shaped]
    """Arrays of a step in another shape or form, by name: the array's name."""
    calls: dict[str, str]
    """Calls, by name: the expression that gives them."""
    blocks: tuple[Block, ...]
    loops: tuple[Loop, ...]
    arguments: tuple[str, ...]
    """What the statements name, in the order in which a step has it."""
    ends: dict[str, str]
    """Names for the arrays of the last step, by the name that they have within the loop."""
    tables: dict[str, str] = field(default_factory=dict)
    """What compiled loops are told at each step, by name: the expression that gives it."""
    tape: Tape | None = None
    """Where the statements are one compiled function, what that reads; its name then stands for what runs it."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A function that each worker calls for its rows of the batch.

    Its names are those of the plan, and each worker's own, which are made in the order of these fields.
    """

    name: str
    source: str = field(repr=False)
    workers: int
    scratch: int
    """Bytes of the arena that each worker has of its own."""
    views: tuple[View, ...]
    """What lies in these."""
    rows: dict[str, str]
    """A worker's rows of arrays, by name: the view of the whole."""
    forms: dict[str, Shaped]
    """These in another shape or form, by name: the rows' name."""
    prepared: dict[str, Prepared]
    calls: dict[str, str]
    blocks: tuple[Block, ...]
    loops: tuple[Loop, ...]
    sums: dict[str, tuple[str, str]]
    """What adds up arrays, by name: the name of each worker's, and the view that the sum is written to."""
    tables: dict[str, str] = field(default_factory=dict)
    """What compiled loops are told, by name: the expression that gives it."""

    def shares(self, sizes: Sizes) -> list[tuple[int, int]]:
        """Return from which row to which each worker has the batch."""
        size = value_of("batch", sizes)
        count = max(1, min(self.workers, size))
        return list(pairwise(size * worker // count for worker in range(count + 1)))


@dataclass(frozen=True, slots=True)
class Whole:
    """All of a step as one compiled function, which makes as many steps as it is asked for.

    Its table has an entry or more for each of `entries`: a kind, and the names of arrays or of other tables.
    """

    loop: int
    """Its number among the compiled loops. The next one, if there is one, is what other threads run meanwhile."""
    entries: tuple[tuple[str, ...], ...]
    numbers: tuple[str, ...]
    """What the steps are given: the plan's numbers, then constants."""
    threads: int
    """How many threads share its longest parts."""


@dataclass(frozen=True, slots=True)
class NumpyProgram:
    """A plan as this engine executes it: a straight-line function, and what it names.

    `source` is the function; `numbers` are its arguments, `scalars` its results in order, `arrays` names the views
    that hold the other outputs.
    """

    code: tuple[tuple[str, ...], ...]
    """The statements of each of the plan's steps."""
    views: tuple[View, ...]
    blocks: tuple[Block, ...]
    loops: tuple[Loop, ...]
    shards: tuple[Shard, ...]
    literals: dict[str, tuple[float, Powers, DType]]
    """Constants as arrays, by name: factor, powers of named sizes, dtype."""
    factors: dict[str, tuple[float, Powers]]
    """Constants that depend on named sizes, as Python numbers, by name."""
    calls: dict[str, str]
    """Calls that are made ready once, by name: the expression that gives them."""
    prepared: dict[str, Prepared]
    """What is made for the sizes that the plan is bound to, by name."""
    streams: dict[str, str]
    """Streams of randomness by the name that the source gives them."""
    attributes: dict[str, Any]
    """Attributes of ops that the source names."""
    functions: tuple[str, ...]
    numbers: tuple[str, ...]
    scalars: tuple[str, ...]
    arrays: dict[str, str]
    source: str = field(repr=False)
    compiled: tuple[str, ...] = field(default=(), repr=False)
    """The compiled loops, which the source runs by their numbers, as functions of Python."""
    tables: dict[str, str] = field(default_factory=dict)
    """What compiled loops are told, by name: the expression that gives it."""
    whole: Whole | None = None
    """What is executed instead of the source, where there is such a function."""


VIEW_BYTES = 112
"""What an array takes beside its elements."""

STEP_BYTES = 96
"""What a list of a few arrays takes."""


def steps_bytes(plan: Plan, sizes: Sizes) -> int:
    """Return about how many bytes the views take that are ready for all steps of a plan's loops, for some sizes."""
    return _steps_bytes(plan.instructions, sizes)


def _steps_bytes(instructions: Iterable[Instruction], sizes: Sizes) -> int:
    total = 0
    for each in instructions:
        if isinstance(each, Repeat):
            total += _loop_bytes(each, sizes)
        elif isinstance(each, Distribute):
            total += _steps_bytes(each.body, sizes) * each.workers
    return total


def _inner_views(repeat: Repeat) -> int:
    """Return how many views a step has of arrays in another shape, of parts, and of what is computed in its place."""
    joined, slots = repeat.allocations.body.joined, repeat.allocations.slots
    first = SCAN.of(repeat.node).states
    moving = {
        value.index for value in SCAN.of(repeat.node).body.arguments[: first + SCAN.of(repeat.node).arrays]
    }

    def moves(made: Value) -> bool:
        while made.index in joined:
            made = joined[made.index][0]
        return made.index in moving or made.index in slots

    values = [value for node in SCAN.of(repeat.node).body for value in node.results if value.shape]
    return sum((value.op.alias or value.index in joined) and moves(root(value)) for value in values)


def _loop_bytes(repeat: Repeat, sizes: Sizes) -> int:
    loop = SCAN.of(repeat.node)
    views = loop.arrays + len(loop.body.returns) - loop.states + _inner_views(repeat)
    inner = _steps_bytes(repeat.body, sizes)
    return at((loop.length,), sizes)[0] * (views * VIEW_BYTES + STEP_BYTES + inner)
