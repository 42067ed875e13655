"""Graphs as plain NumPy that a person can read: an operation a line, with its shape in a comment."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from specnet.engines.numpy.loop_printer import write_loop
from specnet.graph import ops
from specnet.graph.expressions import ATOM, Expression, fill, literal
from specnet.graph.graph import Graph, Node, Value
from specnet.graph.leaves import CONSTANT
from specnet.graph.op import LETTERS, OPS
from specnet.graph.ops.scan import SCAN
from specnet.graph.sizes import Dim, Shape, Size
from specnet.passes.rewriting import readers_of

LONGEST = 60
"""Letters of an expression that may stand within another."""

SOURCES = list(dict.fromkeys(source for op in OPS.values() for source in op.helpers))
"""The functions that lines may call, in the order in which programs have them."""

_HELPERS = {source[4 : source.index("(")] for source in SOURCES}

_TAKEN = {*keyword.kwlist, *dir(builtins), "np", "math", *_HELPERS}


class Names:
    """Python names, each given once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*_TAKEN, *taken}
        self._numbers: dict[str, int] = {}
        """The last number that each name was given with."""

    def new(self, wish: str) -> str:
        """Return the name that is wished for, as Python can write it, with a number where it is taken."""
        name = re.sub(r"\W", "_", wish)
        name = f"_{name}" if not name or name[0].isdigit() else name
        chosen, number = name, self._numbers.get(name, 1)
        while chosen in self._taken:
            number += 1
            chosen = f"{name}_{number}"
        self._numbers[name] = number
        self._taken.add(chosen)
        return chosen


