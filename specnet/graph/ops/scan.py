"""Loops over the leading axis of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from specnet.graph.graph import Op, Region, ShapeFault, Value
from specnet.graph.leaves import argument
from specnet.graph.ops.bodies import BodyAttributes
from specnet.graph.sizes import Dim, Kind, show

Step = Callable[[tuple[Value, ...], tuple[Value, ...]], tuple[Sequence[Value], Sequence[Value]]]
"""What a loop does at each step: from its states and a slice of each array to new states and outputs."""


class ScanAttributes(BodyAttributes):
    """The body of a loop, and what its arguments and results are.

    The body's arguments are the states, a slice of each array, and constants; it returns the new states and outputs.
    """

    states: int
    arrays: int
    """How many arrays the loop goes through."""
    length: Dim
    """How many steps there are."""
    reverse: bool = False
    """Whether the last step comes first."""


def _infer(inputs: tuple[Value, ...], attributes: ScanAttributes) -> list[Kind]:
    body, states, arrays = attributes.body, attributes.states, attributes.arrays
    for number, (value, within) in enumerate(zip(inputs, body.arguments, strict=True)):
        shape = value.shape[1:] if states <= number < states + arrays else value.shape
        sliced = number >= states + arrays or bool(within.shape)
        if (shape, value.dtype) != (within.shape, within.dtype) or not sliced:
            raise ShapeFault(
                f"{show(value.shape)} does not fit what a loop takes, {show(within.shape)}", value
            )
        if states <= number < states + arrays and value.shape[0] != attributes.length:
            raise ShapeFault(f"{show(value.shape)} does not have {attributes.length} steps", value)
    for before, after in zip(inputs[:states], body.returns, strict=False):
        if (before.shape, before.dtype) != (after.shape, after.dtype):
            raise ShapeFault(f"a state {show(before.shape)} cannot become {show(after.shape)}", before)
    for value in body.returns:
        if not value.shape:
            raise ShapeFault("a step of a loop cannot give a scalar", value)
    kinds: list[Kind] = [(value.shape, value.dtype) for value in body.returns[:states]]
    return kinds + [((attributes.length, *v.shape), v.dtype) for v in body.returns[states:]]


SCAN: Op[ScanAttributes] = Op(
    "scan",
    _infer,
    attributes=ScanAttributes,
    # The operations of its steps are those of the body's ops, which a plan lists by themselves.
    flops=0,
    noun="states",
)
"""A loop that runs its body once a step, over the leading axis of arrays.

Inputs are the states before the first step, the arrays (steps, ...), and what stays the same throughout. Results are
the states after the last step, and what the body gives at each step, (steps, ...). Its gradient is a loop the other
way round, which `differentiate` makes of the body's own.
"""


def scan(
    step: Step,
    init: Sequence[Value],
    arrays: Sequence[Value],
    *,
    length: Dim | None = None,
    reverse: bool = False,
) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """Run `step(states, slices)`, which returns new states and outputs, over the leading axis of arrays.

    `init` are the states before the first step. Values of the graph around that `step` uses are the same at every
    step. Return the last states, and the outputs of all steps (steps, ...). `length` is needed where no array has it.
    Raises ShapeFault where a state changes its shape, or a state or an output is a scalar.
    """
    around = max((value.graph for value in (*init, *arrays)), key=lambda graph: graph.depth)
    body = Region(around.dtype, around=around)
    states = tuple(argument(body, value.shape, value.dtype) for value in init)
    slices = tuple(argument(body, value.shape[1:], value.dtype) for value in arrays)
    returned = step(states, slices)
    new, outputs = (tuple(v if v.graph is body else body.take(v) for v in part) for part in returned)
    body.returns = (*new, *outputs)
    length = arrays[0].shape[0] if length is None else length
    settings = ScanAttributes(body, len(states), len(slices), length, reverse)
    results = around.apply(SCAN, (*init, *arrays, *body.taken), settings)
    return results[: len(states)], results[len(states) :]
