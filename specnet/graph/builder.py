from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal, NamedTuple, Protocol

from specnet.graph import ops
from specnet.graph.graph import Graph, KeyPath, ShapeFault, Value
from specnet.graph.leaves import leaf, number
from specnet.graph.parameter import GroupSettings, Initial, Parameter, Penalty, Role
from specnet.graph.sizes import Count, Dim, DType, Shape, Size, show
from specnet.graph.streaming import CannotStream, Past, Streaming

INPUT = "input"
"""What `inputs` calls the value that the list of layers around a layer gets."""


DONE = "done"
"""The number of a training step that says how many steps are done before it."""

CARRIED = "carried/"
"""What the names of leaves begin with that hold what the last call left."""


LengthUse = Literal["one", "masked", "any"]
"""How a layer treats sequences whose length is another one in each batch: it needs `one` length; it takes them with a
mask; or it takes `any`."""


MaskUse = Literal["each", "mixed", "own"]
"""How a layer treats steps that are padding: it works on `each` step by itself, and passes the mask on; it has them
`mixed`, and gets zeros for them; or it reads and sets masks of its `own`."""


class Stage(Protocol):
    """A layer: its place among the others, and its meaning."""

    type: str

    @property
    def name(self) -> str | None:
        """What it is called, where the document says so."""
        ...

    @property
    def inputs(self) -> tuple[str, ...] | None:
        """The names of what it takes, where it is not what the layer before gives."""
        ...

    @property
    def share(self) -> str | None:
        """The name of the layer whose parameters it uses."""
        ...

    @property
    def borrows(self) -> bool:
        """Whether it is the layer that it shares parameters with, applied once more."""
        ...

    @property
    def masking(self) -> MaskUse:
        """How it treats steps that are padding."""
        ...

    @property
    def length_use(self) -> LengthUse:
        """How it treats sequences whose length is another one in each batch."""
        ...

    @property
    def memberwise(self) -> bool:
        """Whether it takes the values (members, batch, features) of an ensemble."""
        ...

    @property
    def trainable(self) -> bool:
        """Whether training fits its parameters."""
        ...

    @property
    def learning_rate_multiplier(self) -> float:
        """What the learning rate is multiplied by for its parameters."""
        ...

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        """Return why it cannot take new steps of values after those that it has seen, or None if it can."""
        ...

    def lower_all(self, build: Builder, xs: tuple[Value, ...]) -> Value:
        """Append its computation over what it takes, and return its result."""
        ...


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """One layer as it was lowered."""

    name: str
    """Its own name behind those of the containers that it lies in: `residual_1.conv2d_2`."""
    type: str
    path: KeyPath
    inputs: tuple[Shape, ...]
    """The shapes of what it takes."""
    output: Shape
    parameters: tuple[str, ...]
    """The arrays that it declared itself; those of a container are its layers'."""
    scope: str
    """What the names of its parameters begin with: its name, or that of the layer that it shares them with."""
    depth: int = 0
    """How many containers it lies in."""


def stage_names(stages: Iterable[Stage]) -> list[str]:
    """Return what each layer of a list is called: its own name, or its type and its place among its type, from 1."""
    counts: dict[str, int] = {}
    names = []
    for stage in stages:
        counts[stage.type] = counts.get(stage.type, 0) + 1
        names.append(stage.name or f"{stage.type}_{counts[stage.type]}")
    return names


BY_LENGTH = "and batches by length have others in each batch"
ONE_LENGTH = "a layer that makes one row of a sequence before it, such as `last_step`, or no `batch_by`"
NO_MASK = "a `masking` layer or `padding_index` before it, or no `batch_by`"

MAXIMUM_LAYERS = 10_000
"""More are a slip in a `repeat`, and would take minutes to compile."""


