"""Element-wise ops over one shape as the text of one loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from specnet.graph.formulas.formula import Name, Number, Term, calls, parse, with_numbers
from specnet.graph.formulas.primitives import primitive
from specnet.graph.graph import Value
from specnet.graph.leaves import scalar_of
from specnet.graph.ops.elementwise import infer_elementwise
from specnet.graph.record import LETTERS
from specnet.graph.sizes import DType

WRITTEN_OUT = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
"""Constants of a graph that stand in the text of a loop: they belong to its formulas, and may save an operation.

Others are handed to it, so that the same code serves for another learning rate.
"""

HEAD = "def {name}(t):"
"""A loop takes the address of its table, which holds addresses of arrays, sizes, and the address of its numbers."""


Spans = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class LoopText:
    """A loop, and what its table holds."""

    text: str
    """A function with a field for its name."""
    arrays: tuple[str, ...]
    """Names of the arrays whose addresses it takes, the first of which has the shape of the loop."""
    axes: tuple[tuple[int, int], ...]
    """Which axes of that shape, from which to which, each of the loop's sizes is the product of."""
    spans: tuple[Spans, ...]
    """Along which of these each of the arrays extends."""
    numbers: tuple[float, ...]
    """The numbers that it takes; 0 for one that is known only when it runs."""
    given: dict[int, str]
    """The expressions of these, by number."""


@dataclass(slots=True)
class _Array:
    number: int
    dtype: DType
    spans: Spans
    """Along which of the loop's axes it extends."""


@dataclass(slots=True)
class LoopWriter:
    """Writes a loop: `array` gives the name of a value's array, `scalar` the expression of a scalar.

    Arrays for which `place` gives the same are one: the loop then knows that it writes over what it reads.
    """

    array: Callable[[Value], str]
    scalar: Callable[[Value], str]
    place: Callable[[str], object]
    lines: list[str] = field(default_factory=list)
    arrays: list[str] = field(default_factory=list)
    known: dict[tuple[object, DType, Spans], _Array] = field(default_factory=dict)
    numbers: list[float] = field(default_factory=list)
    given: dict[int, str] = field(default_factory=dict)
    scalars: dict[tuple[object, str], str] = field(default_factory=dict)
    results: dict[int, str] = field(default_factory=dict)
    loaded: dict[int, str] = field(default_factory=dict)
    head: list[str] = field(default_factory=list)
    hoisted: list[str] = field(default_factory=list)
    temporaries: int = 0
    axes: list[tuple[int, int]] = field(default_factory=list)

    def write(self, values: Sequence[Value], stored: set[int]) -> LoopText:
        """Return the loop that computes some values, and stores those with the indices in `stored`."""
        self.axes = _joined_axes(values)
        # The first array has the shape of the loop.
        for value in values:
            if value.index in stored:
                self._of(value, values[0])
        for value in values:
            result = self._value(value, values[0])
            self.results[value.index] = result
            if value.index in stored:
                array = self._of(value, values[0])
                what = f"uint8({result})" if value.dtype == "bool" else result
                self.lines.append(f"a{array.number}[{self._index(array)}] = {what}")
        return LoopText(
            self._text(),
            tuple(self.arrays),
            tuple(self.axes),
            tuple(array.spans for array in self.known.values()),
            tuple(self.numbers),
            self.given,
        )

    # What is computed for an element

    def _value(self, value: Value, first: Value) -> str:
        assert value.op.formula is not None, f"{value.op} has no formula"
        letters = list(zip(LETTERS, value.inputs, strict=False))
        truths = "".join(letter for letter, i in letters if i.shape and i.dtype == "bool")
        _, dtype = infer_elementwise(value.inputs, value.attributes)
        term = with_numbers(parse(value.op.formula(value)).term, truths)
        operands = {letter: self._operand(i, value, first) for letter, i in letters}
        settings = value.attributes.named()
        made: dict[Term, str] = {}

        def text(part: Term) -> str:
            if isinstance(part, Number):
                return f"{dtype if part.number.is_integer() else _float(value)}({part.number!r})"
            if isinstance(part, Name):
                return operands[part.name] if part.is_input else self._number(settings[part.name], value)
            return made[part]

        for call in dict.fromkeys(calls(term)):
            slots = dict(zip(LETTERS, map(text, call.operands), strict=False))
            made[call] = self._named(primitive(call.primitive).compiled.format(dtype=dtype, **slots))
        result = text(term)
        return result if value.dtype == "bool" else self._named(f"{value.dtype}({result})")

    def _named(self, expression: str) -> str:
        name = f"x{self.temporaries}"
        self.temporaries += 1
        self.lines.append(f"{name} = {expression}")
        return name

    def _operand(self, source: Value, reader: Value, first: Value) -> str:
        if source.index in self.results:
            return self.results[source.index]
        if not source.shape:
            return self._scalar(source, reader)
        array = self._of(source, first)
        if array.number not in self.loaded:
            element = f"a{array.number}[{self._index(array)}]"
            if array.dtype == "bool":
                element = f"{element} != 0"
            if array.spans[-1]:
                self.loaded[array.number] = self._named(element)
            else:
                # It is the same for all of the innermost loop.
                self.hoisted.append(f"y{array.number} = {element}")
                self.loaded[array.number] = f"y{array.number}"
        return self.loaded[array.number]

    # Arrays and numbers

    def _of(self, value: Value, first: Value) -> _Array:
        name = self.array(value)
        spans = _spans(value, first, self.axes)
        key = self.place(name), value.dtype, spans
        if key not in self.known:
            self.known[key] = _Array(len(self.arrays), value.dtype, spans)
            self.arrays.append(name)
        return self.known[key]

    def _scalar(self, source: Value, reader: Value) -> str:
        known = scalar_of(source)
        if known is not None and not known[1]:
            return self._number(known[0], reader)
        expression = self.scalar(source)
        key = expression, "bool" if source.dtype == "bool" else _float(reader)
        if key not in self.scalars:
            self.given[len(self.numbers)] = expression
            self.scalars[key] = self._taken(0.0, key[1])
        return self.scalars[key]

    def _number(self, number: float, reader: Value) -> str:
        dtype = _float(reader)
        if number in WRITTEN_OUT:
            return f"{dtype}({float(number)!r})"
        key = float(number), dtype
        if key not in self.scalars:
            self.scalars[key] = self._taken(float(number), dtype)
        return self.scalars[key]

    def _taken(self, number: float, dtype: str) -> str:
        """Return the name of a number that the loop takes."""
        place = len(self.numbers)
        self.numbers.append(number)
        self.head.append(
            f"s{place} = n[{place}] != 0.0" if dtype == "bool" else f"s{place} = {dtype}(n[{place}])"
        )
        return f"s{place}"

    # The loops around it

    def _index(self, array: _Array) -> str:
        """Return the index of an array's element, given how far it has come in each of the outer loops."""
        last = len(self.axes) - 1
        before = _offset(array.spans[:last])
        if not array.spans[last]:
            return before or "0"
        return f"{before}_{last} + i{last}" if before else f"i{last}"

    def _text(self) -> str:
        """Return the function."""
        lines = [HEAD, "    t = int64_at(t)"]
        for array in self.known.values():
            kind = "uint8" if array.dtype == "bool" else array.dtype
            lines.append(f"    a{array.number} = {kind}_at(t[{array.number}])")
        sizes = len(self.arrays)
        lines += [f"    d{axis} = t[{sizes + axis}]" for axis in range(len(self.axes))]
        if self.numbers:
            lines.append(f"    n = float64_at(t[{sizes + len(self.axes)}])")
            lines += [f"    {line}" for line in self.head]
        last = len(self.axes) - 1
        spans = dict.fromkeys(array.spans for array in self.known.values())
        for axis in range(last):
            margin = "    " * (axis + 1)
            lines.append(f"{margin}for i{axis} in range(d{axis}):")
            for each in dict.fromkeys(own[: axis + 1] for own in spans):
                if any(each):
                    lines.append(f"{margin}    {_step(each, axis)}")
        margin = "    " * (last + 1)
        for each in dict.fromkeys(own[:last] for own in spans if own[last] and any(own[:last])):
            lines.append(f"{margin}{_offset(each)}_{last} = {_offset(each)} * d{last}")
        lines += [f"{margin}{line}" for line in self.hoisted]
        lines.append(f"{margin}for i{last} in range(d{last}):")
        lines += [f"{margin}    {line}" for line in self.lines]
        return "\n".join(lines) + "\n"


