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


@dataclass(frozen=True, slots=True, eq=False)
class Op(Generic[A]):
    """One primitive: how its shape follows, what NumPy does for it, and its vector-Jacobian product.

    `infer(inputs, attributes)` returns the shape and dtype of the result, or a list of them where there are several.

    `kernel` is the statements that compute it, in which `{o}` is the output array (`{o2}`, ... further results),
    `{a}`, `{b}`, `{c}`, ... the inputs, `{s}`, `{s2}`, ... scratch arrays, `{name}` an attribute, and any bare name
    a function of the engine's table or a ufunc of NumPy. `{=2.0}` is a literal held as an array, `{=name}` an attribute
    so held, `{a:flat}` a one-dimensional view, `{a:T}` one with the last two axes swapped, `{a:rows}` a two-dimensional
    one with the last axis kept. A kernel writes into `{o}` and allocates nothing; what it needs made once for the sizes
    that a plan is bound to (index tables, say), `prepare` gives by the names it uses. `scalar` gives the Python
    expression for scalars, which live as Python numbers; where the output alone is a scalar, the kernel's one statement
    is `{o} = ...`.

    `pullback(gradient, output, *inputs, **attributes)` returns the gradient of each input as graph values,
    or None where there is none. For an op of several results, `gradient` and `output` are tuples, and a gradient
    is None where a result has none.

    What depends on the application (`flops`, `scratch`, ...) is asked of its first result.

    `elementwise` ops may run block by block and, if `in_place`, write over an input that nobody reads any more. Most
    are a formula, from which nearly all of this follows (`ops/elementwise.py`). `alias` ops are another view of their
    input's memory; a `leaf` is given from outside; a `random` op differs at every application, so that two are never
    one.

    The kernel of an op with `calls` is one expression, which gives calls (`specnet.runtime.calls`) over some rows of
    the batch, so that workers can have some each; `shared` ops have a plan share the batch out, and its other long
    loops too. For what is summed over the batch, by any op, `sums` gives such an expression, in which rows are added to
    `{o}`, or written there if that is to be done `{anew}`, and `{more}` is scratch of the output's size; it is empty
    where rows cannot be added up one after the other.

    What it is in exports is said in three fields, of which a function of an application gives the last two where
    they depend on it:

    `noun` is the name of a variable that holds its result.

    `printed` is the NumPy expression that a person would write, in which `{a}`, `{b}`, ... are the operands, put in
    parentheses as needed (`{a.b}` is the second operand of the first), `{inputs}` all of them, `{name}` an attribute,
    `{dtype}` and `{shape}` those of the result, and `{rows}` the number of rows in the batch. An op with a `helper` is
    a call of it, unless `printed` says otherwise: the sources of the function of that name and, before it, of those
    that it calls, in which `dtype` is the program's.

    `onnx` is the operators of ONNX: lines `name = Operator(operand, ..., attribute=value)`, the last without a name.
    `a`, `b`, ... are the operands (`*inputs` all of them), `{name}` an attribute, `{dtype}` that of the result, and
    what `prepare` makes goes by its name. A list of integers is a tensor of int64, which may hold sizes such as
    `batch`; a number is one of the model's dtype. An op that no export can hold says why.
    """

    name: str
    infer: Infer
    kernel: str | Text = ""
    pullback: Pullback | None = None
    scalar: Text | None = None
    elementwise: bool = False
    attributes: type[A] = Attributes  # type: ignore[assignment]
    """What its applications are set to."""
    alias: bool = False
    leaf: bool = False
    random: bool = False
    flops: Flops = lambda value: value.count
    scratch: Scratch = lambda _: ()
    prepare: Prepare | None = None
    in_place: Callable[[Value], bool] = lambda _: True
    calls: bool = False
    shared: bool = False
    sums: Text = lambda _: ""
    noun: str = ""
    printed: str | Printed = ""
    helper: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()
    onnx: str | Text | Unexportable = ""

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

    @property
    def helpers(self) -> tuple[str, ...]:
        """The sources of its helper and of those that it calls."""
        return self.helper() if callable(self.helper) else self.helper

    def __str__(self) -> str:
        return self.name


OPS: dict[str, Op[Any]] = {}
"""All ops, by name; they enter themselves."""
