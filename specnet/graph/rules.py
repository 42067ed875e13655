"""The types of the functions in an op's record, and rules that several ops share."""

from __future__ import annotations

from specnet.graph import record
from specnet.graph.attributes import Attributes
from specnet.graph.graph import Value
from specnet.graph.sizes import Count, Kind

Infer = record.Infer[Value]
Pullback = record.Pullback[Value]
Flops = record.Flops[Value]
Scratch = record.Scratch[Value]
Text = record.Text[Value]
Printer = record.Printer[Value]


def like_first(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    """Return the shape and dtype of the first input: the rule of ops whose result is as that is."""
    return inputs[0].shape, inputs[0].dtype


def per_input(flops: int) -> Flops:
    """Return the rule of an op that does so many floating-point operations for each element of its first input."""
    return lambda value: value.inputs[0].count * Count(flops)
