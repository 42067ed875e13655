"""The graphs of a model that generates: what comes after new steps, and what comes after a whole example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from specnet.diagnostics import SpecError
from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import role_of
from specnet.graph.sizes import DType, Shape, count
from specnet.graph.streaming import CannotStream, Streaming
from specnet.model.generation.task import NotGenerating, Task
from specnet.model.layer_lowering import lower_layers
from specnet.model.network import Network
from specnet.model.output_lowering import activated

LOGITS = "logits"
"""The output (batch, tokens) whose softmax are the probabilities of the next token."""


class Ring(NamedTuple):
    """The shape of a ring of what is kept of the last steps: the axis of the steps, and their number."""

    axis: int
    length: int


@dataclass(frozen=True, slots=True)
class StepsGraph:
    """A graph that takes new steps after those that it has seen, and what is kept from call to call."""

    graph: Graph
    """Its outputs are `logits`, and what is kept of each new step by the names of `rings`."""
    new: int
    states: dict[str, tuple[Shape, DType]]
    """The leaves that each call leaves for the next one."""
    rings: dict[str, Ring]
    """The leaves that hold what is kept of the last steps."""
    bounded: str | None
    """The first layer that has no positions beyond the steps of an example; None if there is no such layer."""

    def bytes_per_sample(self, item: int) -> int:
        """Return the number of bytes that the states of one sequence take."""
        return sum(count(shape).each for shape, _ in self.states.values()) * item


def steps_graph(network: Network, task: Task, new: int, *, opening: bool = True) -> StepsGraph:
    """Return the graph of a network over a number of new steps.

    Unless `opening`, it is that of later calls, which do not read the other inputs. Raises NotGenerating naming the
    layer that cannot take one step after the other.
    """

    def streaming(values: Mapping[str, Value]) -> Streaming:
        return Streaming.over(values[task.array.short], task.steps, opening=opening)

    inputs = tuple(
        replace(array, shape=(new,)) if array.name == task.array.name else array for array in network.inputs
    )
    try:
        last, builder, _ = lower_layers(
            network.spec, inputs, training=False, signature=network.signature, streaming=streaming
        )
    except CannotStream as error:
        raise NotGenerating(f"{error}, and so cannot take one step after the other") from error
    except SpecError as error:
        message = error.diagnostics[0].message
        raise NotGenerating(f"its layers do not fit together for one step alone: {message}") from error
    (output,) = network.outputs.values()
    logits, _ = activated(last, output.loss)
    declared = {p.name: p.shape for p in network.arrays}
    for p in builder.parameters.values():
        if declared.get(p.name) != p.shape:
            raise NotGenerating(f"`{p.name}` has a number for each step, and cannot take one after the other")
    return finished(builder, {LOGITS: _last(logits)})


def finished(builder: Builder, outputs: dict[str, Value]) -> StepsGraph:
    """Return the graph of a builder of new steps, with these outputs."""
    streaming = builder.streaming
    assert streaming is not None
    pasts = streaming.pasts
    builder.graph.outputs = {**outputs, **{name: past.new for name, past in pasts.items()}}
    states = {name: (v.shape, v.dtype) for name, v in builder.leaves.items() if role_of(v) == "state"}
    states |= {name: (past.before.shape, past.before.dtype) for name, past in pasts.items()}
    rings = {name: Ring(past.axis, past.length) for name, past in pasts.items()}
    return StepsGraph(builder.graph, streaming.new, states, rings, streaming.bounded)


def whole_graph(network: Network, task: Task) -> Graph:
    """Return the graph of a network over whole examples: output `logits` after the last step."""
    lowered = network.lower(training=False)
    (values,) = lowered.outputs.values()
    lowered.graph.outputs = {LOGITS: _last(values.output) if task.each else values.output}
    return lowered.graph


def _last(logits: Value) -> Value:
    """Return the logits (batch, tokens) after the last of some steps (batch, steps, tokens)."""
    batch, steps, tokens = logits.shape
    assert isinstance(steps, int)
    last = ops.crop(logits, margins=((0, 0), (steps - 1, 0), (0, 0)))
    return ops.reshape(last, shape=(batch, tokens))
