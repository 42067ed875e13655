"""Networks with several outputs, each with a loss of its own.

What they give lies side by side in one row of predictions, and what they are compared with in one row of targets, so
that all that handles a network's predictions, targets and costs sees one of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod

from specnet.data import Signature
from specnet.diagnostics import Diagnostic, Label, SpecError
from specnet.diagnostics.spelling import closest
from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Graph, ShapeFault, Value
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH, DType, at, show
from specnet.vocabulary.losses import Link
from specnet.vocabulary.losses.heads import Head, Heads

INPUTS = "inputs"
"""The target that stands for what the network gets."""


@dataclass(frozen=True, slots=True)
class Part:
    """Where one output lies in the rows of predictions and targets."""

    name: str
    head: Head
    start: int
    shape: tuple[int, ...]
    """The shape of one prediction."""
    output_start: int
    output_shape: tuple[int, ...]
    """The shape of what its loss sees of one row."""
    target_start: int
    target_shape: tuple[int, ...]
    """The shape of one target as its loss takes it: () for a class index."""
    target_dtype: DType
    elements_per_row: int
    origin: tuple[str | int, ...]
    """The layer that gives it."""

    @property
    def size(self) -> int:
        """How many numbers one prediction has."""
        return prod(self.shape)

    @property
    def target_size(self) -> int:
        """How many numbers one target takes in a row of targets."""
        return prod(self.target_shape)

    def prediction(self, packed: Value) -> Value:
        """Return its part of rows of predictions."""
        part = _cut(packed, self.start, self.size)
        return ops.reshape(part, shape=(part.shape[0], *self.shape))

    def output(self, packed: Value) -> Value:
        """Return its part of rows of outputs, as its loss sees it."""
        part = _cut(packed, self.output_start, prod(self.output_shape))
        return ops.reshape(part, shape=(part.shape[0], *self.output_shape))

    def target(self, packed: Value) -> Value:
        """Return its part of rows of targets, as its loss takes it."""
        part = _cut(packed, self.target_start, self.target_size)
        part = ops.reshape(part, shape=(part.shape[0], *self.target_shape))
        return ops.cast(part, to=self.target_dtype) if part.dtype != self.target_dtype else part


def _cut(packed: Value, start: int, size: int) -> Value:
    width = packed.shape[-1]
    assert isinstance(width, int)
    margins = ((0, 0), (start, width - start - size))
    return packed if margins == ((0, 0), (0, 0)) else ops.crop(packed, margins=margins)


@dataclass(frozen=True, slots=True)
class Joined:
    """The outputs of a network as one: see `Lowered`."""

    target: Value
    output: Value
    prediction: Value
    elements: Value
    parts: tuple[Part, ...]


def join_heads(heads: Heads, builder: Builder, signature: Signature, graph: Graph, dtype: DType) -> Joined:
    """Append the outputs of a lowered network, and what they cost; raise SpecError with all that is wrong with them."""
    found: list[Diagnostic] = []
    parts: list[Part] = []
    given_outputs: list[Value] = []
    outputs: list[Value] = []
    predictions: list[Value] = []
    start = output_start = target_start = 0
    for name, head in heads.outputs.items():
        try:
            value = _given(name, head, builder)
            target_shape, target_dtype = _target(name, head, signature, dtype)
        except SpecError as error:
            found += error.diagnostics
            continue
        graph.origin = ("outputs", name)
        output, prediction = linked(value, head.loss.link)
        problem = head.loss.fault(
            output.shape, (BATCH, *target_shape), target_dtype, _classes(head, signature)
        )
        if problem is not None:
            label = Label(f"this gives {show(value.shape)}", value.origin, "type")
            found.append(
                Diagnostic("SN401", problem, ("outputs", name, "loss"), part="type", labels=(label,))
            )
            continue
        shape = at(prediction.shape[1:], 1)
        given = at(output.shape[1:], 1)
        part = Part(
            name,
            head,
            start,
            shape,
            output_start,
            given,
            target_start,
            target_shape,
            target_dtype,
            1,
            value.origin,
        )
        parts.append(part)
        given_outputs.append(output)
        outputs.append(ops.flat(output) if output.rank > 1 else ops.reshape(output, shape=(BATCH, 1)))
        predictions.append(ops.flat(prediction) if prediction.rank > 1 else outputs[-1])
        start, output_start = start + part.size, output_start + prod(given)
        target_start += part.target_size
    if found:
        raise SpecError(found)
    graph.origin = ("data",)
    target = leaf(graph, "targets", "target", (BATCH, target_start))
    graph.origin = ("outputs",)
    output = ops.concat(*outputs, axis=1) if len(outputs) > 1 else outputs[0]
    prediction = ops.concat(*predictions, axis=1) if len(predictions) > 1 else predictions[0]
    sized = tuple(_sized(*pair, target) for pair in zip(parts, given_outputs, strict=True))
    return Joined(target, output, prediction, costs(sized, given_outputs, target), sized)


def _sized(part: Part, output: Value, target: Value) -> Part:
    try:
        elements = part.head.loss.elements(output, part.target(target))
    except ShapeFault as fault:
        path = ("outputs", part.name, "loss")
        raise SpecError([Diagnostic("SN401", str(fault), path, part="type", help=fault.help)]) from fault
    return replace(part, elements_per_row=elements.count.each)


def costs(parts: tuple[Part, ...], outputs: Iterable[Value], target: Value) -> Value:
    """Return what each row costs: the sum over the outputs, each with its scale and weight."""
    total: Value | None = None
    for part, output in zip(parts, outputs, strict=True):
        loss = part.head.loss
        elements = loss.elements(output, part.target(target))
        axes = tuple(range(1, elements.rank))
        row = elements if not axes else ops.reduce_sum(elements, axes=axes)
        cost = row * (loss.scale * part.head.weight / part.elements_per_row)
        total = cost if total is None else total + cost
    assert total is not None
    return total


def _given(name: str, head: Head, builder: Builder) -> Value:
    wanted = head.layer or name
    if wanted in builder.outputs:
        return builder.outputs[wanted]
    meant = closest(wanted, builder.outputs)
    message = f"no layer is called `{wanted}`, which is to give the output `{name}`"
    raise SpecError(
        [
            Diagnostic(
                "SN303",
                f"{message}; did you mean `{meant}`?" if meant else message,
                ("outputs", name, "layer") if head.layer else ("outputs", name),
                part="value" if head.layer else "table",
                help="`layer` names the layer that gives an output; without it, it is the one of the output's name",
            )
        ]
    )


def _target(name: str, head: Head, signature: Signature, dtype: DType) -> tuple[tuple[int, ...], DType]:
    """Return the shape of one target of an output, and its dtype: int64 for a class index."""
    if head.target == INPUTS:
        return signature.inputs, dtype
    if head.target is None:
        if head.loss.targets == "classes" and signature.integers:
            return (), "int64"
        return signature.target or (1,), dtype
    raise SpecError(
        [
            Diagnostic(
                "SN303",
                f"the data's targets have no column `{head.target}`",
                ("outputs", name, "target"),
                help='leave it out for the data\'s whole target, or write "inputs"',
            )
        ]
    )


def _classes(head: Head, signature: Signature) -> int | None:
    return signature.class_count if head.target is None else None


def linked(x: Value, link: Link) -> tuple[Value, Value]:
    """Return what the loss sees and what a user sees of the last layer's value.

    A loss on logits gets what lies below a final softmax (or sigmoid), so that probabilities near 0 cost no
    accuracy; where the last layer is linear, its values are the logits.
    """
    if link == "identity":
        return x, x
    if link == "mean":
        last = x.shape[-1]
        if not isinstance(last, int) or last < 2:
            return x, x  # the loss has its say of that
        return x, ops.crop(x, margins=(*((0, 0),) * (x.rank - 1), (0, last - last // 2)))
    function = {"softmax": ops.softmax, "sigmoid": ops.sigmoid, "exp": ops.exp}[link]
    if x.op is function:
        return x.inputs[0], x
    logits = x.inputs[0] if link == "softmax" and x.op is ops.log_softmax else x
    return logits, function(logits)