def _offset(spans: Spans) -> str:
    """Return the name of how far arrays with these spans have come; none for those that have not moved."""
    return "o" + "".join(str(int(own)) for own in spans) if any(spans) else ""


def _step(spans: Spans, axis: int) -> str:
    """Return the statement that says how far arrays with these spans have come in the loop over an axis."""
    before = _offset(spans[:-1])
    if not spans[-1]:
        return f"{_offset(spans)} = {before}"
    return f"{_offset(spans)} = {before} * d{axis} + i{axis}" if before else f"{_offset(spans)} = i{axis}"


def _own_axes(value: Value, first: Value) -> list[bool | None]:
    """Return for each axis of the loop's shape whether an array extends along it; None where there is one place."""
    lead = first.rank - value.rank
    found: list[bool | None] = []
    for axis, dim in enumerate(first.shape):
        if dim == 1:
            found.append(None)
        else:
            found.append(axis >= lead and value.shape[axis - lead] != 1)
    return found


def _joined_axes(values: Sequence[Value]) -> list[tuple[int, int]]:
    """Return the axes of a loop, from which to which axis of the shape: neighbours are one where no array differs."""
    first = values[0]
    operands = [i for value in values for i in value.inputs if i.shape]
    patterns = {tuple(_own_axes(value, first)) for value in (*values, *operands)}
    joined: list[tuple[int, int]] = []
    last: tuple[bool | None, ...] | None = None
    for axis, dim in enumerate(first.shape):
        column = tuple(pattern[axis] for pattern in patterns)
        if joined and (dim == 1 or column == last or last is None):
            joined[-1] = joined[-1][0], axis + 1
        else:
            joined.append((axis, axis + 1))
        if dim != 1:
            last = column
    return joined


def _spans(value: Value, first: Value, axes: Sequence[tuple[int, int]]) -> Spans:
    own = _own_axes(value, first)
    return tuple(next((x for x in own[start:stop] if x is not None), True) for start, stop in axes)


def _float(value: Value) -> DType:
    return value.dtype if value.dtype in ("float32", "float64") else value.graph.dtype
