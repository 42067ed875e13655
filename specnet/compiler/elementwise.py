"""What element-wise ops are in exports."""

from __future__ import annotations

from specnet.graph.graph import Value
from specnet.graph.leaves import CONSTANT, scalar_of
from specnet.graph.op import Printed, Printer, Text


def _multiply(_: Printer, value: Value) -> str:
    a, b = value.inputs
    if not b.shape and (a.shape or b.op is CONSTANT):
        # A number stands before what it multiplies.
        return "{a} / {rows}" if scalar_of(b) == (1.0, (("batch", -1),)) else "{b} * {a}"
    return "{a} * {b}"


def _call(array: str, scalar: str) -> Printed:
    """Return a call that leaves Python numbers what they are, and so arrays of float32 what they are."""
    return lambda _, value: array if value.shape else scalar


def _masked(_: Printer, value: Value) -> str:
    if value.inputs[0].dtype == "bool":
        return "{a}.astype({dtype}) * {b}"
    return "{a} * {b}" if value.inputs[0].shape else "{dtype}({a}) * {b}"


def _where(_: Printer, value: Value) -> str:
    if not value.shape:
        return "{b} if {a} else {c}"
    if any(operand.shape for operand in value.inputs[1:]):
        return "np.where({a}, {b}, {c})"
    return "np.where({a}, {dtype}({b}), {dtype}({c}))"


PRINTED: dict[str, str | Printed] = {
    "absolute": "np.abs({a})",
    "add": "{a} + {b}",
    "clip": "np.clip({a}, {low}, {high})",
    "cos": _call("np.cos({a})", "math.cos({a})"),
    "divide": "{a} / {b}",
    "equal": "{a} == {b}",
    "exp": "np.exp({a})",
    "expm1": "np.expm1({a})",
    "floor_divide": "{a} // {b}",
    "greater": "{a} > {b}",
    "greater_equal": "{a} >= {b}",
    "leaky_relu": "np.where({a} > 0, {a}, {slope} * {a})",
    "less": "{a} < {b}",
    "less_equal": "{a} <= {b}",
    "log": "np.log({a})",
    "log1p": "np.log1p({a})",
    "masked": _masked,
    "maximum": _call("np.maximum({a}, {b})", "max({a}, {b})"),
    "minimum": _call("np.minimum({a}, {b})", "min({a}, {b})"),
    "multiply": _multiply,
    "negative": "-{a}",
    "power": "{a} ** {b}",
    "relu": "np.maximum({a}, 0)",
    "sign": "np.sign({a})",
    "sin": _call("np.sin({a})", "math.sin({a})"),
    "softsign": "{a} / (1 + np.abs({a}))",
    "sqrt": _call("np.sqrt({a})", "{a} ** 0.5"),
    "square": "{a}**2",
    "subtract": "{a} - {b}",
    "tanh": "np.tanh({a})",
    "where": _where,
}

HELPERS = {
    "sigmoid": (
        """\
def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))""",
    ),
    "softplus": (
        """\
def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))""",
    ),
    "elu": (
        """\
def elu(x, alpha):
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))""",
    ),
    "huber": (
        """\
def huber(x, delta):
    near = np.minimum(np.abs(x), delta)
    return near * (np.abs(x) - near / 2)""",
    ),
    "log_cosh": (
        """\
def log_cosh(x):
    near = np.minimum(np.abs(x), 20)
    grown = np.expm1(near)
    return np.abs(x) - near + np.log1p(grown**2 / (2 * (grown + 1)))""",
    ),
    "erf": (
        """\
def erf(x):
    return np.vectorize(math.erf, otypes=[x.dtype])(x)""",
    ),
}

NOUNS = {
    "add": "combined", "subtract": "difference", "multiply": "scaled", "divide": "ratio", "exp": "exponential",
    "negative": "negated", "sqrt": "root", "greater": "positive", "square": "squares", "power": "power",
    "sigmoid": "gate", "softplus": "smooth", "erf": "error_function", "cos": "wave", "sin": "wave", "where": "chosen",
    "maximum": "larger", "minimum": "smaller", "less": "below", "floor_divide": "whole",
}  # fmt: skip

ONNX: dict[str, str | Text] = {
    "absolute": "Abs(a)",
    "add": "Add(a, b)",
    "clip": "Min(Max(a, {low}), {high})",
    "cos": "Cos(a)",
    "divide": "Div(a, b)",
    "elu": "Add(Max(a, 0.0), Mul(Sub(Exp(Min(a, 0.0)), 1.0), {alpha}))",
    "equal": "Equal(a, b)",
    "erf": "Erf(a)",
    "exp": "Exp(a)",
    "expm1": "Sub(Exp(a), 1.0)",
    "floor_divide": "Floor(Div(a, b))",
    "greater": "Greater(a, b)",
    "greater_equal": "GreaterOrEqual(a, b)",
    "leaky_relu": "Where(Greater(a, 0.0), a, Mul(a, {slope}))",
    "huber": "near = Min(Abs(a), {delta})\nMul(near, Sub(Abs(a), Mul(near, 0.5)))",
    "less": "Less(a, b)",
    "less_equal": "LessOrEqual(a, b)",
    "log": "Log(a)",
    "log1p": "Log(Add(a, 1.0))",
    "log_cosh": """\
near = Min(Abs(a), 20.0)
grown = Sub(Exp(near), 1.0)
Add(Sub(Abs(a), near), Log(Add(Div(Mul(grown, grown), Mul(Add(grown, 1.0), 2.0)), 1.0)))""",
    "masked": lambda value: (
        "Where(b, Cast(a, to={dtype}), 0.0)" if value.inputs[0].dtype == "bool" else "Where(b, a, 0.0)"
    ),
    "maximum": "Max(a, b)",
    "minimum": "Min(a, b)",
    "multiply": "Mul(a, b)",
    "negative": "Neg(a)",
    "power": "Pow(a, b)",
    "relu": "Relu(a)",
    "sigmoid": "Sigmoid(a)",
    "sign": "Sign(a)",
    "sin": "Sin(a)",
    "softplus": "Add(Max(a, 0.0), Log(Add(Exp(Neg(Abs(a))), 1.0)))",
    "softsign": "Div(a, Add(Abs(a), 1.0))",
    "sqrt": "Sqrt(a)",
    "square": "Mul(a, a)",
    "subtract": "Sub(a, b)",
    "tanh": "Tanh(a)",
    "where": "Where(a, b, c)",
}
