"""The rows of a batch shared out over workers, each of which runs the same body on its own."""

from __future__ import annotations

from specnet.graph.graph import Op, ShapeFault, Value
from specnet.graph.ops.bodies import BodyAttributes
from specnet.graph.record import Unexportable
from specnet.graph.sizes import Kind, show


class ShardAttributes(BodyAttributes):
    """The body that each worker runs, and what its arguments and results are.

    The body's arguments are a worker's rows of each array, and what all workers read; it returns rows of arrays and
    sums over its rows.
    """

    arrays: int
    """How many of the inputs are arrays (batch, ...) of which each worker gets its rows."""
    rows: int
    """How many of the results are arrays (batch, ...) of which each worker computes its rows."""


def _infer(inputs: tuple[Value, ...], attributes: ShardAttributes) -> list[Kind]:
    for value, within in zip(inputs, attributes.body.arguments, strict=True):
        if (value.shape, value.dtype) != (within.shape, within.dtype):
            raise ShapeFault(f"{show(value.shape)} is not what a body takes, {show(within.shape)}", value)
    return [(value.shape, value.dtype) for value in attributes.body.returns]


SHARD: Op[ShardAttributes] = Op(
    "shard",
    _infer,
    attributes=ShardAttributes,
    # The operations are those of the body's ops, which a plan lists by themselves.
    flops=0,
    shared=True,
    noun="sums",
    onnx=Unexportable("it says how a plan is executed"),
)
"""A body that every worker runs on its rows of the batch, in memory of its own.

In the body, `batch` is the number of a worker's rows; only constants that depend on it mean the whole batch. Results
are arrays (batch, ...), of which each worker computes its rows, and then sums, which are added up in the order of the
workers. Plans are made of it by `passes/shard.py`; it has no gradient.
"""
