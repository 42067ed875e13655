"""Graphs as plain NumPy that a person can read: an operation a line, with its shape in a comment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from specnet.engines.numpy.names import Names
from specnet.graph import ops
from specnet.graph.expressions import ATOM, Expression, fill, literal
from specnet.graph.graph import Graph, Node, Value
from specnet.graph.leaves import CONSTANT
from specnet.graph.ops.scan import SCAN
from specnet.graph.record import LETTERS
from specnet.graph.sizes import Dim, Shape, Size
from specnet.passes.rewriting import readers_of

LONGEST = 60
"""Letters of an expression that may stand within another."""


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
                _write_loop(self, value.node, lambda v: self.names.new(named.get(v.index) or _noun(v)))
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


def _write_loop(printer: NumpyPrinter, node: Node, name: Callable[[Value], str]) -> None:
    """Append the lines of a loop; `name` gives each of its results a new name."""
    loop, body = SCAN.of(node), SCAN.of(node).body
    phase = node.phase
    length = printer.size(loop.length)
    results = [name(value) for value in node.results]

    def line(text: str) -> None:
        printer.lines.append((text, phase))

    for result, source in zip(results[: loop.states], node.inputs, strict=False):
        line(f"{result} = {printer.operand(source).text}")
    for result, value in zip(results[loop.states :], node.results[loop.states :], strict=True):
        line(f"{result} = np.empty({printer.shape(value)}, np.{value.dtype})")
    given = list(results[: loop.states])
    step = printer.names.new("step")
    arrays = node.inputs[loop.states : loop.states + loop.arrays]
    given += [f"{_named(printer, source, line)}[{step}]" for source in arrays]
    given += [_named(printer, source, line) for source in node.inputs[loop.states + loop.arrays :]]
    order = f"reversed(range({length}))" if loop.reverse else f"range({length})"
    line(f"for {step} in {order}:")
    known = {value.index: text for value, text in zip(body.arguments, given, strict=True)}
    within = replace(printer, graph=body, known=known, lines=[], uses={}, final=set())
    within.write(body.returns, {})
    for text, _ in within.lines:
        line(f"    {text}")
    new = [within.operand(value).text for value in body.returns]
    for result, text in zip(results[loop.states :], new[loop.states :], strict=True):
        line(f"    {result}[{step}] = {text}")
    states = [(a, b) for a, b in zip(results[: loop.states], new, strict=False) if a != b]
    if states:
        line(f"    {', '.join(a for a, _ in states)} = {', '.join(b for _, b in states)}")
    printer.rows_used |= within.rows_used
    for value, text in zip(node.results, results, strict=True):
        printer.known[value.index] = text


def _named(printer: NumpyPrinter, value: Value, line: Callable[[str], None]) -> str:
    """Return a value as something short that may be used at every step."""
    expression = printer.operand(value)
    if expression.binds >= ATOM and expression.text.isidentifier():
        return expression.text
    if not value.shape:
        return expression.at(ATOM)
    name = printer.names.new("given")
    line(f"{name} = {expression.text}")
    printer.known[value.index] = name
    return name