@dataclass(frozen=True, slots=True)
class Members:
    """The members of an ensemble, whose values are (members, batch, features), and what each has of its own."""

    count: int
    own: Literal["all", "vectors", "nothing"] = "all"
    """Which parameters each member has of its own: all; those that are vectors, of one number a feature; or none."""
    first: KeyPath | None = None
    """The layer whose inputs each member has scaled already."""
    head: KeyPath | None = None
    """The layer of which each member has all parameters of its own."""
    of: Callable[[Initial, int], Initial] | None = None
    """Returns where a parameter starts of which each member has its own, given where one member's does."""


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
    members: Members | None = None
    """The members of the ensemble that the layer is in."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a name stands for: what a layer gives, and where its parameters are."""

    value: Value
    parameters: str = ""
    stage: Stage | None = None
    """The layer that gives it; None for what comes from outside."""
    path: KeyPath = ()
    """Where the layers in that are written."""


class Following(NamedTuple):
    """A running statistic, what a training step observes of it, and from how many values."""

    statistic: Value
    observed: Value
    momentum: float
    values: Count


class ColumnFeatures(Protocol):
    """The features that a column of a table becomes."""

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def start(self) -> int:
        """The place of its first feature."""
        ...

    @property
    def width(self) -> int:
        """How many features it becomes."""
        ...

    @property
    def kind(self) -> str:
        """What they are: `number`, `date`, `boolean`, `onehot`, `index` or `tokens`."""
        ...

    @property
    def categories(self) -> int:
        """How many categories it has; 0 of a number."""
        ...


class ObservedValue(NamedTuple):
    """What the initial value of a parameter looks at, for rows of the training split: `value` times `factor`."""

    value: Value
    factor: float = 1.0


