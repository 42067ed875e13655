"""Rewrite a graph into a smaller one with the same results.

Each rule is one statement in a table: it looks at an op about to be applied and returns a value that
already exists, or that other ops give more cheaply, or None. Rules see already simplified inputs, and what
they apply is simplified in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.op import CONSTANT, Op, constant
from specnet.runtime.shapes import broadcast

Rule = Callable[..., Value | None]
RULES: dict[str, list[Rule]] = {}


def rule(*op_names: str) -> Callable[[Rule], Rule]:
    """Enter a rule for applications of some ops; it is called with their inputs and attributes."""

    def enter(function: Rule) -> Rule:
        for name in op_names:
            RULES.setdefault(name, []).append(function)
        return function

    return enter


class Simplifier(Graph):
    """A graph that applies the rules, and shares equal subexpressions, whenever an op is applied to it."""

    def __init__(self, like: Graph) -> None:
        super().__init__(like.dtype)
        self._known: dict[Any, Value] = {}

    def apply(self, op: Op, inputs: Any, attributes: dict[str, Any] | None = None) -> Value:
        """Return a value equal to this application: a rule's, an earlier one, or a new one."""
        attributes = attributes or {}
        for each in RULES.get(op.name, ()):
            found = each(*inputs, **attributes)
            if found is not None:
                return found
        if op.random:
            return super().apply(op, inputs, attributes)
        key = (
            op.name,
            tuple(i.index for i in inputs),
            tuple(sorted((k, _key(a)) for k, a in attributes.items())),
        )
        if key not in self._known:
            self._known[key] = super().apply(op, inputs, attributes)
        return self._known[key]


def _key(attribute: Any) -> Any:
    try:
        hash(attribute)
    except TypeError:
        return id(attribute)
    return (type(attribute).__name__, attribute)


def simplify(graph: Graph) -> Graph:
    """Return a graph with the same outputs and assignments, simplified and without dead code."""
    return _copy(prune(graph), Simplifier(graph))


def prune(graph: Graph) -> Graph:
    """Return a graph with the same outputs and assignments, without what neither needs."""
    live = {v.index for v in graph.outputs.values()}
    for leaf, value in graph.assignments:
        live |= {leaf.index, value.index}
    for value in reversed(graph.values):
        if value.index in live:
            live |= {i.index for i in value.inputs}
    return _copy(graph, Graph(graph.dtype), live)


def _copy(graph: Graph, target: Graph, live: set[int] | None = None) -> Graph:
    new: dict[int, Value] = {}
    for value in graph:
        if live is None or value.index in live:
            target.origin, target.phase = value.origin, value.phase
            new[value.index] = target.apply(value.op, [new[i.index] for i in value.inputs], value.attributes)
    target.outputs = {name: new[v.index] for name, v in graph.outputs.items()}
    target.assignments = [(new[leaf.index], new[v.index]) for leaf, v in graph.assignments]
    return prune(target) if live is None else target


def _number(x: Value) -> tuple[float, int] | None:
    """Return factor and power of a constant."""
    return (x.attributes["factor"], x.attributes["power"]) if x.op is CONSTANT else None


def _is(x: Value, factor: float) -> bool:
    return _number(x) == (factor, 0)


@rule("add")
def add(a: Value, b: Value) -> Value | None:
    """x + 0 = x;  x + (-y) = x - y;  a stretched scalar is added as a scalar; constants are summed."""
    m, n = _number(a), _number(b)
    if m is not None and n is not None:
        return constant(a.graph, m[0] + n[0], m[1]) if m[1] == n[1] else None
    if _is(b, 0.0):
        return a
    if _is(a, 0.0):
        return b
    if b.op is ops.negative and b.shape == a.shape:
        return a - b.inputs[0]
    if a.op is ops.negative and b.shape == a.shape:
        return b - a.inputs[0]
    return _unstretched(ops.add, a, b)


@rule("subtract")
def subtract(a: Value, b: Value) -> Value | None:
    """x - 0 = x;  x - (-y) = x + y;  a stretched scalar is subtracted as a scalar; constants are folded."""
    m, n = _number(a), _number(b)
    if m is not None and n is not None:
        return constant(a.graph, m[0] - n[0], m[1]) if m[1] == n[1] else None
    if _is(b, 0.0):
        return a
    if b.op is ops.negative and b.shape == a.shape:
        return a + b.inputs[0]
    return _unstretched(ops.subtract, a, b)


@rule("multiply")
def multiply(a: Value, b: Value) -> Value | None:
    """x * 1 = x;  (x * c) * d = x * (c d);  a stretched scalar multiplies as one."""
    m, n = _number(a), _number(b)
    if m is not None and n is not None:
        return constant(a.graph, m[0] * n[0], m[1] + n[1])
    if m is not None:
        return b * a  # constants stand on the right, where the other rules look for them
    if _is(b, 1.0):
        return a
    if _is(b, -1.0):
        return -a
    if n is not None and a.op is ops.multiply and _number(a.inputs[1]) is not None:
        return a.inputs[0] * (a.inputs[1] * b)
    if n is not None and a.op is ops.negative:
        return a.inputs[0] * -b
    if a.op is ops.negative and b.op is ops.negative:
        return a.inputs[0] * b.inputs[0]
    return _unstretched(ops.multiply, a, b)


