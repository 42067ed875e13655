"""The record of a primitive: all that is known of it, as text, data and functions of its applications."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, cast

from specnet.graph.attributes import A, Attributes, Prepared
from specnet.graph.graph import OPERATORS, Kind, Node, Value
from specnet.graph.sizes import Count, Dim

LETTERS = "abcdefgh"
"""What the operands of an op are called in its record."""

Infer = Callable[[tuple["Value", ...], Any], "Kind | list[Kind]"]
Pullback = Callable[..., Sequence["Value | None"]]
Flops = Callable[["Value"], Count]
Scratch = Callable[["Value"], Sequence[Kind]]
Prepare = Callable[["Value"], Mapping[str, Prepared]]
Text = Callable[["Value"], str]
Printed = Callable[["Printer", "Value"], str]


class Printer(Protocol):
    """What a printed form may ask of the program that it stands in."""

    def has_name(self, value: Value) -> bool:
        """Return whether a variable holds a value."""

    def size(self, dim: Dim) -> str:
        """Return the size of an axis as an expression."""

    def shape(self, value: Value) -> str:
        """Return the shape of a value as NumPy's functions take it."""

    def generator(self, stream: str) -> str:
        """Return the variable that holds a stream of random numbers."""


class Unexportable(Exception):  # noqa: N818 (as a fault is: it may stand in a record without being raised)
    """Why an op, or one application of it, cannot be exported: a clause that follows a colon."""


GRADIENT_ONLY = Unexportable("it is part of a gradient, which predictions never need")


@dataclass(frozen=True, slots=True, eq=False)
class Op(Generic[A]):
    """One primitive. What depends on the application (`flops`, `scratch`, ...) is asked of its first result.

    Most element-wise ops are made of a formula, from which nearly all fields follow (`ops/elementwise.py`). In the
    texts, `a`, `b`, `c`, ... are the operands and `{name}` is an attribute.
    """

    name: str
    infer: Infer
    """`infer(inputs, attributes)` returns the shape and dtype of the result, or a list of them if there are several."""
    kernel: str | Text = ""
    """The statements that compute it.

    `{o}` is the output array (`{o2}`, ... further results), `{a}`, `{b}`, ... the inputs, `{s}`, `{s2}`, ... scratch
    arrays, `{=2.0}` a literal held as an array, `{=name}` an attribute so held, `{a:flat}` a one-dimensional view,
    `{a:T}` one with the last two axes swapped, `{a:rows}` a two-dimensional one with the last axis kept, and any bare
    name a function of the engine's table or a ufunc of NumPy. A kernel writes into `{o}` and allocates nothing. Where
    the output alone is a scalar, it is one statement, `{o} = ...`.
    """
    pullback: Pullback | None = None
    """`pullback(gradient, output, *inputs, **attributes)` returns the gradient of each input as graph values.

    None stands for an input without one. For an op of several results, `gradient` and `output` are tuples, and a
    gradient is None where a result has none.
    """
    scalar: Text | None = None
    """The Python expression for scalars, which live as Python numbers."""
    elementwise: bool = False
    """Whether it may run block by block."""
    attributes: type[A] = Attributes  # type: ignore[assignment]
    """What its applications are set to."""
    alias: bool = False
    """Whether it is another view of its input's memory."""
    leaf: bool = False
    """Whether it is given from outside."""
    random: bool = False
    """Whether it differs at every application, so that two are never one."""
    flops: int | Flops = 1
    """The floating-point operations of an application, or of each element of its result."""
    scratch: Scratch = lambda _: ()
    prepare: Prepare | None = None
    """What a kernel needs made once for the sizes that a plan is bound to (index tables, say), by the names it uses."""
    in_place: Callable[[Value], bool] = lambda _: True
    """Whether it may write over an input that nobody reads any more, if it is element-wise."""
    calls: bool = False
    """Whether its kernel is one expression, which gives calls (`specnet.engines.numpy.calls`) over some rows of the
    batch each, so that workers can have some each."""
    shared: bool = False
    """Whether it has a plan share the batch out, and its other long loops too."""
    sums: Text = lambda _: ""
    """For what is summed over the batch, such an expression as of an op with `calls`.

    In it rows are added to `{o}`, or written there if that is to `{overwrite}` it, and `{more}` is scratch of the
    output's size. It is empty where rows cannot be added up one after the other.
    """
    noun: str = ""
    """The name of a variable that holds its result in the readable program."""
    printed: str | Printed = ""
    """The NumPy expression that a person would write, as a template; empty for a call of the `helper`.

    Operands `{a}`, `{b}`, ... stand in parentheses as needed; `{a.b}` is the second operand of the first, `{inputs}`
    all operands, `{dtype}` and `{shape}` those of the result, and `{rows}` the number of rows in the batch.
    """
    helper: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()
    """The sources of the function of its name and, before it, of those that this calls; `dtype` is the program's."""
    onnx: str | Text | Unexportable = ""
    """Its operators of ONNX: lines `name = Operator(operand, ..., attribute=value)`, the last without a name.

    `*inputs` are all operands, `{dtype}` is that of the result, and what `prepare` makes goes by its name. A list of
    integers is a tensor of int64, which may hold sizes such as `batch`; a number is one of the graph's dtype. An op
    that no export can hold says why.
    """

    def __post_init__(self) -> None:
        assert self.name not in OPS, f"two ops are called {self.name}"
        OPS[self.name] = self

    def __call__(self, *inputs: Value | float, **attributes: Any) -> Value:
        """Append an application to the inputs' graph, and return its only result; numbers become constants."""
        (value,) = self.apply(*inputs, **attributes)
        return value

    def apply(self, *inputs: Value | float, **attributes: Any) -> tuple[Value, ...]:
        """Append an application to the inputs' graph, and return its results; numbers become constants."""
        graph = max((i.graph for i in inputs if isinstance(i, Value)), key=lambda graph: graph.depth)
        values = [i if isinstance(i, Value) else OPERATORS["constant"](graph, i) for i in inputs]
        return graph.apply(self, values, self.attributes(**attributes))

    def of(self, applied: Value | Node) -> A:
        """Return what an application of this op is set to."""
        node = applied if isinstance(applied, Node) else applied.node
        assert node.op is self, f"{node.op} is no {self}"
        return cast("A", node.attributes)

    def kinds(self, inputs: tuple[Value, ...], attributes: Attributes) -> list[Kind]:
        """Return the shape and dtype of each result."""
        found = self.infer(inputs, attributes)
        return found if isinstance(found, list) else [found]

    def count_flops(self, value: Value) -> Count:
        """Return the floating-point operations of one application."""
        return value.count * Count(self.flops) if isinstance(self.flops, int) else self.flops(value)

    @property
    def helpers(self) -> tuple[str, ...]:
        """The sources of its helper and of those that it calls."""
        return self.helper() if callable(self.helper) else self.helper

    def __str__(self) -> str:
        return self.name


OPS: dict[str, Op[Any]] = {}
"""All ops, by name; they enter themselves."""


def like_first(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    """Return the shape and dtype of the first input: the rule of ops whose result is as that is."""
    return inputs[0].shape, inputs[0].dtype


def per_input(flops: int) -> Flops:
    """Return the rule of an op that does so many floating-point operations for each element of its first input."""
    return lambda value: value.inputs[0].count * Count(flops)
