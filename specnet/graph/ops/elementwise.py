"""Ops that work element by element, with NumPy's broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Op, ShapeFault, Value
from specnet.graph.leaves import CONSTANT, scalar_of
from specnet.graph.operators import OPERATORS
from specnet.graph.ops.stretching import fit
from specnet.graph.record import LETTERS
from specnet.graph.rules import Infer, Printer, Pullback, Text
from specnet.graph.sizes import Count, Kind, Shape, broadcast, show

if TYPE_CHECKING:
    from specnet.graph.formulas.statements import FormulaStatements


def infer_elementwise(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    """Return the common shape of operands, and the floating dtype among those that are not scalars.

    Integers are kept where every array holds integers; true and false count as numbers of the graph's dtype.
    """
    shape: Shape = ()
    for value in inputs:
        joined = broadcast(shape, value.shape)
        if joined is None:
            message = f"{show(shape)} and {show(value.shape)} do not fit element by element"
            raise ShapeFault(message, blame=value)
        shape = joined
    dtypes = [v.dtype for v in inputs if v.rank and v.dtype != "bool"]
    floating = (dtype for dtype in dtypes if dtype not in ("int32", "int64"))
    return shape, next(floating, dtypes[0] if dtypes else inputs[0].graph.dtype)


def infer_comparison(inputs: tuple[Value, ...], attributes: Attributes) -> Kind:
    """Return the common shape of operands; the result is true or false."""
    return infer_elementwise(inputs, attributes)[0], "bool"


def elementwise(
    name: str,
    formula: str | Text,
    pullback: Pullback | None,
    *,
    infer: Infer = infer_elementwise,
    attributes: type[Attributes] = Attributes,
    flops: int = 0,
    noun: str = "",
    printed: Text | None = None,
    onnx: str = "",
    overflows: bool = False,
) -> Op[Any]:
    """Return an op that computes a formula for each element; its statements and what it is in exports follow.

    The inputs are `a`, `b`, ...; attributes go by their names. A line before the last may name a part, as
    `near = min(a, 1)`. Where attributes choose the formula, it is a function of the application. `flops` are what an
    element takes, if that is not one for each function and operator. A formula that `overflows` on its way to a right
    result does so silently. What else an op is in exports may be said where it is not what the formula says.
    """

    def text(value: Value) -> str:
        return formula if isinstance(formula, str) else formula(value)

    def truths(value: Value) -> str:
        pairs = zip(LETTERS, value.inputs, strict=False)
        return "".join(letter for letter, i in pairs if i.shape and i.dtype == "bool")

    # What is known of formulas is imported when the first is needed: most commands need none.

    def made(value: Value) -> FormulaStatements:
        from specnet.graph.formulas.statements import statements

        return statements(text(value), truths(value))

    def scratch(value: Value) -> Sequence[Kind]:
        _, dtype = infer_elementwise(value.inputs, value.attributes)
        return [(value.shape, "bool" if is_truth else dtype) for is_truth in made(value).scratch]

    def scalar(value: Value) -> str:
        from specnet.graph.formulas import spelling

        return spelling.scalar(text(value))

    def operations(value: Value) -> Count:
        from specnet.graph.formulas.formula import parse

        return value.count * Count(flops or parse(text(value)).operations)

    def as_printed(_: Printer, value: Value) -> str:
        from specnet.graph.formulas import spelling

        template = printed(value) if printed else spelling.printed(text(value), arrays=bool(value.shape))
        return _typed(template, value)

    def helper() -> tuple[str, ...]:
        from specnet.graph.formulas import spelling

        return spelling.helper(name, formula, overflows=overflows) if isinstance(formula, str) else ()

    def as_onnx(value: Value) -> str:
        from specnet.graph.formulas import spelling

        return spelling.onnx(text(value), truths(value))

    return Op(
        name,
        infer,
        lambda value: made(value).text,
        pullback,
        scalar,
        elementwise=True,
        formula=text,
        attributes=attributes,
        flops=operations,
        scratch=scratch,
        in_place=lambda value: made(value).in_place,
        noun=noun or f"{name}_",
        printed=as_printed,
        helper=helper,
        onnx=onnx or as_onnx,
    )


def _typed(template: str, value: Value) -> str:
    """Return a template that gives numbers of the result's dtype where it has no array of numbers to take it from."""
    if not value.shape or value.dtype == "bool" or any(i.shape and i.dtype != "bool" for i in value.inputs):
        return template
    scalars = [letter for letter, i in zip(LETTERS, value.inputs, strict=False) if not i.shape]
    for letter in scalars:
        template = template.replace(f"{{{letter}}}", f"{{dtype}}({{{letter}}})")
    return template if scalars else template.replace("{a}", "{a}.astype({dtype})")


def comparison(name: str, formula: str, noun: str = "") -> Op[Attributes]:
    """Return an op whose result is true or false; nothing flows back through it."""
    return elementwise(name, formula, lambda *_: (None, None), infer=infer_comparison, noun=noun)


def _both(rule: Callable[..., tuple[Value, Value]]) -> Pullback:
    """Sum what flows back to each operand over the axes along which it was stretched; nothing flows to truth values."""

    def pullback(g: Value, y: Value, a: Value, b: Value) -> tuple[Value | None, Value | None]:
        flowing = zip(rule(g, y, a, b), (a, b), strict=True)
        to_a, to_b = (None if x.dtype == "bool" else fit(to_x, x.shape) for to_x, x in flowing)
        return to_a, to_b

    return pullback


