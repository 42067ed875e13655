from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Literal

from specnet.compiler.augmenting import mixing_faults, shape_faults
from specnet.compiler.entries import named_inputs
from specnet.compiler.head_metrics import head_metrics
from specnet.compiler.heads import INPUTS, Part, costs, join_heads, linked
from specnet.compiler.lowered import Lowered
from specnet.compiler.topology import changed, check_topology, every
from specnet.data import Signature
from specnet.diagnostics import Diagnostic, KeyPath, Label, SpecError
from specnet.graph.builder import Builder, Parameter
from specnet.graph.graph import Graph, ShapeFault, Value
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH, DType, Shape, at, count, show
from specnet.graph.stage import LayerInfo
from specnet.language.spec import Spec
from specnet.vocabulary.initializers import ConstantInitializer
from specnet.vocabulary.losses.heads import Heads
from specnet.vocabulary.metrics import METRICS, Metric


class Network:
    """A document's layers and loss over data of known shapes.

    Creating one lowers the network once, to find its parameters and every fault of shape; SpecError holds the
    faults. Each `lower` gives a graph of its own to build a program on, copied from one that is built once.
    """

    def __init__(self, spec: Spec, signature: Signature) -> None:
        self.spec = spec
        self.signature = signature
        self.parts: tuple[Part, ...] = ()
        """The outputs, where there are several."""
        unfit = shape_faults(spec, signature.inputs)
        if unfit:
            raise SpecError(unfit)
        self._lowered: dict[tuple[bool, bool], Lowered] = {}
        lowered = self.lower(training=False)
        self.parts = lowered.parts
        asked = tuple(self._metrics())
        self.metrics: tuple[Metric, ...] = tuple(metric for _, metric in asked)
        self.layers = lowered.layers
        declared = lowered.builder.parameters.values()
        self.trained: tuple[Parameter, ...] = tuple(p for p in declared if p.role == "parameter")
        """What training fits."""
        self.parameters: tuple[Parameter, ...] = (*self.trained, *(p for p in declared if p.role == "frozen"))
        """That, and what `trainable = false` leaves as it is."""
        self.arrays: tuple[Parameter, ...] = (
            *self.parameters,
            *(p for p in declared if p.role == "statistic"),
        )
        """All that is kept with the model, running statistics too, in the order of the parameter vector."""
        self.output_shape: tuple[int, ...] = at(lowered.output.shape[1:], 1)
        """What the loss sees of one row."""
        self.prediction_shape: tuple[int, ...] = at(lowered.prediction.shape[1:], 1)
        self.elements_per_row: int = lowered.elements.count.each
        self._check(lowered, asked)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the graphs, which are built anew when a copy is asked for one: ops are the same everywhere."""
        return {**self.__dict__, "_lowered": {}}

    @cached_property
    def size(self) -> int:
        """How many numbers its parameters hold."""
        return sum(p.size for p in self.parameters)

    @cached_property
    def trained_size(self) -> int:
        """How many numbers training fits."""
        return sum(p.size for p in self.trained)

    @cached_property
    def widest(self) -> int:
        """How many numbers the widest layer takes or gives for one row."""
        shapes = [shape for layer in self.layers for shape in (*layer.inputs, layer.output)]
        return max((count(shape[1:]).each for shape in shapes), default=1)

    @property
    def rates_differ(self) -> bool:
        """Whether some layer's parameters have a learning rate of their own."""
        return any(p.rate != 1.0 for p in self.trained)

    @property
    def target_shape(self) -> tuple[int, ...]:
        """The shape of one row's target as the loss takes it: () for a class index."""
        if self.parts:
            return (sum(part.target_size for part in self.parts),)
        return () if self.target_dtype == "int64" else self.signature.target or (1,)

    @property
    def targets_inputs(self) -> bool:
        """Whether some output is compared with the inputs."""
        return any(part.head.target == INPUTS for part in self.parts)

    @property
    def target_dtype(self) -> DType:
        """The dtype of targets as the loss takes them: int64 for class indices."""
        if self.spec.loss.targets in ("classes", "groups") and self.signature.integers:
            return "int64"
        return self.spec.dtype

    @property
    def spreads(self) -> bool:
        """Whether training is fed rows of probabilities in the place of class indices, since rows are mixed."""
        mixes = any(augmentation.mixes for augmentation in self.spec.data.augmentations)
        return mixes and self.target_dtype == "int64"

    @property
    def fed_shape(self) -> tuple[int, ...]:
        """The shape of one row's target as it is fed to the training."""
        return self.prediction_shape if self.spreads else self.target_shape

    @property
    def fed_dtype(self) -> DType:
        """The dtype of targets as they are fed to the training."""
        return self.spec.dtype if self.spreads else self.target_dtype

    def spread_fault(self) -> str | None:
        """Say why the loss cannot take rows of probabilities in the place of class indices, or return None."""
        rows: Shape = (BATCH, *self.prediction_shape)
        return self.spec.loss.fault(rows, rows, self.spec.dtype, self.signature.class_count)

    def better(self, figure: str) -> Literal["lower", "higher"]:
        """Return which direction of a figure is good: a metric's own, and lower for a loss."""
        return {metric.label: metric.better for metric in self.metrics}.get(figure, "lower")

    def lower(self, *, training: bool, spread: bool = False) -> Lowered:
        """Return the forward graph, as it is in training or in evaluation, for the caller to append to.

        With `spread`, targets are rows of probabilities where they else are class indices.
        """
        kind = training, spread
        if kind not in self._lowered:
            self._lowered[kind] = self._lower(training=training, spread=spread)
        return self._lowered[kind].copy()

    def _lower(self, *, training: bool, spread: bool) -> Lowered:
        spec = self.spec
        x, builder, layers = lower_layers(
            spec, self.signature.inputs, training=training, signature=self.signature
        )
        graph = builder.graph
        if isinstance(spec.loss, Heads):
            joined = join_heads(spec.loss, builder, self.signature, graph, spec.dtype)
            made = joined.target, joined.output, joined.prediction, joined.elements
            return Lowered(graph, builder, layers, *made, joined.parts)
        graph.origin = ("data",)
        if spread:
            target = leaf(graph, "targets", "target", (BATCH, *self.fed_shape), self.fed_dtype)
        else:
            target = leaf(graph, "targets", "target", (BATCH, *self.target_shape), self.target_dtype)
        graph.origin = ("loss",)
        output, prediction = linked(x, spec.loss.link)
        if spec.data.reproduces and spec.loss.targets == "classes" and spec.loss.type == "cross_entropy":
            message = (
                "cross_entropy compares with classes, and the targets here are the inputs: there are none"
            )
            where = Label("the targets are the inputs", ("data", spec.data.aim))
            cure = "mse takes numbers; binary_cross_entropy takes inputs from 0 to 1"
            raise SpecError(
                [Diagnostic("SN401", message, ("loss",), part="type", help=cure, labels=(where,))]
            )
        problem = spec.loss.fault(output.shape, target.shape, target.dtype, self.signature.class_count)
        if problem is not None:
            raise SpecError([_shape_diagnostic(ShapeFault(problem, x), x, ("loss",))])
        try:
            elements = spec.loss.elements(output, target)
        except ShapeFault as fault:
            raise SpecError([_shape_diagnostic(fault, x, ("loss",))]) from fault
        return Lowered(graph, builder, layers, target, output, prediction, elements)

    def elements(self, output: Value, target: Value) -> Value:
        """Return what rows or elements cost, given outputs as the loss sees them."""
        if self.parts:
            return costs(self.parts, [part.output(output) for part in self.parts], target)
        return self.spec.loss.elements(output, target)

    def _metrics(self) -> Iterator[tuple[KeyPath, Metric]]:
        """Yield what is measured, and where the document asks for it."""
        loss = self.spec.loss
        if self.parts:
            yield from head_metrics(self.parts)
        elif self.spec.metrics is None:
            yield from ((("loss",), METRICS.validate(name).under(loss)) for name in loss.default_metrics)
        else:
            yield from ((("metrics", i), metric.under(loss)) for i, metric in enumerate(self.spec.metrics))

    def _check(self, lowered: Lowered, asked: tuple[tuple[KeyPath, Metric], ...]) -> None:
        """Raise SpecError with what is wrong beside shapes: initial values and metrics that do not fit."""
        found = [
            *unused_settings(self.layers, self.spec, lowered.builder.parameters),
            *initial_faults(self.arrays),
            *mixing_faults(self),
        ]
        if not self.trained:
            message = "there is nothing to train: no layer has trainable parameters"
            found.append(Diagnostic("SN308", message, ("layers",), part="key"))
        labels: dict[str, KeyPath] = {}
        for path, metric in asked:
            first = labels.setdefault(metric.label, path)
            if first != path:
                where = Label("the first one is here", first)
                message = f"two metrics would be reported as `{metric.label}`"
                found.append(Diagnostic("SN302", message, path, help="leave one out", labels=(where,)))
            try:
                metric.sums(lowered.prediction, lowered.target)
                metric.keeps(lowered.prediction, lowered.target)
            except ShapeFault as fault:
                found.append(Diagnostic("SN412", f"{metric.label}: {fault}", path, help=fault.help))
        if found:
            raise SpecError(found)


