"""What is known of a primitive: text, data, and functions of its applications, which are of the type `V`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from specnet.graph.attributes import A, Attributes, Prepared
from specnet.graph.sizes import Count, Dim, Kind

V = TypeVar("V")
V_contra = TypeVar("V_contra", contravariant=True)

LETTERS = "abcdefgh"
"""What the operands of an op are called in its record."""

Infer = Callable[[tuple[V, ...], Any], Kind | list[Kind]]
Pullback = Callable[..., Sequence[V | None]]
Flops = Callable[[V], Count]
Scratch = Callable[[V], Sequence[Kind]]
Prepare = Callable[[V], Mapping[str, Prepared]]
Text = Callable[[V], str]


class Printer(Protocol[V_contra]):
    """What a printed form may ask of the program that it stands in."""

    def has_name(self, value: V_contra, /) -> bool:
        """Return whether a variable holds a value."""

    def size(self, dim: Dim, /) -> str:
        """Return the size of an axis as an expression."""

    def shape(self, value: V_contra, /) -> str:
        """Return the shape of a value as NumPy's functions take it."""

    def generator(self, stream: str, /) -> str:
        """Return the variable that holds a stream of random numbers."""


Printed = Callable[[Printer[V], V], str]


class Unexportable(Exception):  # noqa: N818 (as a fault is: it may stand in a record without being raised)
    """Why an op, or one application of it, cannot be exported: a clause that follows a colon."""


GRADIENT_ONLY = Unexportable("it is part of a gradient, which predictions never need")


@dataclass(frozen=True, slots=True, eq=False)
class Record(Generic[V, A]):
    """One primitive. What depends on the application (`flops`, `scratch`, ...) is asked of its first result.

    Most element-wise ops are made of a formula, from which nearly all fields follow (`ops/elementwise.py`). In the
    texts, `a`, `b`, `c`, ... are the operands and `{name}` is an attribute.
    """

    name: str
    infer: Infer[V]
    """`infer(inputs, attributes)` returns the shape and dtype of the result, or a list of them if there are several."""
    kernel: str | Text[V] = ""
    """The statements that compute it.

    `{o}` is the output array (`{o2}`, ... further results), `{a}`, `{b}`, ... the inputs, `{s}`, `{s2}`, ... scratch
    arrays, `{=2.0}` a literal held as an array, `{=name}` an attribute so held, `{a:flat}` a one-dimensional view,
    `{a:T}` one with the last two axes swapped, `{a:rows}` a two-dimensional one with the last axis kept, and any bare
    name a function of the engine's table or a ufunc of NumPy. A kernel writes into `{o}` and allocates nothing. Where
    the output alone is a scalar, it is one statement, `{o} = ...`.
    """
    pullback: Pullback[V] | None = None
    """`pullback(gradient, output, *inputs, **attributes)` returns the gradient of each input as graph values.

    None stands for an input without one. For an op of several results, `gradient` and `output` are tuples, and a
    gradient is None where a result has none.
    """
    scalar: Text[V] | None = None
    """The Python expression for scalars, which live as Python numbers."""
    elementwise: bool = False
    """Whether it may run block by block."""
    formula: Text[V] | None = None
    """What an element-wise op computes for each element, from which compiled loops follow."""
    attributes: type[A] = Attributes  # type: ignore[assignment]
    """What its applications are set to."""
    alias: bool = False
    """Whether it is another view of its input's memory."""
    leaf: bool = False
    """Whether it is given from outside."""
    random: bool = False
    """Whether it differs at every application, so that two are never one."""
    flops: int | Flops[V] = 1
    """The floating-point operations of an application, or of each element of its result."""
    scratch: Scratch[V] = lambda _: ()
    prepare: Prepare[V] | None = None
    """What a kernel needs made once for the sizes that a plan is bound to (index tables, say), by the names it uses."""
    in_place: Callable[[V], bool] = lambda _: True
    """Whether it may write over an input that nobody reads any more, if it is element-wise."""
    calls: bool = False
    """Whether its kernel is one expression, which gives calls (`specnet.engines.numpy.calls`) over some rows of the
    batch each, so that workers can have some each."""
    shared: bool = False
    """Whether it has a plan share the batch out, and its other long loops too."""
    sums: Text[V] = lambda _: ""
    """For what is summed over the batch, such an expression as of an op with `calls`.

    In it rows are added to `{o}`, or written there if that is to `{overwrite}` it, and `{more}` is scratch of the
    output's size. It is empty where rows cannot be added up one after the other.
    """
    noun: str = ""
    """The name of a variable that holds its result in the readable program."""
    printed: str | Printed[V] = ""
    """The NumPy expression that a person would write, as a template; empty for a call of the `helper`.

    Operands `{a}`, `{b}`, ... stand in parentheses as needed; `{a.b}` is the second operand of the first, `{inputs}`
    all operands, `{dtype}` and `{shape}` those of the result, and `{rows}` the number of rows in the batch.
    """
    helper: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()
    """The sources of the function of its name and, before it, of those that this calls; `dtype` is the program's."""
    onnx: str | Text[V] | Unexportable = ""
    """Its operators of ONNX: lines `name = Operator(operand, ..., attribute=value)`, the last without a name.

    `*inputs` are all operands, `{dtype}` is that of the result, and what `prepare` makes goes by its name. A list of
    integers is a tensor of int64, which may hold sizes such as `batch`; a number is one of the graph's dtype. An op
    that no export can hold says why.
    """

    @property
    def helpers(self) -> tuple[str, ...]:
        """The sources of its helper and of those that it calls."""
        return self.helper() if callable(self.helper) else self.helper

    def __str__(self) -> str:
        return self.name