add = elementwise("add", "a + b", _both(lambda g, y, a, b: (g, g)), noun="combined")
subtract = elementwise("subtract", "a - b", _both(lambda g, y, a, b: (g, -g)), noun="difference")


def _printed_product(value: Value) -> str:
    a, b = value.inputs
    if b.shape or not (a.shape or b.op is CONSTANT):
        return "{a} * {b}"
    known = scalar_of(b)
    if known is not None and known[1] == (("batch", -1),) and abs(known[0]) == 1.0 and a.dtype != "bool":
        return "{a} / {rows}" if known[0] == 1.0 else "-{a} / {rows}"
    # A number stands before what it multiplies.
    return "{b} * {a}"


multiply = elementwise(
    "multiply",
    "a * b",
    _both(lambda g, y, a, b: (g * b, g * a)),
    noun="scaled",
    printed=_printed_product,
)
"""a * b; where one is true or false, it keeps the other or gives 0, without a choice (0 times infinity is NaN)."""
divide = elementwise("divide", "a / b", _both(lambda g, y, a, b: (g / b, -(g * y) / b)), noun="ratio")
negative = elementwise("negative", "-a", lambda g, y, x: (-g,), noun="negated")

greater = comparison("greater", "a > b", "positive")
greater_equal = comparison("greater_equal", "a >= b")
less = comparison("less", "a < b", "below")
less_equal = comparison("less_equal", "a <= b")
equal = comparison("equal", "a == b")


where: Op[Attributes] = elementwise(
    "where",
    "where(a, b, c)",
    lambda g, y, condition, a, b: (
        None,
        fit(where(condition, g, 0.0), a.shape),
        fit(where(condition, 0.0, g), b.shape),
    ),
    noun="chosen",
)
"""The second input where the first is true, else the third."""

maximum = elementwise(
    "maximum", "max(a, b)", _both(lambda g, y, a, b: (g * greater(a, b), g * less_equal(a, b))), noun="larger"
)
minimum = elementwise(
    "minimum",
    "min(a, b)",
    _both(lambda g, y, a, b: (g * less(a, b), g * greater_equal(a, b))),
    noun="smaller",
)

absolute = elementwise("absolute", "abs(a)", lambda g, y, x: (g * sign(x),))
sign: Op[Attributes] = elementwise("sign", "sign(a)", lambda g, y, x: (None,))
floor_divide = elementwise("floor_divide", "a // b", lambda *_: (None, None), noun="whole")
square = elementwise("square", "a ** 2", lambda g, y, x: (g * (x * 2.0),), noun="squares")
sqrt = elementwise("sqrt", "sqrt(a)", lambda g, y, x: (g * 0.5 / y,), noun="root")
exp = elementwise("exp", "exp(a)", lambda g, y, x: (g * y,), noun="exponential")
expm1 = elementwise("expm1", "expm1(a)", lambda g, y, x: (g * (y + 1.0),))
log = elementwise("log", "log(a)", lambda g, y, x: (g / x,))
log1p = elementwise("log1p", "log1p(a)", lambda g, y, x: (g / (x + 1.0),))
cos = elementwise("cos", "cos(a)", lambda g, y, x: (-(g * sin(x)),), noun="wave")
sin: Op[Attributes] = elementwise("sin", "sin(a)", lambda g, y, x: (g * cos(x),), noun="wave")
tanh = elementwise("tanh", "tanh(a)", lambda g, y, x: (g * (1.0 - square(y)),), flops=4)
power: Op[Attributes] = elementwise(
    "power",
    "a ** b",
    lambda g, y, x, exponent: (fit(g * exponent * power(x, exponent - 1.0), x.shape), None),
    noun="power",
)
"""`x ** exponent` for an exponent that needs no gradient."""

sigmoid = elementwise(
    "sigmoid",
    "1 / (1 + exp(-a))",
    lambda g, y, x: (g * (y * (1.0 - y)),),
    noun="gate",
    onnx="Sigmoid(a)",
    overflows=True,
)
"""For large negative x the exponential is infinite and the quotient 0, as it must be."""

softplus = elementwise(
    "softplus", "max(a, 0) + log1p(exp(-abs(a)))", lambda g, y, x: (g * sigmoid(x),), noun="smooth"
)
"""log(1 + exp(x)), which so overflows nowhere."""

relu = elementwise("relu", "max(a, 0)", lambda g, y, x: (g * greater(y, 0.0),), onnx="Relu(a)")
"""max(x, 0); the gradient at 0 is 0."""

erf: Op[Attributes] = Op(
    "erf",
    infer_elementwise,
    "erf({a}, {s}, {s2}, {s3}, {o})",
    lambda g, y, x: (g * exp(-square(x)) * 1.1283791670955126,),
    elementwise=True,
    formula=lambda _: "erf(a)",
    flops=60,
    scratch=lambda value: [(value.shape, value.dtype), (value.shape, value.dtype), (value.shape, "bool")],
    in_place=lambda _: False,
    noun="error_function",
    helper=("def erf(x):\n    return np.vectorize(math.erf, otypes=[x.dtype])(x)",),
    onnx="Erf(a)",
)
"""The error function; its slope is 2 / sqrt(pi) * exp(-x^2)."""

OPERATORS.update(add=add, subtract=subtract, multiply=multiply, divide=divide, negative=negative)
