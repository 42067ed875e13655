"""What a plan's source calls the values that its statements read and write, and what stands behind each name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from specnet.engines.program import Form, Shaped, View
from specnet.graph.attributes import Prepared
from specnet.graph.graph import Value
from specnet.graph.leaves import given, name_of, scalar_of
from specnet.graph.sizes import BATCH, DType, Powers, Shape, grows
from specnet.passes.aliases import Start, root, start_in_root
from specnet.passes.allocations import Allocation, Allocations, piece
from specnet.passes.groups import Group

Literal = tuple[float, Powers, DType]
"""A constant held as an array: factor, powers of named sizes, dtype."""


@dataclass(slots=True)
class Tables:
    """What stands behind the names of a plan's source, for the graph and all of its regions."""

    views: dict[str, View] = field(default_factory=dict)
    literals: dict[str, Literal] = field(default_factory=dict)
    literal_names: dict[Literal, str] = field(default_factory=dict)
    factors: dict[str, tuple[float, Powers]] = field(default_factory=dict)
    prepared: dict[str, Prepared] = field(default_factory=dict)
    streams: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    compiled: dict[str, int] = field(default_factory=dict)
    """The texts of compiled loops, with their numbers."""


class Operands:
    """Names of the arrays, scalars and constants of one graph; what a name stands for is noted when it is asked for."""

    prefix = ""
    """What stands before the number of a value in its names."""

    def __init__(self, allocations: Allocations, tables: Tables) -> None:
        self.allocations = allocations
        self.tables = tables
        # Within a block: what it is, and what stands behind the names that its pieces have.
        self.group: Group | None = None
        self.sliced: dict[str, str] = {}
        self.passing: dict[str, View] = {}
        self.sums: dict[str, tuple[str, View | None]] = {}

    def enter(self, group: Group) -> None:
        """Name pieces of arrays from now on: those of a group that runs piece by piece."""
        self.group, self.sliced, self.passing, self.sums = group, {}, {}, {}

    def leave(self) -> None:
        """Name whole arrays again."""
        self.group = None

    def tag(self, value: Value) -> str:
        """Return what all names that belong to a value have in them."""
        return f"{self.prefix}{value.index}"

    def name(self, value: Value) -> str:
        """Return what a value is called where it is listed."""
        return f"v{self.tag(value)}" if value.shape else self.scalar(value)

    def scalar(self, value: Value) -> str:
        """Return the Python expression of a scalar."""
        known = scalar_of(value)
        if known is not None:
            factor, powers = known
            if not powers:
                return repr(factor) if factor >= 0 else f"({factor!r})"
            self.tables.factors[f"f{self.tag(value)}"] = known
            return f"f{self.tag(value)}"
        if given(value) is not None:
            return name_of(value)
        return self.scalar(value.inputs[0]) if value.op.alias else f"s{self.tag(value)}"

    def operand(self, value: Value, dtype: DType, form: str = "") -> str:
        """Return the expression of an input: an array, or a scalar as what a ufunc takes fastest."""
        if value.shape:
            return self.array(value, form)
        known = scalar_of(value)
        if known is not None:
            return self.literal(*known, dtype)
        return self.scalar(value)

    def literal(self, factor: float, powers: Powers, dtype: DType) -> str:
        """Return the name of a constant held as an array of no axes, which ufuncs take faster than a number."""
        content = factor, powers, dtype
        name = self.tables.literal_names.setdefault(content, f"k{len(self.tables.literals)}")
        self.tables.literals.setdefault(name, content)
        return name

    def array(self, value: Value, form: str = "") -> str:
        """Return the name of a value's array, as the view that is asked for."""
        group, tag = self.group, self.tag(value)
        if group is None:
            return self.whole(f"v{tag}", root(value), value.shape, form, start_in_root(value))
        if root(value).index in group.inner:
            place = self.allocations.places[root(value).index]
            return self._laid(tag, place, value.shape, value.dtype)
        first = value.shape[0]
        # An operand that grows with the batch has the batch's rows, unless an axis behind them grows as well.
        by_rows = group.leading == BATCH and grows(first) and not any(map(grows, group.values[0].shape[1:]))
        if by_rows or (first == group.leading and len(value.shape) == len(group.values[0].shape)):
            self.sliced[f"p{tag}"] = self.whole(
                f"v{tag}", root(value), value.shape, start=start_in_root(value)
            )
            return f"p{tag}"
        return self.whole(f"v{tag}", root(value), value.shape, form, start_in_root(value))

    def whole(self, name: str, made: Value, shape: Shape, form: str = "", start: Start = ()) -> str:
        """Return the name of an array that an op computes, or of what begins at a place in it, in a shape and a form.

        `name` is what it may be called.
        """
        made, start = self.joined(made, start)
        place = self.allocations.places[made.index]
        return self.view(name, place, shape, made.dtype, form, start=start)

    def joined(self, made: Value, start: Start) -> tuple[Value, Start]:
        """Return the array that another one is computed in, and where a place in that one is in it."""
        while made.index in self.allocations.joined:
            made, more = self.allocations.joined[made.index]
            start = (*more, *start)
        return made, start

    def output(self, value: Value, form: str) -> str:
        """Return the name of what an op writes: its array, or within a block a worker's part of a sum."""
        if not value.shape:
            return f"s{self.tag(value)}"
        if self.group is None or not value.op.sums(value):
            return self.array(value, form)
        name = f"u{self.tag(value)}"
        place = self.allocations.partial.get(value.index)
        part = None if place is None else _at(name, place, value.shape, value.dtype)
        self.sums[name] = (self.array(value), part)
        return name

    def scratch(self, value: Value, name: str, form: str) -> str:
        """Return the name of an op's scratch memory, which its kernel calls `s`, `s2`, ... or `more`."""
        tag = self.tag(value)
        if name == "more":
            return self._laid(f"{tag}_more", self.allocations.more[value.index], value.shape, value.dtype)
        number = int(name[1:] or 1) - 1
        place, shape, dtype = self.allocations.scratch[value.index][number]
        return self._laid(f"{tag}_s{number + 1}", place, shape, dtype, form)

    def view(
        self,
        name: str,
        place: Allocation,
        shape: Shape,
        dtype: DType,
        form: str = "",
        delta: int = 0,
        start: Start = (),
    ) -> str:
        """Return the name of a view of a place, some bytes and then some elements from its start."""
        full = f"{name}_{form}" if form else name
        kind: Form = form or "plain"  # type: ignore[assignment]
        self.tables.views[full] = _at(full, place, shape, dtype, kind, delta, start)
        return full

    def _laid(self, name: str, place: Allocation, shape: Shape, dtype: DType, form: str = "") -> str:
        """Return the name of what passes within a group: of an array, or of a piece in a worker's scratch."""
        if self.group is None:
            return self.view(f"v{name}", place, shape, dtype, form)
        self.passing[f"t{name}"] = _at(f"t{name}", place, piece(shape, self.group), dtype)
        return f"t{name}"


class BodyOperands(Operands):
    """Names within a body that runs several times, some of whose arrays lie elsewhere each time."""

    def __init__(self, allocations: Allocations, tables: Tables) -> None:
        super().__init__(allocations, tables)
        self.forms: dict[str, Shaped] = {}
        """Such arrays in another shape or form than they have, by name."""

    def formed(self, of: str, laid: Shape, name: str, shape: Shape, form: str, start: Start) -> str:
        """Return the name of an array that is laid out in a shape, in another shape or form."""
        if shape == laid and not form and not start:
            return of
        full = f"{name}_{form}" if form else name
        self.forms[full] = Shaped(of, shape, form or "plain", start)  # type: ignore[arg-type]
        return full


def _at(
    name: str,
    place: Allocation,
    shape: Shape,
    dtype: DType,
    form: Form = "plain",
    delta: int = 0,
    start: Start = (),
) -> View:
    return View(name, place.storage.memory, place.offset + delta, shape, dtype, form, start)