@dataclass
class NumpyPrinter:
    """The lines of one graph whose leaves have names."""

    graph: Graph
    names: Names
    known: dict[int, str]
    """The name of each value that has one, by its index."""
    generators: Callable[[str], str] = str
    """Gives the variable of a stream of random numbers."""
    rows: str = "rows"
    """The variable that holds how many rows a batch has."""
    helpers: set[str] = field(default_factory=set)
    """The sources of the functions that the lines call."""
    sizes: dict[str, str] = field(default_factory=dict)
    """The variables that hold other named sizes."""
    rows_used: bool = False
    lines: list[tuple[str, str]] = field(default_factory=list)
    """What has been written, each line with its phase."""
    uses: dict[int, int] = field(default_factory=dict)
    final: set[int] = field(default_factory=set)
    _readers: dict[int, list[Node]] = field(init=False)

    def __post_init__(self) -> None:
        self._readers = readers_of(self.graph)

    def write(self, wanted: Iterable[Value], named: Mapping[int, str]) -> None:
        """Write the wanted values, and what they need.

        A value that is used once, and has no name, stands in the line that uses it.
        """
        wanted = list(wanted)
        self.final |= {v.index for v in wanted}
        self.count_uses(wanted)
        self._write(wanted, named, set())

    def write_below(self, value: Value, named: Mapping[int, str] | None = None) -> None:
        """Write what a value needs, but not itself; `count_uses` has counted all that will be written."""
        self._write([value], named or {}, {value.index})

    def count_uses(self, wanted: Iterable[Value]) -> None:
        """Take note of how often each value is used where these are written."""
        live = self._live(wanted)
        self.uses = {}
        for value in self.graph.values:
            if value.index in live and value.index not in self.known:
                for source in value.inputs:
                    self.uses[source.index] = self.uses.get(source.index, 0) + 1

    def _live(self, wanted: Iterable[Value]) -> set[int]:
        live = {v.index for v in wanted}
        for value in reversed(self.graph.values):
            if value.index in live and value.index not in self.known:
                live |= {i.index for i in value.inputs}
        return live

    def _write(self, wanted: Iterable[Value], named: Mapping[int, str], but: set[int]) -> None:
        live = self._live(wanted) - but
        for value in self.graph.values:
            if value.index not in live or value.index in self.known or value.op is CONSTANT:
                continue
            if value.op is ops.expand and self._broadcasts(value):
                continue
            if value.op is SCAN:
                write_loop(self, value.node, lambda v: self.names.new(named.get(v.index) or _noun(v)))
                continue
            wish = named.get(value.index)
            often = self.uses.get(value.index, 0) > 1 or value.index in self.final
            if wish is None and not often and len(self._computed(value).text) <= LONGEST:
                continue
            if wish is None and self._plain(value):
                continue
            self.state(value, self.names.new(wish or _noun(value)))

    def state(self, value: Value, name: str) -> None:
        """Write the line that gives a value its name."""
        text = f"{name} = {self._computed(value).text}"
        self.lines.append((commented(text, value.shape, self.rows), value.phase))
        self.known[value.index] = name

    def expression(self, value: Value) -> str:
        """Return a value as it is written where it is used."""
        return self.operand(value).text

    def operand(self, value: Value) -> Expression:
        """Return a value as an operand: its name, or what computes it."""
        if value.index in self.known:
            return Expression(self.known[value.index], ATOM)
        return self._computed(value)

    def count(self) -> str:
        """Return the name of the number of rows."""
        self.rows_used = True
        return self.rows

    def has_name(self, value: Value) -> bool:
        """Return whether a variable holds a value."""
        return value.index in self.known

    def generator(self, stream: str) -> str:
        """Return the variable that holds a stream of random numbers."""
        return self.generators(stream)

    def shape(self, value: Value) -> str:
        """Return the shape of a value as NumPy's functions take it."""
        if len(value.shape) == 1:
            return self.size(value.shape[0])
        return f"({', '.join(map(self.size, value.shape))})"

    def size(self, dim: Dim) -> str:
        """Return the size of an axis as Python writes it."""
        if isinstance(dim, int):
            return str(dim)
        factors = [str(dim.times)] if dim.times != 1 else []
        factors += [self.count() if name == "batch" else self.sizes[name] for name in dim.names]
        return " * ".join(factors)

    def _computed(self, value: Value) -> Expression:
        """Return the expression of a value over its operands."""
        op = value.op
        if op is ops.expand and self._broadcasts(value):
            return self.operand(value.inputs[0])
        self.helpers |= set(op.helpers)
        template = op.printed if isinstance(op.printed, str) else op.printed(self, value)
        if not template:
            settings = (f"{name}={setting!r}" for name, setting in value.attributes.changed().items())
            template = f"{op}({', '.join(['{inputs}', *settings])})"
        return fill(template, lambda name: self._field(value, name))

    def _field(self, value: Value, name: str) -> Expression:
        """Return what stands for a field of a template."""
        first, _, rest = name.partition(".")
        if len(first) == 1:
            operand = value.inputs[LETTERS.index(first)]
            return self._field(operand, rest) if rest else self.operand(operand)
        match name:
            case "inputs":
                return Expression(", ".join(map(self.expression, value.inputs)), ATOM)
            case "dtype":
                return Expression(f"np.{value.dtype}", ATOM)
            case "shape":
                return Expression(self.shape(value), ATOM)
            case "rows":
                return Expression(self.count(), ATOM)
        return literal(repr(value.attributes.named()[name]))

    def _broadcasts(self, value: Value) -> bool:
        """Whether NumPy stretches a value by itself wherever it is used."""
        users = [node.results[0] for node in self._readers.get(value.index, ())]
        if not users or value.index in self.final:
            return False
        return all(
            (user.op is ops.put_along_axis and not value.inputs[0].shape)
            or (
                user.op.elementwise
                and user.op is not ops.expand
                and any(i.shape == user.shape and i.op is not ops.expand for i in user.inputs)
            )
            for user in users
        )

    def _plain(self, value: Value) -> bool:
        """Whether a value is as short where it is used as its name would be."""
        return value.op.alias and value.index not in self.final and value.inputs[0].index in self.known


def commented(text: str, shape: Shape, rows: str = "rows") -> str:
    """Return a line with its value's shape in a comment, where it has one."""
    if not shape:
        return text
    inner = ", ".join(_dim(dim, rows) for dim in shape)
    comment = f"# ({inner},)" if len(shape) == 1 else f"# ({inner})"
    return f"{text:<62}  {comment}"


def _dim(dim: int | Size, rows: str) -> str:
    if isinstance(dim, int):
        return str(dim)
    names = [rows if name == "batch" else name for name in dim.names]
    return " * ".join([str(dim.times), *names] if dim.times != 1 else names)


def _noun(value: Value) -> str:
    noun = value.op.noun
    return f"d_{noun}" if value.phase == "backward" and not value.op.random else noun