@rule("divide")
def divide(a: Value, b: Value) -> Value | None:
    """x / 1 = x; constants are folded; a stretched scalar divides as one."""
    m, n = _number(a), _number(b)
    if m is not None and n is not None and n[0] != 0.0:
        return constant(a.graph, m[0] / n[0], m[1] - n[1])
    if _is(b, 1.0):
        return a
    return _unstretched(ops.divide, a, b)


def _unstretched(op: Op, a: Value, b: Value) -> Value | None:
    """Apply to what was stretched instead, where the other operand has the full shape anyway."""
    full = broadcast(a.shape, b.shape)
    small_a = a.inputs[0] if a.op is ops.expand else a
    small_b = b.inputs[0] if b.op is ops.expand else b
    if full is not None and not small_a.rank and not small_b.rank and full:
        return ops.expand(op(small_a, small_b), shape=full)
    if a.op is ops.expand and b.shape == full:
        return op(small_a, b)
    if b.op is ops.expand and a.shape == full:
        return op(a, small_b)
    return None


@rule("masked")
def masked(a: Value, mask: Value) -> Value | None:
    """A stretched scalar is masked as a scalar."""
    if a.op is ops.expand and broadcast(a.shape, mask.shape) == mask.shape:
        return ops.masked(a.inputs[0], mask)
    return None


@rule("negative")
def negative(x: Value) -> Value | None:
    """-(-x) = x;  -(c) is a constant;  -(x * c) = x * (-c)."""
    known = _number(x)
    if known is not None:
        return constant(x.graph, -known[0], known[1])
    if x.op is ops.negative:
        return x.inputs[0]
    if x.op is ops.multiply and _number(x.inputs[1]) is not None:
        return x.inputs[0] * -x.inputs[1]
    if x.op is ops.expand:
        return ops.expand(-x.inputs[0], shape=x.shape)
    return None


@rule("reshape")
def reshape(x: Value, shape: Any) -> Value | None:
    """A reshape to the same shape is nothing, one of a reshape is one, one of a stretched scalar is stretched."""
    if x.shape == shape:
        return x
    if x.op is ops.reshape:
        return ops.reshape(x.inputs[0], shape=shape)
    if x.op is ops.expand and not x.inputs[0].rank:
        return ops.expand(x.inputs[0], shape=shape)
    return None


@rule("expand")
def expand(x: Value, shape: Any) -> Value | None:
    """A value that has the shape is not stretched; one stretched twice is stretched once."""
    if x.shape == shape:
        return x
    return ops.expand(x.inputs[0], shape=shape) if x.op is ops.expand else None


@rule("crop")
def crop(x: Value, margins: tuple[tuple[int, int], ...]) -> Value | None:
    """No margin cuts nothing off; of values side by side, what lies within one of them is cut out of that one."""
    if not any(map(any, margins)):
        return x
    if x.op is not ops.concat:
        return None
    axis: int = x.attributes["axis"]
    whole = x.shape[axis]
    assert isinstance(whole, int)
    first, end = margins[axis][0], whole - margins[axis][1]
    start = 0
    for part in x.inputs:
        size = part.shape[axis]
        assert isinstance(size, int)
        if start <= first and end <= start + size:
            inner = (*margins[:axis], (first - start, start + size - end), *margins[axis + 1 :])
            return ops.crop(part, margins=inner)
        start += size
    return None


@rule("transpose")
def transpose(x: Value, axes: tuple[int, ...]) -> Value | None:
    """Axes in their own order stay; two orders are one."""
    if axes == tuple(range(x.rank)):
        return x
    if x.op is ops.transpose:
        before = x.attributes["axes"]
        return ops.transpose(x.inputs[0], axes=tuple(before[axis] for axis in axes))
    return None


@rule("total")
def total(x: Value, axes: tuple[int, ...]) -> Value | None:
    """The sum of all squares or products is an inner product; the sum of a stretched scalar is a product."""
    if not axes:
        return x
    if len(axes) == x.rank:
        if x.op is ops.square:
            return ops.inner(x.inputs[0], x.inputs[0])
        if x.op is ops.multiply and x.inputs[0].shape == x.inputs[1].shape:
            return ops.inner(*x.inputs)
        if x.op is ops.expand and not x.inputs[0].rank:
            return x.inputs[0] * constant(x.graph, x.count.each, x.count.power)
        if x.op is ops.negative:
            return -ops.total(x.inputs[0], axes=axes)
        if x.op is ops.multiply and _number(x.inputs[1]) is not None:
            return ops.total(x.inputs[0], axes=axes) * x.inputs[1]
    if x.op is ops.place and axes == (x.rank - 1,):
        return x.inputs[0]
    return None


@rule("inner")
def inner(a: Value, b: Value) -> Value | None:
    """(c x)·y = c (x·y)."""
    if a.op is ops.multiply and _number(a.inputs[1]) is not None:
        return ops.inner(a.inputs[0], b) * a.inputs[1]
    if b.op is ops.multiply and _number(b.inputs[1]) is not None:
        return ops.inner(a, b.inputs[0]) * b.inputs[1]
    return None


@rule("log")
def log(x: Value) -> Value | None:
    """log(softmax(x)) and log(sigmoid(x)) are taken from x."""
    return ops.log_of(x) if x.op is ops.softmax or x.op is ops.sigmoid else None
