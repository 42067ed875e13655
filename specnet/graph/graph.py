from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

from specnet.graph.attributes import NONE, A, Attributes
from specnet.graph.operators import OPERATORS, Operators
from specnet.graph.record import Record
from specnet.graph.sizes import Count, DType, Kind, Shape, count, show

KeyPath = tuple[str | int, ...]
"""The key path of what asked for a value, such as `("layers", 0)`."""

Phase = Literal["forward", "backward", "update"]


class ShapeFault(Exception):  # noqa: N818 (a fault is what a document has; an error is what a program raises)
    """Values do not fit an op; `blame` is the one whose shape is at odds with the others."""

    def __init__(
        self,
        message: str,
        blame: Value | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.blame = blame
        self.help = help


class Node:
    """One application of an op: its inputs, its settings, and its results."""

    __slots__ = ("attributes", "graph", "index", "inputs", "key_path", "op", "phase", "results")

    def __init__(
        self,
        graph: Graph,
        op: Op[Any],
        inputs: tuple[Value, ...],
        attributes: Attributes,
        kinds: Sequence[Kind],
    ) -> None:
        self.graph = graph
        self.index = len(graph.nodes)
        self.op = op
        self.inputs = inputs
        self.attributes = attributes
        self.key_path: KeyPath = graph.key_path
        self.phase: Phase = graph.phase
        self.results: tuple[Value, ...] = ()
        graph.nodes.append(self)
        if len(kinds) == 1:  # as nearly all have
            self.results = (Value(self, 0, *kinds[0]),)
        else:
            self.widen(attributes, kinds)

    def widen(self, attributes: Attributes, kinds: Sequence[Kind]) -> tuple[Value, ...]:
        """Add results of these kinds behind the others, and return them; `attributes` take the place of the old.

        The results that there are keep their meaning, and what reads them is not touched.
        """
        self.attributes = attributes
        more = tuple(Value(self, len(self.results) + i, *kind) for i, kind in enumerate(kinds))
        self.results += more
        return more

    @property
    def value(self) -> Value:
        """The only result."""
        (value,) = self.results
        return value

    @property
    def regions(self) -> tuple[Region, ...]:
        """The body graphs that it runs."""
        return self.attributes.regions

    def __repr__(self) -> str:
        return f"<{', '.join(map(str, self.results))} = {self.op}>"


class Value(Operators):
    """One result of applying an op; arithmetic on it appends to its graph.

    `shape` is () for scalars, which a plan keeps as plain Python numbers, and holds named sizes such as `BATCH`
    where they are known only when a plan is bound.
    """

    __slots__ = ("dtype", "index", "node", "number", "shape")

    def __init__(self, node: Node, number: int, shape: Shape, dtype: DType) -> None:
        self.node = node
        self.number = number
        self.shape = shape
        self.dtype: DType = dtype
        self.index = len(node.graph.values)
        node.graph.values.append(self)

    @property
    def graph(self) -> Graph:
        """The graph that it belongs to."""
        return self.node.graph

    @property
    def op(self) -> Op[Any]:
        """The op whose result it is."""
        return self.node.op

    @property
    def inputs(self) -> tuple[Value, ...]:
        """What that op was applied to."""
        return self.node.inputs

    @property
    def attributes(self) -> Attributes:
        """What the op was set to; `Op.of` gives them with their own type."""
        return self.node.attributes

    @property
    def key_path(self) -> KeyPath:
        """The key path of what asked for it."""
        return self.node.key_path

    @property
    def phase(self) -> Phase:
        """The part of a step that it belongs to."""
        return self.node.phase

    @property
    def count(self) -> Count:
        """How many elements it has."""
        return count(self.shape)

    @property
    def rank(self) -> int:
        """How many axes it has, the batch's included."""
        return len(self.shape)

    def __str__(self) -> str:
        return f"%{self.index}"

    def __repr__(self) -> str:
        return f"<%{self.index}: {self.dtype}{show(self.shape)} = {self.op}>"


@dataclass(frozen=True, slots=True, eq=False)
class Op(Record[Value, A]):
    """One primitive; calling it appends an application."""

    def __post_init__(self) -> None:
        assert self.name not in OPS, f"two ops are called {self.name}"
        OPS[self.name] = self

    def __call__(self, *inputs: Value | float, **attributes: Any) -> Value:
        """Append an application to the inputs' graph, and return its only result; numbers become constants."""
        (value,) = self.apply(*inputs, **attributes)
        return value

    def apply(self, *inputs: Value | float, **attributes: Any) -> tuple[Value, ...]:
        """Append an application to the inputs' graph, and return its results; numbers become constants."""
        graph = max((i.graph for i in inputs if isinstance(i, Value)), key=lambda graph: graph.depth)
        values = [i if isinstance(i, Value) else OPERATORS["constant"](graph, i) for i in inputs]
        return graph.apply(self, values, self.attributes(**attributes))

    def of(self, applied: Value | Node) -> A:
        """Return what an application of this op is set to."""
        node = applied if isinstance(applied, Node) else applied.node
        assert node.op is self, f"{node.op} is no {self}"
        return cast("A", node.attributes)

    def kinds(self, inputs: tuple[Value, ...], attributes: Attributes) -> list[Kind]:
        """Return the shape and dtype of each result."""
        found = self.infer(inputs, attributes)
        return found if isinstance(found, list) else [found]

    def count_flops(self, value: Value) -> Count:
        """Return the floating-point operations of one application."""
        return value.count * Count(self.flops) if isinstance(self.flops, int) else self.flops(value)

    def __str__(self) -> str:
        return self.name


OPS: dict[str, Op[Any]] = {}
"""All ops, by name; they enter themselves."""


class Graph:
    """A computation as a list of op applications in single-assignment form.

    `outputs` names the values that are wanted; `assignments` says which leaves (parameters, slots of an
    optimizer, running statistics) take a new value once a step is done. Nothing else has an effect.
    """

    depth = 0
    """How many graphs there are around it."""

    def __init__(self, dtype: DType, rules: Rules | None = None) -> None:
        self.dtype: DType = dtype
        self.rules = rules
        """What is asked first whenever an op is applied."""
        self.nodes: list[Node] = []
        self.values: list[Value] = []
        self.outputs: dict[str, Value] = {}
        self.assignments: list[tuple[Value, Value]] = []
        self.key_path: KeyPath = ()
        """The key path of what asks for the values that are appended."""
        self.phase: Phase = "forward"

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def wanted(self) -> tuple[Value, ...]:
        """What it is computed for: its outputs, and what leaves become."""
        return (*self.outputs.values(), *(value for _, value in self.assignments))

    def apply(self, op: Op[Any], inputs: Sequence[Value], attributes: Attributes = NONE) -> tuple[Value, ...]:
        """Append one application of an op, infer its results' shapes, and return them.

        The graph's rules may give other values in their place. Raises ShapeFault where the inputs do not fit the op.
        """
        inputs = tuple(value if value.graph is self else self.take(value) for value in inputs)
        found = None if self.rules is None else self.rules.find(self, op, inputs, attributes)
        if found is None:
            found = Node(self, op, inputs, attributes, op.kinds(inputs, attributes)).results
            if self.rules is not None:
                self.rules.keep(op, inputs, attributes, found)
        return found

    def take(self, value: Value) -> Value:
        """Return what stands here for a value of a graph around this one."""
        raise AssertionError(f"{value!r} belongs to another graph")

    def assign(self, leaf: Value, value: Value) -> None:
        """Have a leaf take this value at the end of the step."""
        assert leaf.shape == value.shape, f"{show(leaf.shape)} cannot take {show(value.shape)}"
        self.assignments.append((leaf, value))


class Rules(Protocol):
    """What may give values in the place of an application that is about to be appended."""

    def find(
        self, graph: Graph, op: Op[Any], inputs: tuple[Value, ...], attributes: Attributes
    ) -> tuple[Value, ...] | None:
        """Return values equal to the results of an application, or None."""

    def keep(
        self, op: Op[Any], inputs: tuple[Value, ...], attributes: Attributes, results: tuple[Value, ...]
    ) -> None:
        """Take note of an application that has been appended."""


class Region(Graph):
    """A body graph that an op of another graph runs: it is given `arguments`, and it `returns` values, by position.

    While it is built, values of the graph around it may be used in it: each becomes a further argument.
    """

    def __init__(self, dtype: DType, rules: Rules | None = None, around: Graph | None = None) -> None:
        super().__init__(dtype, rules)
        self.around = around
        if around is not None:
            self.key_path, self.phase = around.key_path, around.phase
        self.depth = 1 if around is None else around.depth + 1
        self.arguments: list[Value] = []
        self.returns: tuple[Value, ...] = ()
        self.taken: dict[Value, Value] = {}
        """The arguments that stand for values of the graph around it, by these."""

    @property
    def wanted(self) -> tuple[Value, ...]:
        """What it is computed for."""
        return self.returns

    def take(self, value: Value) -> Value:
        """Return the argument that stands for a value of the graph around this one."""
        if self.around is None:
            return super().take(value)
        if value.graph is not self.around:
            value = self.around.take(value)
        if value not in self.taken:
            self.taken[value] = OPERATORS["argument"](self, value.shape, value.dtype)
        return self.taken[value]
