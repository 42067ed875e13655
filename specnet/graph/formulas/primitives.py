"""What formulas are made of: each function and operator in NumPy, in Python, in compiled loops and in ONNX."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Primitive:
    """One operation of a formula; its operands are `{a}`, `{b}`, ... in all texts."""

    statement: str
    """The NumPy statements that compute it into `{o}`; those with `{m}` have numbers of scratch there."""
    scalar: str
    """The expression over Python's numbers; `scalar_NAME` is the engine's function where Python has none."""
    printed: str
    """The NumPy expression that a person would write for arrays."""
    onnx: str
    """The operators of ONNX."""
    late: str = ""
    """The operands that the statements still read once they have written to `{o}`."""
    is_truth: bool = False
    """Whether the result is true or false."""
    takes_truth: bool = False
    """Whether an operand that is true or false may stay so; to others it is given as numbers."""
    of_numbers: str = ""
    """The expression that a person would write for numbers, where it is not `scalar` with Python's `math`."""
    looped: str = ""
    """The expression in a compiled loop, where it is not `scalar` with the engine's functions of its names.

    `{dtype}` is the type of the op's numbers, as a function that makes one."""

    @property
    def printed_of_numbers(self) -> str:
        """The expression that a person would write for Python's numbers; it gives one again."""
        return self.of_numbers or self.scalar.replace("scalar_", "math.")

    @property
    def compiled(self) -> str:
        """The expression in a compiled loop."""
        return self.looped or self.scalar.replace("scalar_", "")


def primitive(name: str) -> Primitive:
    """Return what an operation is. One without a row is NumPy's ufunc of its name, and ONNX's operator."""
    return _ROWS.get(name) or Primitive(
        f"{name}({{a}}, {{o}})", f"scalar_{name}({{a}})", f"np.{name}({{a}})", f"{name.capitalize()}({{a}})"
    )


def _infix(name: str, sign: str, onnx: str) -> Primitive:
    text = f"{{a}} {sign} {{b}}"
    return Primitive(f"{name}({{a}}, {{b}}, {{o}})", text, text, f"{onnx}({{a}}, {{b}})")


def _comparison(name: str, sign: str, onnx: str) -> Primitive:
    text = f"{{a}} {sign} {{b}}"
    statement = f"{name}({{a}}, {{b}}, {{o}})"
    return Primitive(statement, text, text, f"{onnx}({{a}}, {{b}})", is_truth=True, takes_truth=True)


def _extreme(name: str) -> Primitive:
    short = name[:3]
    return Primitive(
        f"{name}({{a}}, {{b}}, out={{o}})",
        f"{short}({{a}}, {{b}})",
        f"np.{name}({{a}}, {{b}})",
        f"{short.capitalize()}({{a}}, {{b}})",
        looped=f"{name}({{a}}, {{b}})",  # Python's own take no NaN on
    )


_ROWS = {
    "add": _infix("add", "+", "Add"),
    "subtract": _infix("subtract", "-", "Sub"),
    "multiply": _infix("multiply", "*", "Mul"),
    "divide": _infix("divide", "/", "Div"),
    "floor_divide": Primitive(
        "floor_divide({a}, {b}, {o})", "{a} // {b}", "{a} // {b}", "Floor(Div({a}, {b}))"
    ),
    "power": _infix("power", "**", "Pow"),
    "negative": Primitive("negative({a}, {o})", "-{a}", "-{a}", "Neg({a})"),
    "reciprocal": Primitive(
        "reciprocal({a}, {o})", "1 / {a}", "1 / {a}", "Reciprocal({a})", looped="{dtype}(1) / {a}"
    ),
    "square": Primitive(
        "multiply({a}, {a}, {o})", "{a} * {a}", "{a}**2", "Mul({a}, {a})", of_numbers="{a}**2"
    ),
    "absolute": Primitive("absolute({a}, {o})", "abs({a})", "np.abs({a})", "Abs({a})"),
    "sqrt": Primitive(
        "sqrt({a}, {o})", "scalar_sqrt({a})", "np.sqrt({a})", "Sqrt({a})", of_numbers="{a} ** 0.5"
    ),
    "sign": Primitive(
        "sign({a}, {o})",
        "1.0 if {a} > 0.0 else -1.0 if {a} < 0.0 else {a}",
        "np.sign({a})",
        "Sign({a})",
        looped="sign({a})",
    ),
    "expm1": Primitive("expm1({a}, {o})", "scalar_expm1({a})", "np.expm1({a})", "Sub(Exp({a}), 1.0)"),
    "log1p": Primitive("log1p({a}, {o})", "scalar_log1p({a})", "np.log1p({a})", "Log(Add({a}, 1.0))"),
    "maximum": _extreme("maximum"),
    "minimum": _extreme("minimum"),
    "clip": Primitive(
        "clip({a}, {b}, {c}, {o})",
        "min(max({a}, {b}), {c})",
        "np.clip({a}, {b}, {c})",
        "Min(Max({a}, {b}), {c})",
        looped="minimum(maximum({a}, {b}), {c})",
    ),
    "equal": _comparison("equal", "==", "Equal"),
    "greater": _comparison("greater", ">", "Greater"),
    "greater_equal": _comparison("greater_equal", ">=", "GreaterOrEqual"),
    "less": _comparison("less", "<", "Less"),
    "less_equal": _comparison("less_equal", "<=", "LessOrEqual"),
    "where": Primitive(
        "choose({a}, {b}, {c}, {o}, {m})",
        "{b} if {a} else {c}",
        "np.where({a}, {b}, {c})",
        "Where({a}, {b}, {c})",
        late="ab",
        takes_truth=True,
        looped="where({a}, {b}, {c})",
    ),
    # NumPy multiplies by truth values through a buffer that it allocates; a copy makes them numbers without.
    "number": Primitive(
        "copyto({o}, {a})", "{a}", "{a}", "Cast({a}, to={{dtype}})", takes_truth=True, looped="{dtype}({a})"
    ),
}
