"""Each op as the NumPy expression that a person would write for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from specnet.compiler.functions import CALLED, HELPERS
from specnet.compiler.image_phrases import IMAGE_HELPERS, call
from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.leaves import CONSTANT, scalar_of
from specnet.graph.sizes import Dim, Size

if TYPE_CHECKING:
    from specnet.compiler.listing import Listing

CHOICE, COMPARED, SUM, PRODUCT, UNARY, POWER, ATOM = 0, 1, 2, 3, 4, 5, 6


@dataclass(frozen=True, slots=True)
class Phrase:
    """An expression, and how tightly its outermost operator binds."""

    text: str
    binds: int

    def at(self, least: int) -> str:
        """Return it in parentheses where its place needs a tighter binding."""
        return self.text if self.binds >= least else f"({self.text})"


Rule = Callable[["Listing", Value, tuple[Value, ...]], Phrase]


def phrase(listing: Listing, value: Value) -> Phrase:
    """Return the expression of a value over its inputs'."""
    name, inputs = value.op.name, value.inputs
    if name in _SIGNS:
        return _infix(listing, value)
    if name in _CALLS:
        texts = [listing.operand(i).text for i in inputs]
        scalar = not value.shape
        called = _CALLS[name]
        if scalar:
            called = _SCALAR_CALLS.get(name, called)
        return Phrase(f"{called}({', '.join(texts)})", ATOM)
    if name in IMAGE_HELPERS:
        text = call(listing, value)
        return Phrase(text, SUM if len(inputs) == 3 and name == "conv2d" else ATOM)
    if name in HELPERS:
        listing.helpers.add(name)
        listing.helpers |= CALLED.get(name, set())
        more = [f"{k}={v!r}" for k, v in value.attributes.changed().items()]
        return Phrase(f"{name}({', '.join([*(listing.operand(i).text for i in inputs), *more])})", ATOM)
    rule = _RULES.get(name)
    assert rule is not None, f"{value.op} has no expression"
    return rule(listing, value, inputs)


_SIGNS = {
    "add": ("+", SUM),
    "subtract": ("-", SUM),
    "multiply": ("*", PRODUCT),
    "divide": ("/", PRODUCT),
    "floor_divide": ("//", PRODUCT),
    "greater": (">", COMPARED),
    "greater_equal": (">=", COMPARED),
    "less": ("<", COMPARED),
    "less_equal": ("<=", COMPARED),
    "equal": ("==", COMPARED),
}

_CALLS = {
    "absolute": "np.abs",
    "cos": "np.cos",
    "exp": "np.exp",
    "expm1": "np.expm1",
    "log": "np.log",
    "log1p": "np.log1p",
    "maximum": "np.maximum",
    "minimum": "np.minimum",
    "sign": "np.sign",
    "sin": "np.sin",
    "tanh": "np.tanh",
}

_SCALAR_CALLS = {"cos": "math.cos", "maximum": "max", "minimum": "min", "sin": "math.sin"}
"""What is called instead for Python numbers, which stay such and so leave arrays of float32 what they are."""


def _infix(listing: Listing, value: Value) -> Phrase:
    sign, binds = _SIGNS[value.op.name]
    a, b = value.inputs
    if binds == COMPARED:
        return Phrase(f"{listing.operand(a).at(SUM)} {sign} {listing.operand(b).at(SUM)}", COMPARED)
    if sign == "*" and not b.shape and a.dtype == "bool":
        return Phrase(f"{_float(value)}({listing.operand(b).text}) * {listing.operand(a).at(UNARY)}", PRODUCT)
    if sign == "*" and not b.shape and (a.shape or b.op is CONSTANT):
        if scalar_of(b) == (1.0, (("batch", -1),)):
            return Phrase(f"{listing.operand(a).at(PRODUCT)} / {listing.count()}", PRODUCT)
        # A number stands before what it multiplies.
        a, b = b, a
    left, right = listing.operand(a), listing.operand(b)
    if binds == SUM:
        return _sum(sign, left, right)
    return Phrase(f"{left.at(binds)} {sign} {right.at(binds + 1)}", binds)


