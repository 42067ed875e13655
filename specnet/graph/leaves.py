"""What a graph starts from: arrays from outside, the arguments of a region, and constants."""

from __future__ import annotations

from math import pi

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Graph, Node, Op, Region, Value
from specnet.graph.operators import OPERATORS
from specnet.graph.record import Unexportable
from specnet.graph.rules import Printer
from specnet.graph.sizes import DType, Kind, Powers, Shape, Size


class LeafAttributes(Attributes):
    """An array or a number from outside."""

    name: str
    role: str
    shape: Shape
    dtype: DType
    after: str | None = None
    """What lies right before it in the same memory."""


class ArgumentAttributes(Attributes):
    """An argument of a region."""

    position: int
    shape: Shape
    dtype: DType


class ConstantAttributes(Attributes):
    """A constant: a number, times named sizes to their powers."""

    factor: float
    powers: Powers
    dtype: DType


def _given(_: tuple[Value, ...], attributes: LeafAttributes | ArgumentAttributes) -> Kind:
    return attributes.shape, attributes.dtype


def _scalar(_: tuple[Value, ...], attributes: ConstantAttributes) -> Kind:
    return (), attributes.dtype


LEAF = Op("leaf", _given, attributes=LeafAttributes, leaf=True, flops=0)
"""An array from outside, by `name` and `role`: input, target, parameter, state or constant."""

NUMBER = Op("number", _given, attributes=LeafAttributes, leaf=True, flops=0)
"""A scalar that each step is given, such as the learning rate."""

ARGUMENT = Op("argument", _given, attributes=ArgumentAttributes, leaf=True, flops=0)
"""What a region is given from the graph around it."""


def _printed(printer: Printer, value: Value) -> str:
    factor, powers = CONSTANT.of(value).factor, CONSTANT.of(value).powers
    if factor == pi:
        text = "math.pi"
    else:
        text = repr(int(factor)) if factor == int(factor) and abs(factor) < 1e6 else repr(factor)
    above, below = (
        " * ".join(
            printer.size(Size(1, (name,))) + ("" if abs(power) == 1 else f"**{abs(power)}")
            for name, power in powers
            if power * sign > 0
        )
        for sign in (1, -1)
    )
    if above:
        text = above if factor == 1 else f"{text} * {above}"
    if below:
        text = f"{text} / ({below})" if " * " in below else f"{text} / {below}"
    return text


def _onnx(value: Value) -> str:
    if CONSTANT.of(value).powers:
        raise Unexportable("it depends on the size of the batch")
    return repr(CONSTANT.of(value).factor)


CONSTANT = Op(
    "constant",
    _scalar,
    attributes=ConstantAttributes,
    flops=0,
    noun="number",
    printed=_printed,
    onnx=_onnx,
)
"""The scalar `factor` times named sizes to their powers, such as `1 / batch`."""


def constant(graph: Graph, factor: float, powers: Powers = ()) -> Value:
    """Return the scalar `factor` times named sizes to their powers, whose dtype is the graph's."""
    return graph.apply(CONSTANT, (), ConstantAttributes(float(factor), powers, graph.dtype))[0]


OPERATORS["constant"] = constant


def leaf(
    graph: Graph, name: str, role: str, shape: Shape, dtype: DType | None = None, *, after: str | None = None
) -> Value:
    """Return an array that is given from outside; `after` is what lies right before it in the same memory."""
    return graph.apply(LEAF, (), LeafAttributes(name, role, shape, dtype or graph.dtype, after))[0]


def number(graph: Graph, name: str) -> Value:
    """Return a scalar that each step is given."""
    return graph.apply(NUMBER, (), LeafAttributes(name, "number", (), graph.dtype))[0]


def argument(region: Region, shape: Shape, dtype: DType | None = None) -> Value:
    """Return a further argument of a region."""
    attributes = ArgumentAttributes(len(region.arguments), shape, dtype or region.dtype)
    (value,) = region.apply(ARGUMENT, (), attributes)
    region.arguments.append(value)
    return value


OPERATORS["argument"] = argument


def scalar_of(value: Value) -> tuple[float, Powers] | None:
    """Return the factor and the powers of a constant, or None for anything else."""
    attributes = value.attributes
    return (attributes.factor, attributes.powers) if isinstance(attributes, ConstantAttributes) else None


def given(value: Value | Node) -> LeafAttributes | None:
    """Return what a value is called and what it is for where it comes from outside, else None."""
    attributes = value.attributes
    return attributes if isinstance(attributes, LeafAttributes) else None


def name_of(value: Value | Node) -> str:
    """Return the name of an array or a number from outside."""
    attributes = value.attributes
    assert isinstance(attributes, LeafAttributes), f"{value.op} has no name"
    return attributes.name


def role_of(value: Value | Node) -> str | None:
    """Return what an array from outside is for; None for what is computed."""
    attributes = value.attributes
    return attributes.role if isinstance(attributes, LeafAttributes) else None


def leaves(graph: Graph) -> dict[str, Value]:
    """Return the leaves by name: inputs, targets, parameters and other state."""
    return {name_of(node): node.value for node in graph if given(node) is not None}
