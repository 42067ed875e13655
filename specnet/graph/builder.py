from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal, Protocol

from specnet.graph.graph import Graph, KeyPath, ShapeFault, Value
from specnet.graph.leaves import leaf
from specnet.graph.sizes import DType, show
from specnet.graph.stage import INPUT, LayerInfo, Stage, stage_names


class Initial(Protocol):
    """Where a parameter starts: known to the vocabulary, and only carried by the graph."""

    def fault(self, shape: tuple[int, ...]) -> str | None:
        """Say why it cannot fill an array of this shape, or return None."""


class Penalty(Protocol):
    """What a regularizer adds to the loss for one parameter."""

    def penalty(self, parameter: Value) -> Value:
        """Return the scalar to add."""


Role = Literal["parameter", "frozen", "statistic"]
"""What becomes of an array of the model in training: it is fitted, stays as it is, or follows what is seen."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An array that is kept with the model: its name, shape, where it starts, and what training makes of it."""

    name: str
    shape: tuple[int, ...]
    initial: Initial
    key_path: KeyPath
    field: str
    """The field of the layer that says where it starts, such as `kernel_init`."""
    role: Role = "parameter"
    rate: float = 1.0
    """What the learning rate is multiplied by for it."""

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        size = 1
        for dim in self.shape:
            size *= dim
        return size


