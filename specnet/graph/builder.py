from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal, Protocol

from specnet.graph.declarations import Declarations
from specnet.graph.graph import KeyPath, ShapeFault, Value
from specnet.graph.scopes import LayerInfo, Scope
from specnet.graph.sizes import Size
from specnet.graph.streaming import CannotStream

INPUT = "input"
"""What `inputs` calls the value that the list of layers around a layer gets."""


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
class Known:
    """What a name stands for: what a layer gives, and where its parameters are."""

    value: Value
    parameters: str = ""
    stage: Stage | None = None
    """The layer that gives it; None for what comes from outside."""
    path: KeyPath = ()
    """Where the layers in that are written."""


@dataclass
class Builder(Declarations):
    """What a layer lowers itself with: its parameters, its randomness, and whether it is being trained.

    One builder serves one graph; `run` takes a value through layers, which may have layers of their own.
    """

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
    ensembles: dict[Value, int] = field(default_factory=dict)
    """How many members there are, of values (members, batch, ...) that an ensemble gives."""

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