def lower_layers(
    spec: Spec, inputs: tuple[int, ...], *, training: bool, signature: Signature | None = None
) -> tuple[Value, Builder, tuple[LayerInfo, ...]]:
    """Build a graph of the layers alone over inputs (batch, *inputs); return the last one's value."""
    graph = Graph(spec.dtype)
    builder = Builder(graph, training)
    graph.origin = ("input_shape",) if spec.input_shape is not None else ("data",)
    x = leaf(graph, "inputs", "input", (BATCH, *inputs))
    named = None
    if spec.inputs is not None:
        assert signature is not None, "what inputs are called by is known with the data"
        graph.origin = ("inputs",)
        named = named_inputs(spec.inputs, signature, x)
        check_topology(spec.layers, named)
    else:
        check_topology(spec.layers)
    try:
        x = (
            builder.run(spec.layers, x, "layers")
            if named is None
            else builder.enter(spec.layers, named, "layers")
        )
    except ShapeFault as fault:
        raise SpecError(
            [_shape_diagnostic(fault, builder.entering[0], graph.origin, builder.entering)]
        ) from fault
    return x, builder, tuple(builder.layers)


def unused_settings(layers: Iterable[LayerInfo], spec: Spec, known: Iterable[str]) -> list[Diagnostic]:
    """Return the settings about parameters of layers that have none; `known` names all arrays of the model."""
    scopes = {info.path: info.scope for info in layers}
    owners = {name[:end] for name in known for end, letter in enumerate(name) if letter == "."}
    return [
        Diagnostic(
            "SN307",
            f"`{key}` would be ignored: {layer.type} has no parameters here",
            (*path, key),
            part="key",
            help=f"leave `{key}` out",
        )
        for path, layer in every(spec.layers)
        if scopes[path] not in owners
        for key in ("share", "trainable", "learning_rate_multiplier")
        if changed(layer, key)
    ]


def initial_faults(parameters: Iterable[Parameter]) -> list[Diagnostic]:
    """Return what is wrong with where parameters start: values that do not fill their shapes."""
    found = []
    for parameter in parameters:
        problem = parameter.initial.fault(parameter.shape)
        if problem is not None:
            path = (*parameter.origin, parameter.field)
            if isinstance(parameter.initial, ConstantInitializer):
                path = (*path, "value")
            found.append(Diagnostic("SN411", f"{parameter.name}: {problem}", path))
    return found


def _shape_diagnostic(
    fault: ShapeFault, x: Value, path: KeyPath, entering: tuple[Value, ...] = ()
) -> Diagnostic:
    """Return the finding, with a second place for what gives the shape; for each that gives one where several join."""
    blame = fault.blame if fault.blame is not None and fault.blame.op.name != "constant" else x
    givers = entering if len(entering) > 1 and blame in entering else (blame,)
    labels = tuple(
        Label(f"this gives {show(giver.shape)}", giver.origin, "type")
        for giver in givers
        if giver.origin and giver.origin != path
    )
    return Diagnostic("SN401", str(fault), path, part="type", help=fault.help, labels=labels)