@dataclass
class Builder:
    """What a layer lowers itself with: its parameters, its randomness, and whether it is being trained.

    One builder serves one graph; `run` takes a value through layers, which may have layers of their own.
    """

    graph: Graph
    training: bool
    scope: Scope = field(default_factory=Scope)
    groups: Sequence[GroupSettings] = ()
    """The groups of parameters; a parameter belongs to the first that matches its name."""
    parameters: dict[str, Parameter] = field(default_factory=dict)
    """All that is kept with the model, in the order in which it was declared: statistics, too."""
    leaves: dict[str, Value] = field(default_factory=dict)
    penalties: list[Value] = field(default_factory=list)
    row_penalties: list[Value] = field(default_factory=list)
    """What layers add to the loss for each row, (batch,), in training and in evaluation."""
    layers: list[LayerInfo] = field(default_factory=list)
    """The layers that have been lowered, each container before the layers in it."""
    given: dict[int, Value] = field(default_factory=dict)
    """What each of them gives, by its place among them."""
    known: list[dict[str, Known]] = field(default_factory=list)
    """What `inputs` and `share` may name, by the list of layers around them, the innermost last."""
    outputs: dict[str, Value] = field(default_factory=dict)
    """What the layers of the document's own list have given, by their names."""
    entering: tuple[Value, ...] = ()
    """What the layer that is being lowered takes."""
    masks: dict[Value, Value] = field(default_factory=dict)
    """Of sequences with padding, which steps exist: see `mask_of`."""
    vocabularies: dict[Value, int] = field(default_factory=dict)
    """How many tokens there are, of inputs that hold indices of tokens."""
    longest: dict[str, int] = field(default_factory=dict)
    """The length of the longest sequences, by the named size that stands for that of a batch."""
    observed: dict[str, ObservedValue] = field(default_factory=dict)
    """What initial values that are computed from rows of the training split look at, by their parameters' names."""
    ensembles: dict[Value, int] = field(default_factory=dict)
    """How many members there are, of values (members, batch, ...) that an ensemble gives."""
    columns: dict[Value, tuple[ColumnFeatures, ...]] = field(default_factory=dict)
    """Which columns of a table the features of a value (batch, features) are, where that is known."""
    followed: list[Following] = field(default_factory=list)
    """Each statistic with what a batch shows of it, and the share of the old value that a step keeps."""
    keeping: bool = False
    """Whether stateful layers begin with the states that the last batch left, and not with zeros."""
    length: Callable[[], Any] | None = None
    """Returns the length of the training, which the vocabulary knows how to read."""
    streaming: Streaming | None = None
    """Set if the graph takes new steps after those that it has seen, and not whole examples."""

    def now(self, lower: Callable[[Value, Any], Value]) -> Value:
        """Return a number of the step that is being made, given what appends it to how many steps are done.

        `lower` also takes the length of the training.
        """
        assert self.length is not None, "only a network is trained"
        return lower(number(self.graph, DONE), self.length())

    @property
    def dtype(self) -> DType:
        """The type of parameters and activations."""
        return self.graph.dtype

    def parameter(
        self,
        name: str,
        shape: tuple[int, ...],
        initial: Initial,
        regularizer: Penalty | None = None,
        observed: ObservedValue | None = None,
    ) -> Value:
        """Declare the parameter `scope.name` and return it; asked for again, it is the same one.

        `observed` is what an initial value looks at that is computed from rows of the training split. In an ensemble,
        it has an axis of members in front, and a vector one of rows behind that, as far as members have their own.
        """
        members = self.scope.members
        if members is not None and (members.own == "all" or (members.own == "vectors" and len(shape) == 1)):
            assert members.of is not None
            self.scope = replace(self.scope, members=None)
            initial = members.of(initial, members.count)
            whole = self.parameter(name, (members.count, *shape), initial, regularizer, observed)
            self.scope = replace(self.scope, members=members)
            return whole if len(shape) > 1 else ops.reshape(whole, shape=(members.count, 1, *shape))
        full = f"{self.scope.parameters}.{name}"
        if full not in self.leaves:
            trainable = self._is_trainable(full, self.scope.trainable)
            self._declare(full, shape, initial, "parameter" if trainable else "frozen", observed)
            if regularizer is not None and trainable:
                self.penalties.append(regularizer.penalty(self.leaves[full]))
        known = self.leaves[full]
        if known.shape != shape:
            raise ShapeFault(
                f"`{full}` has the shape {show(known.shape)}, and here it would be {show(shape)}"
            )
        return known

    def statistic(
        self, name: str, shape: tuple[int, ...], initial: Initial, observed: ObservedValue | None = None
    ) -> Value:
        """Declare the array `scope.name`, which is kept with the model and follows what training sees."""
        full = f"{self.scope.parameters}.{name}"
        if full not in self.leaves:
            self._declare(full, shape, initial, "statistic", observed)
        return self.leaves[full]

    def follow(self, statistic: Value, observed: Value, momentum: float, values: Count) -> None:
        """Have a statistic become momentum * statistic + (1 - momentum) * observed at the end of a training step.

        In evaluation it stays as it is, and so it does in a step whose loss is not finite, or in which it would be
        observed from a single value: `values` is from how many it is observed.
        """
        if self.training:
            self.followed.append(Following(statistic, observed, momentum, values))

    def carried(
        self, name: str, shape: Shape, *, start: Value | None = None, dtype: DType | None = None
    ) -> Value:
        """Return what the last call left for this layer under a name; in the first call, `start` or zeros."""
        full = f"{CARRIED}{self.scope.name}.{name}"
        if full not in self.leaves:
            self.leaves[full] = leaf(self.graph, full, "state", shape, dtype)
        if start is None:
            return self.leaves[full]
        assert self.streaming is not None, "only graphs of new steps have a first call"
        return start if self.streaming.opening else self.leaves[full]

    def carry(self, name: str, value: Value) -> None:
        """Leave a value for the next call, in which `carried` returns it; its shape is the one given to `carried`."""
        self.graph.assign(self.leaves[f"{CARRIED}{self.scope.name}.{name}"], value)

    def held(self, name: str, shape: Shape, make: Callable[[], Value]) -> Value:
        """Return a value that does not depend on the new steps, which the first call makes and keeps for later ones."""
        if self.streaming is None:
            return make()
        known = self.carried(name, shape)
        if not self.streaming.opening:
            return known
        value = make()
        self.carry(name, value)
        return value

    def past(self, name: str, new: Value, axis: int, length: int) -> Past | None:
        """Keep what a layer makes of each new step, and return what it kept of the `length` steps before these.

        It is None for a length of 0.
        """
        streaming = self.streaming
        assert streaming is not None, "whole examples have no past"
        if length < 1:
            return None
        full = f"past/{self.scope.name}.{name}"
        shape = (*new.shape[:axis], length, *new.shape[axis + 1 :])
        before = leaf(self.graph, full, "state", shape, new.dtype)
        if length not in streaming.places:
            streaming.places[length] = leaf(self.graph, f"places/{length}", "state", (length,))
        streaming.pasts[full] = Past(before, streaming.places[length], new, axis, length)
        return streaming.pasts[full]

    def streams(self, value: Value) -> bool:
        """Return whether a value depends on new steps after those that were seen."""
        return self.streaming is not None and self.streaming.covers(value)

    def most(self, dim: Dim) -> int:
        """Return how many steps there are at most along an axis."""
        return dim if isinstance(dim, int) else dim.at(self.longest)

    def _declare(
        self, full: str, shape: tuple[int, ...], initial: Initial, role: Role, observed: ObservedValue | None
    ) -> None:
        # Arrays of one role lie one after the other.
        alike = (p.name for p in reversed(self.parameters.values()) if p.role == role)
        group = self._group(full) if role == "parameter" else None
        rate = self.scope.rate if role == "parameter" else 1.0
        rate *= 1.0 if group is None else group.learning_rate_multiplier
        decay = None if group is None else group.weight_decay
        self.leaves[full] = leaf(self.graph, full, role, shape, after=next(alike, None))
        field = f"{full.rpartition('.')[2]}_init"
        if observed is not None and initial.of_rows:
            self.observed[full] = observed
        known = observed is not None
        path = self.graph.key_path
        self.parameters[full] = Parameter(full, shape, initial, path, field, role, rate, decay, known)

    def _group(self, name: str) -> GroupSettings | None:
        return next((group for group in self.groups if group.matches(name)), None) if self.groups else None

    def _is_trainable(self, name: str, otherwise: bool) -> bool:
        """Say whether a layer or parameter is trained: as its group says, or else as its layers do."""
        group = self._group(name)
        return otherwise if group is None or group.trainable is None else group.trainable

    def mask_of(self, x: Value) -> Value | None:
        """Return which steps of x (batch, steps, ...) exist: 1 for these, else 0, (batch, steps); None for all."""
        return self.masks.get(x)

    def tokens_of(self, x: Value) -> int | None:
        """Return how many tokens there are where x holds indices of tokens; None where it does not."""
        return self.vocabularies.get(x)

    def mask(self, x: Value, mask: Value | None) -> Value:
        """Say which steps of x (batch, steps, ...) exist, and return x."""
        if mask is not None and not self.streams(x):  # new steps all exist
            assert x.shape[:2] == mask.shape, f"{show(mask.shape)} is not a mask of {show(x.shape)}"
            self.masks[x] = mask
        return x

    def pass_masks(self, taken: tuple[Value, ...], y: Value) -> None:
        """Have the result of a layer the steps that all exist in what it took, where it still has these."""
        masks = [mask for x in taken if (mask := self.masks.get(x)) is not None]
        if not masks or y.rank < 3:
            return
        found = [mask for mask in dict.fromkeys(masks) if mask.shape == y.shape[:2]]
        for mask in found[1:]:
            found[0] = found[0] * mask
        if found:
            self.mask(y, found[0])

    def without_padding(self, x: Value) -> Value:
        """Return x (batch, steps, ...) with zeros at steps that are padding."""
        mask = self.masks.get(x)
        if mask is None or x in self.vocabularies:
            return x  # tokens have the index 0 there
        shown = ops.reshape(mask, shape=(*mask.shape, *(1 for _ in x.shape[2:])))
        return self.mask(x * shown, mask)

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
            lender = self.find(stage.share) if stage.borrows and stage.share is not None else None
            y = self._lower(stage, taken, lender)
            inner, path = (stage, self.scope.path) if lender is None else (lender.stage, lender.path)
            self.known[-1][short] = Known(y, self.scope.parameters, inner, path)
            given.append(y)
            if not around.name:
                self.outputs[short] = y
            before = before if apart else y
        # A fault of shape leaves all this as it is: it then says where the fault is.
        del self.known[-1]
        self.scope, self.graph.key_path = around, around.path
        return given

    def check_count(self, more: int) -> None:
        """Raise ShapeFault where so many more layers are more than a network may have."""
        if len(self.layers) + more > MAXIMUM_LAYERS:
            raise ShapeFault(
                f"the network has more than {MAXIMUM_LAYERS:,} layers, repetitions counted",
                help="fewer of them, or a smaller `repeat`",
            )

    def find(self, name: str) -> Known:
        """Return what a name stands for here; the innermost list of layers has the first word."""
        return next(level[name] for level in reversed(self.known) if name in level)

    def lent(self, name: str, parameter: str) -> Value:
        """Return a parameter of the earlier layer that a name stands for here."""
        return self.leaves[f"{self.find(name).parameters}.{parameter}"]

    def _within(self, around: Scope, stage: Stage, name: str, place: KeyPath) -> Scope:
        prefix = f"{around.parameters}.{name}" if around.parameters else name
        parameters = prefix if stage.share is None else self.find(stage.share).parameters
        members = around.members
        if members is not None and members.head == (*around.path, *place):
            members = replace(members, own="all")
        return Scope(
            f"{around.name}.{name}" if around.name else name,
            parameters,
            (*around.path, *place),
            self._is_trainable(parameters, around.trainable and stage.trainable),
            around.rate * stage.learning_rate_multiplier,
            around.depth + (1 if around.name else 0),
            members,
        )

    def _check_members(self, stage: Stage, taken: tuple[Value, ...]) -> None:
        """Raise ShapeFault where a layer takes the members of an ensemble, or cannot be in one."""
        for x in taken:
            if x in self.ensembles:
                message = f"an ensemble gives an output of the network, and {stage.type} takes what it gives"
                raise ShapeFault(message, x, help="put it into the ensemble's `layers`")
        if self.scope.members is not None and not stage.memberwise:
            message = f"{stage.type} cannot be in an ensemble"
            raise ShapeFault(message, taken[0], help="before it, where all members share it")

    def _check_lengths(self, stage: Stage, taken: tuple[Value, ...]) -> None:
        """Raise ShapeFault where a layer cannot take sequences whose length is another one in each batch."""
        for x in taken:
            if not any(isinstance(dim, Size) for dim in x.shape[1:]):
                continue
            if stage.length_use == "one":
                raise ShapeFault(
                    f"{stage.type} needs sequences of one length, {BY_LENGTH}", x, help=ONE_LENGTH
                )
            if stage.length_use == "masked" and self.masks.get(x) is None:
                message = f"it is not known which steps of what {stage.type} takes are padding, {BY_LENGTH}"
                raise ShapeFault(message, x, help=NO_MASK)

    def _lower(self, stage: Stage, taken: tuple[Value, ...], lender: Known | None) -> Value:
        scope, known, place = self.scope, len(self.parameters), len(self.layers)
        self.entering = taken
        self.check_count(1)
        self._check_members(stage, taken)
        if self.longest:
            self._check_lengths(stage, taken)
        if any(map(self.streams, taken)):
            why = stage.stream_fault(self, taken)
            if why is not None:
                raise CannotStream(scope.name, stage.type, why, scope.path)
        shapes, kind = tuple([x.shape for x in taken]), stage.type
        # A container comes before its layers, and what it gives is known after them.
        self.layers.append(
            LayerInfo(scope.name, kind, scope.path, shapes, (), (), scope.parameters, scope.depth)
        )
        if lender is not None and lender.stage is not None:
            # What is in the layer is where the other one has it.
            stage, self.scope = lender.stage, replace(scope, path=lender.path)
        mixed, ensembles = stage.masking == "mixed", len(self.ensembles)
        y = stage.lower_all(self, tuple([self.without_padding(x) for x in taken]) if mixed else taken)
        if len(self.ensembles) > ensembles and y not in self.ensembles:
            raise ShapeFault(f"{stage.type} cannot contain an ensemble", y, help="put it into the ensemble")
        if self.masks and stage.masking != "own" and y not in self.masks:
            self.pass_masks(taken, y)
        self.scope = scope
        inner = {name for layer in self.layers[place + 1 :] for name in layer.parameters}
        declared = reversed([*islice(reversed(self.parameters), len(self.parameters) - known)])
        own = tuple([name for name in declared if name not in inner])
        info = LayerInfo(scope.name, kind, scope.path, shapes, y.shape, own, scope.parameters, scope.depth)
        self.layers[place] = info
        self.given[place] = y
        return y