def _sum(sign: str, left: Phrase, right: Phrase) -> Phrase:
    """Return a sum or difference without two signs in a row."""
    if _negated(right):
        return Phrase(f"{left.at(SUM)} {'-' if sign == '+' else '+'} {right.text[1:]}", SUM)
    if sign == "+" and _negated(left):
        return Phrase(f"{right.at(SUM)} - {left.text[1:]}", SUM)
    return Phrase(f"{left.at(SUM)} {sign} {right.at(SUM if sign == '+' else PRODUCT)}", SUM)


def _negated(phrase: Phrase) -> bool:
    return phrase.text.startswith("-") and phrase.binds >= PRODUCT


def _float(value: Value) -> str:
    return f"np.{value.graph.dtype}"


def _product(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    settings = ops.MATMUL.of(value)
    sides = [
        f"{listing.operand(i).at(ATOM)}.{'T' if i.rank == 2 else 'mT'}"
        if turned
        else listing.operand(i).at(UNARY)
        for i, turned in zip(inputs, (settings.a_t, settings.b_t), strict=True)
    ]
    return Phrase(" @ ".join(sides), PRODUCT)


def _total(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    axes = ops.reduce_sum.of(value).axes
    options = []
    if value.shape:
        options.append(f"axis={axes[0] if len(axes) == 1 else axes}")
    if inputs[0].dtype == "bool" and value.shape:
        options.append(f"dtype={_float(value)}")
    return Phrase(f"np.sum({', '.join([listing.operand(inputs[0]).text, *options])})", ATOM)


def _inner(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    del value
    a, b = (listing.operand(i) for i in inputs)
    inside = f"{a.at(ATOM)}**2" if inputs[0] is inputs[1] else f"{a.at(PRODUCT)} * {b.at(UNARY)}"
    return Phrase(f"np.sum({inside})", ATOM)


def _negative(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    del value
    return Phrase(f"-{listing.operand(inputs[0]).at(UNARY)}", UNARY)


def _select(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    condition, *parts = inputs
    if not value.shape:
        yes, no = (listing.operand(part) for part in parts)
        test = listing.operand(condition).at(COMPARED)
        return Phrase(f"{yes.at(COMPARED)} if {test} else {no.text}", CHOICE)
    texts = [listing.operand(i).text for i in parts]
    if not any(i.shape for i in parts):
        texts = [f"{_float(value)}({text})" for text in texts]
    return Phrase(f"np.where({listing.operand(condition).text}, {', '.join(texts)})", ATOM)


def _power(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    del value
    a, b = (listing.operand(i) for i in inputs)
    return Phrase(f"{a.at(ATOM)} ** {b.at(UNARY)}", POWER)


def _square(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    del value
    return Phrase(f"{listing.operand(inputs[0]).at(ATOM)}**2", POWER)


def _sqrt(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    of = listing.operand(inputs[0])
    # The root of a Python number stays one, and so leaves arrays of float32 what they are.
    return Phrase(f"np.sqrt({of.text})", ATOM) if value.shape else Phrase(f"{of.at(ATOM)} ** 0.5", POWER)


def _reshape(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    (x,) = inputs
    rank = len(value.shape)
    if (
        x.op is ops.reduce_sum
        and x.index not in listing.known
        and ops.reduce_sum.of(x).axes == (rank - 1,)
        and value.shape[-1] == 1
        and len(x.shape) == rank - 1
    ):
        inner = listing.operand(x.inputs[0]).text
        kind = f", dtype={_float(value)}" if x.inputs[0].dtype == "bool" else ""
        return Phrase(f"np.sum({inner}, axis=-1, keepdims=True{kind})", ATOM)
    # One axis follows from the others.
    several = sum(isinstance(dim, Size) for dim in value.shape) > 1
    sizes = [-1 if isinstance(dim, Size) and not several else listing.size(dim) for dim in value.shape]
    return Phrase(f"{listing.operand(x).at(ATOM)}.reshape({', '.join(map(str, sizes))})", ATOM)


def _pick(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    x, index = (listing.operand(i) for i in inputs)
    if len(value.shape) == 1:
        return Phrase(f"{x.at(ATOM)}[np.arange({listing.size(value.shape[0])}), {index.text}]", ATOM)
    return Phrase(f"np.take_along_axis({x.text}, {index.at(ATOM)}[..., None], -1)[..., 0]", ATOM)


def _place(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    x, index = (listing.operand(i) for i in inputs)
    eye = f"np.eye({ops.put_along_axis.of(value).classes}, dtype={_float(value)})[{index.text}]"
    stretched = inputs[0].op is ops.expand and not inputs[0].inputs[0].shape
    if stretched and inputs[0].index not in listing.known:
        return Phrase(f"{listing.operand(inputs[0].inputs[0]).at(PRODUCT)} * {eye}", PRODUCT)
    return Phrase(f"{x.at(ATOM)}[..., None] * {eye}", PRODUCT)


def _one_hot(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    index = listing.operand(inputs[0]).text
    return Phrase(f"np.eye({ops.one_hot.of(value).classes}, dtype={_float(value)})[{index}]", ATOM)


def _attributed(template: str) -> Rule:
    def rule(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
        options: dict[str, Any] = {k: repr(v) for k, v in value.attributes.named().items()}
        x = listing.operand(inputs[0])
        return Phrase(template.format(x=x.text, atom=x.at(ATOM), sum=x.at(SUM), **options), ATOM)

    return rule


def _softsign(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    del value
    x = listing.operand(inputs[0])
    return Phrase(f"{x.at(PRODUCT)} / (1 + np.abs({x.text}))", PRODUCT)


def _lookup(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    del value
    table, index = (listing.operand(i) for i in inputs)
    return Phrase(f"{table.at(ATOM)}[{index.text}]", ATOM)


def _fixed(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    del listing, inputs
    return Phrase(f"np.array({list(ops.FIXED.of(value).values)}, dtype=np.{value.dtype})", ATOM)


def _concat(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    parts = ", ".join(listing.operand(i).text for i in inputs)
    return Phrase(f"np.concatenate(({parts}), axis={ops.CONCAT.of(value).axis})", ATOM)


def _edge(listing: Listing, size: Dim, sign: str = "") -> str:
    if not size:
        return ""
    return f"{sign}{size}" if isinstance(size, int) else f"{sign}({listing.size(size)})"


def _crop(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    kept = ", ".join(
        f"{_edge(listing, before)}:{_edge(listing, after, '-')}"
        for before, after in ops.crop.of(value).margins
    )
    return Phrase(f"{listing.operand(inputs[0]).at(ATOM)}[{kept}]", ATOM)


def _row_numbers(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    del value, inputs
    return Phrase(f"np.arange({listing.count()})", ATOM)


def _cast(listing: Listing, value: Value, inputs: tuple[Value, ...]) -> Phrase:
    return Phrase(f"{listing.operand(inputs[0]).at(ATOM)}.astype(np.{value.dtype})", ATOM)


_RULES: dict[str, Rule] = {
    "argmax": _attributed("np.argmax({x}, axis={axis})"),
    "cast": _cast,
    "clip": _attributed("np.clip({x}, {low}, {high})"),
    "concat": _concat,
    "crop": _crop,
    "fixed": _fixed,
    "indices": _cast,
    "inner": _inner,
    "reduce_max": _attributed("np.max({x}, axis={axis}, keepdims=True)"),
    "leaky_relu": _attributed("np.where({sum} > 0, {x}, {slope} * {atom})"),
    "gather": _lookup,
    "negative": _negative,
    "one_hot": _one_hot,
    "pad": _attributed("np.pad({x}, {margins})"),
    "take_along_axis": _pick,
    "put_along_axis": _place,
    "power": _power,
    "matmul": _product,
    "relu": _attributed("np.maximum({x}, 0)"),
    "reshape": _reshape,
    "row_numbers": _row_numbers,
    "where": _select,
    "softsign": _softsign,
    "sqrt": _sqrt,
    "square": _square,
    "reduce_sum": _total,
    "transpose": _attributed("np.transpose({x}, {axes})"),
}
