"""What layers over the steps of sequences share."""

from __future__ import annotations

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Graph, ShapeFault, Value
from specnet.graph.sizes import Dim, show

LAY_OUT = '{ type = "reshape", shape = [steps, features] } lays rows out as sequences'
JOIN = '{ type = "reshape", shape = [steps, -1] } joins the axes behind the steps'


def sequence_sizes(kind: str, x: Value, *, help: str | None = None) -> tuple[Dim, Dim, int]:
    """Return the sizes of an input (batch, steps, features); raise ShapeFault for any other."""
    steps, features = x.shape[1:] if x.rank == 3 else (0, None)
    if not isinstance(features, int):
        raise ShapeFault(
            f"{kind} needs sequences (batch, steps, features), got {show(x.shape)}",
            x,
            help=help or (JOIN if x.rank > 3 else LAY_OUT),
        )
    return x.shape[0], steps, features


def step_numbers(build: Builder, x: Value) -> Value:
    """Return the numbers of the steps of x (batch, steps, ...), from 0: (steps,)."""
    numbers = places(x.graph, x.shape[1])
    return numbers + build.streaming.position if build.streaming and build.streams(x) else numbers


def places(graph: Graph, steps: Dim) -> Value:
    """Return the numbers of steps, from 0: (steps,)."""
    if isinstance(steps, int):
        return ops.fixed(graph, range(steps))
    return ops.cast(ops.step_numbers(graph, steps), to=graph.dtype)


def of_steps(mask: Value) -> Value:
    """Return a mask (batch, steps) as (batch, steps, 1), for values with features."""
    return ops.reshape(mask, shape=(*mask.shape, 1))