MAXIMUM_LAYERS = 10_000
"""More are a slip in a `repeat`, and would take minutes to compile."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a builder is: in which layer, and what holds for it."""

    name: str = ""
    """The layer's own name, which its streams of randomness begin with."""
    parameters: str = ""
    """What the names of its parameters begin with: its name, or that of the layer that it shares them with."""
    path: KeyPath = ()
    trainable: bool = True
    rate: float = 1.0
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What a name stands for: what a layer gives, and where its parameters are."""

    value: Value
    parameters: str = ""


@dataclass
class Builder:
    """What a layer lowers itself with: its parameters, its randomness, and whether it is being trained.

    One builder serves one graph; `run` takes a value through layers, which may have layers of their own.
    """

    graph: Graph
    training: bool
    scope: Scope = field(default_factory=Scope)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    """All that is kept with the model, in the order in which it was declared: statistics, too."""
    leaves: dict[str, Value] = field(default_factory=dict)
    penalties: list[Value] = field(default_factory=list)
    layers: list[LayerInfo] = field(default_factory=list)
    """The layers that have been lowered, each container before the layers in it."""
    known: list[dict[str, Known]] = field(default_factory=list)
    """What `inputs` and `share` may name, by the list of layers around them, the innermost last."""
    outputs: dict[str, Value] = field(default_factory=dict)
    """What the layers of the document's own list have given, by their names."""
    entering: tuple[Value, ...] = ()
    """What the layer that is being lowered takes."""
    followed: list[tuple[Value, Value, float]] = field(default_factory=list)
    """Each statistic with what a batch shows of it, and the share of the old value that a step keeps."""

    @property
    def dtype(self) -> DType:
        """The type of parameters and activations."""
        return self.graph.dtype

    def parameter(
        self, name: str, shape: tuple[int, ...], initial: Initial, regularizer: Penalty | None = None
    ) -> Value:
        """Declare the parameter `scope.name` and return it; asked for again, it is the same one."""
        full = f"{self.scope.parameters}.{name}"
        if full not in self.leaves:
            self._declare(full, shape, initial, "parameter" if self.scope.trainable else "frozen")
            if regularizer is not None and self.scope.trainable:
                self.penalties.append(regularizer.penalty(self.leaves[full]))
        known = self.leaves[full]
        if known.shape != shape:
            raise ShapeFault(
                f"`{full}` has the shape {show(known.shape)}, and here it would be {show(shape)}"
            )
        return known

    def statistic(self, name: str, shape: tuple[int, ...], initial: Initial) -> Value:
        """Declare the array `scope.name`, which is kept with the model and follows what training sees."""
        full = f"{self.scope.parameters}.{name}"
        if full not in self.leaves:
            self._declare(full, shape, initial, "statistic")
        return self.leaves[full]

    def follow(self, statistic: Value, observed: Value, momentum: float) -> None:
        """Have a statistic become momentum * statistic + (1 - momentum) * observed at the end of a training step.

        In evaluation it stays as it is, and so it does in a step whose loss is not finite.
        """
        if self.training:
            self.followed.append((statistic, observed, momentum))

    def _declare(self, full: str, shape: tuple[int, ...], initial: Initial, role: Role) -> None:
        # Arrays of one role lie one after the other.
        alike = (p.name for p in reversed(self.parameters.values()) if p.role == role)
        rate = self.scope.rate if role == "parameter" else 1.0
        self.leaves[full] = leaf(self.graph, full, role, shape, after=next(alike, None))
        field = f"{full.rpartition('.')[2]}_init"
        self.parameters[full] = Parameter(full, shape, initial, self.graph.key_path, field, role, rate)

    def stream(self, use: str) -> str:
        """Return the name of a stream of randomness of the layer's own, such as `dropout_1/mask`."""
        return f"{self.scope.name}/{use}"

    def run(self, stages: Sequence[Stage], x: Value | None, key: str, within: str = "") -> Value:
        """Take a value through layers one after the other, and return what the last one gives.

        `key` is the key of the list in the document, below the layer that is being lowered, and `within` a name
        that sets these layers apart from others of the same layer, such as the number of a repetition. A layer
        that names its `inputs` takes these instead of what the one before it gives; x is None where all must.
        """
        return self._through(stages, x, key, within, apart=False)[-1]

    def enter(self, stages: Sequence[Stage], inputs: Mapping[str, Value], key: str) -> Value:
        """Take several inputs, by the names that layers take them by, through layers; return what the last one gives.

        An only input is also what the first layer takes where it names none.
        """
        self.known.append({name: Known(value) for name, value in inputs.items()})
        only = next(iter(inputs.values())) if len(inputs) == 1 else None
        y = self.run(stages, only, key)
        del self.known[-1]
        return y

    def branch(self, stages: Sequence[Stage], x: Value, key: str) -> tuple[Value, ...]:
        """Take a value through each of the layers by itself, and return what each gives."""
        return tuple(self._through(stages, x, key, "", apart=True))

    def _through(
        self, stages: Sequence[Stage], x: Value | None, key: str, within: str, *, apart: bool
    ) -> list[Value]:
        around, before, given = self.scope, x, []
        self.known.append({} if x is None else {INPUT: Known(x)})
        for index, (short, stage) in enumerate(zip(stage_names(stages), stages, strict=True)):
            self.scope = self._within(around, stage, ".".join(filter(None, (within, short))), (key, index))
            self.graph.key_path = self.scope.path
            if stage.inputs is not None:
                taken = tuple(self.find(name).value for name in stage.inputs)
            else:
                assert before is not None, f"{short} comes first, and names no inputs"
                taken = (before,)
            y = self._lower(stage, taken)
            self.known[-1][short] = Known(y, self.scope.parameters)
            given.append(y)
            if not around.name:
                self.outputs[short] = y
            before = before if apart else y
        # A fault of shape leaves all this as it is: it then says where the fault is.
        del self.known[-1]
        self.scope, self.graph.key_path = around, around.path
        return given

    def find(self, name: str) -> Known:
        """Return what a name stands for here; the innermost list of layers has the first word."""
        return next(level[name] for level in reversed(self.known) if name in level)

    def _within(self, around: Scope, stage: Stage, name: str, place: KeyPath) -> Scope:
        prefix = f"{around.parameters}.{name}" if around.parameters else name
        return Scope(
            f"{around.name}.{name}" if around.name else name,
            prefix if stage.share is None else self.find(stage.share).parameters,
            (*around.path, *place),
            around.trainable and stage.trainable,
            around.rate * stage.learning_rate_multiplier,
            around.depth + (1 if around.name else 0),
        )

    def _lower(self, stage: Stage, taken: tuple[Value, ...]) -> Value:
        scope, known, place = self.scope, len(self.parameters), len(self.layers)
        self.entering = taken
        if place >= MAXIMUM_LAYERS:
            raise ShapeFault(
                f"the network has more than {MAXIMUM_LAYERS:,} layers, repetitions counted",
                help="fewer of them, or a smaller `repeat`",
            )
        shapes = tuple(x.shape for x in taken)
        info = LayerInfo(scope.name, stage.type, scope.path, shapes, (), (), scope.parameters, scope.depth)
        self.layers.append(info)
        y = stage.lower_all(self, taken)
        inner = {name for layer in self.layers[place + 1 :] for name in layer.parameters}
        declared = reversed([*islice(reversed(self.parameters), len(self.parameters) - known)])
        own = tuple(name for name in declared if name not in inner)
        self.layers[place] = replace(info, output=y.shape, parameters=own)
        return y


@dataclass
class UpdateBuilder:
    """What an optimizer lowers itself with: the slots that it keeps from step to step.

    All parameters lie in one vector (n,), and so do their gradients and each slot.
    """

    graph: Graph
    size: int
    slots: dict[str, tuple[tuple[int, ...], float]] = field(default_factory=dict)

    def slot(self, name: str, initial: float = 0.0, shape: tuple[int, ...] | None = None) -> Value:
        """Declare an array kept from step to step, of the parameters' length unless `shape` says otherwise."""
        shape = (self.size,) if shape is None else shape
        self.slots[name] = (shape, initial)
        return leaf(self.graph, f"slot/{name}", "slot", shape)

    def keep(self, slot: Value, value: Value) -> Value:
        """Have the slot hold this value after the step, and return the value."""
        self.graph.assign(slot, value)
        return value
