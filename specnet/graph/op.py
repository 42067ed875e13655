from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from specnet.graph.graph import Graph, Value
from specnet.runtime.shapes import Count, DType, Shape

Infer = Callable[[tuple[Value, ...], dict[str, Any]], tuple[Shape, DType]]
Pullback = Callable[..., Sequence[Value | None]]
Flops = Callable[[Value], Count]
Scratch = Callable[[Value], Sequence[tuple[Shape, DType]]]
Prepare = Callable[[Value, int], dict[str, Any]]
Text = Callable[[Value], str]


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One primitive: how its shape follows, what NumPy does for it, and its vector-Jacobian product.

    `kernel` is the statements that compute it, in which `{o}` is the output array, `{a}`, `{b}`, `{c}`, ...
    the inputs, `{s}`, `{s2}`, ... scratch arrays, `{name}` an attribute, and any bare name a function of
    `specnet.runtime.functions`. `{=2.0}` is a literal held as an array, `{a:flat}` a one-dimensional view,
    `{a:T}` a transposed one, `{a:rows}` a two-dimensional one with the last axis kept. A kernel writes into
    `{o}` and allocates nothing; what it needs prepared once for a batch size (index tables, say), `prepare`
    returns by the names it uses. `scalar` is the Python expression for scalars, which live as Python numbers;
    where the output alone is a scalar, the kernel's one statement is `{o} = ...`.

    `pullback(gradient, output, *inputs, **attributes)` returns the gradient of each input as graph values,
    or None where there is none.

    `elementwise` ops may run block by block and, if `in_place`, write over an input that nobody reads any
    more; `alias` ops are another view of their input's memory; a `leaf` is given from outside; a `random` op
    differs at every application, so that two are never one.

    The kernel of an op with `calls` is one expression, which gives calls (`specnet.runtime.calls`) over some rows of
    the batch, so that workers can have some each; `shared` ops have a plan share the batch out, and its other long
    loops too. For what is summed over the batch, by any op, `sums` gives such an expression, in which rows are added to
    `{o}`, or written there if that is to be done `{anew}`, and `{more}` is scratch of the output's size; it is empty
    where rows cannot be added up one after the other.
    """

    name: str
    infer: Infer
    kernel: str | Callable[[Value], str] = ""
    pullback: Pullback | None = None
    scalar: str | None = None
    elementwise: bool = False
    alias: bool = False
    leaf: bool = False
    random: bool = False
    flops: Flops = lambda value: value.count
    scratch: Scratch = lambda _: ()
    prepare: Prepare | None = None
    in_place: bool = True
    calls: bool = False
    shared: bool = False
    sums: Text = lambda _: ""

    def __call__(self, *inputs: Value | float, **attributes: Any) -> Value:
        """Append an application to the inputs' graph; numbers among the inputs become constants."""
        graph = next(i.graph for i in inputs if isinstance(i, Value))
        values = [i if isinstance(i, Value) else constant(graph, i) for i in inputs]
        return graph.apply(self, values, attributes)

    def __str__(self) -> str:
        return self.name


def _infer_leaf(_: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    return attributes["shape"], attributes["dtype"]


def _infer_constant(_: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    return (), attributes["dtype"]


LEAF = Op("leaf", _infer_leaf, leaf=True, flops=lambda _: Count(0))
"""An array from outside, by `name` and `role`: input, target, parameter, state or constant."""

NUMBER = Op("number", _infer_leaf, leaf=True, flops=lambda _: Count(0))
"""A scalar that each step is given, such as the learning rate."""

CONSTANT = Op("constant", _infer_constant, flops=lambda _: Count(0))
"""The scalar `factor * batch**power`."""


def constant(graph: Graph, factor: float, power: int = 0) -> Value:
    """Return the scalar `factor * batch**power`, whose dtype is the graph's."""
    return graph.apply(CONSTANT, (), {"factor": float(factor), "power": power, "dtype": graph.dtype})


def leaf(
    graph: Graph, name: str, role: str, shape: Shape, dtype: DType | None = None, *, after: str | None = None
) -> Value:
    """Return an array that is given from outside; `after` is what lies right before it in the same memory."""
    attributes = {"name": name, "role": role, "shape": shape, "dtype": dtype or graph.dtype, "after": after}
    return graph.apply(LEAF, (), attributes)


def number(graph: Graph, name: str) -> Value:
    """Return a scalar that each step is given."""
    return graph.apply(NUMBER, (), {"name": name, "role": "number", "shape": (), "dtype": graph.dtype})
