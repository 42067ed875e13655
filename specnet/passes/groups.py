"""Groups of ops that run one after the other, and those of a group that one compiled loop computes."""

from __future__ import annotations

from dataclasses import dataclass, field

from specnet.graph.graph import Value
from specnet.graph.sizes import BATCH, Dim
from specnet.passes.aliases import root


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


def is_looped(value: Value) -> bool:
    """Whether a compiled loop can compute an array."""
    return value.op.elementwise and bool(value.shape)
