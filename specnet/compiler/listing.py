"""Graphs as plain NumPy that a person can read: an operation a line, with its shape in a comment."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from specnet.compiler.functions import HELPERS
from specnet.compiler.loop_listing import write_loop
from specnet.compiler.phrases import ATOM, PRODUCT, UNARY, Phrase, phrase
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import CONSTANT
from specnet.graph.ops.scan import SCAN
from specnet.graph.sizes import Shape, Size

LONGEST = 60
"""Letters of an expression that may stand within another."""

_TAKEN = {*keyword.kwlist, *dir(builtins), "np", "math", *HELPERS}


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
class Listing:
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
    """The functions that the lines call."""
    sizes: dict[str, str] = field(default_factory=dict)
    """The variables that hold other named sizes."""
    rows_used: bool = False
    lines: list[tuple[str, str]] = field(default_factory=list)
    """What has been written, each line with its phase."""
    uses: dict[int, int] = field(default_factory=dict)
    written: set[int] = field(default_factory=set)
    final: set[int] = field(default_factory=set)
    _readers: dict[int, list[Value]] = field(init=False)
    """Which values each value is an input of, by its index."""

    def __post_init__(self) -> None:
        self._readers = {}
        for node in self.graph:
            for source in set(node.inputs):
                self._readers.setdefault(source.index, []).append(node.results[0])

    def write(self, wanted: Iterable[Value], named: Mapping[int, str]) -> None:
        """Write the wanted values, and what they need.

        A value that is used once, and has no name, stands in the line that uses it.
        """
        wanted = list(wanted)
        self.final |= {v.index for v in wanted}
        self.count_uses(wanted)
        self._write(wanted, named, set())

    def write_below(self, value: Value) -> None:
        """Write what a value needs, but not itself; `count_uses` has been told of all that will be written."""
        self._write([value], {}, {value.index})

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
            if value.op is ops.expand and self._stretches(value):
                continue
            if value.op is SCAN:
                write_loop(self, value.node, lambda v: self.names.new(named.get(v.index) or _noun(v)))
                continue
            wish = named.get(value.index)
            often = self.uses.get(value.index, 0) > 1 or value.index in self.final
            if wish is None and not often and len(self._phrase(value).text) <= LONGEST:
                continue
            if wish is None and self._plain(value):
                continue
            self.state(value, self.names.new(wish or _noun(value)))

    def state(self, value: Value, name: str) -> None:
        """Write the line that gives a value its name."""
        text = f"{name} = {self._phrase(value).text}"
        self.lines.append((commented(text, value.shape, self.rows), value.phase))
        self.known[value.index] = name

    def expression(self, value: Value) -> str:
        """Return a value as it is written where it is used."""
        return self.operand(value).text

    def operand(self, value: Value) -> Phrase:
        """Return a value as an operand: its name, or what computes it."""
        if value.index in self.known:
            return Phrase(self.known[value.index], ATOM)
        return self._phrase(value)

    def count(self) -> str:
        """Return the name of the number of rows."""
        self.rows_used = True
        return self.rows

    def _phrase(self, value: Value) -> Phrase:
        if value.op is CONSTANT:
            return self._constant(value)
        if value.op.random:
            return self._drawn(value)
        if value.op is ops.expand:
            if self._stretches(value):
                return self.operand(value.inputs[0])
            return self._full(value)
        return phrase(self, value)

    def _drawn(self, value: Value) -> Phrase:
        function, option = _DRAWN[value.op.name]
        self.helpers.add(function)
        settings = value.attributes.named()
        generator = self.generators(settings["stream"])
        (of,) = value.inputs
        shape = f"{self.operand(of).at(ATOM)}.shape" if value.shape == of.shape else self.shape(value)
        return Phrase(f"{function}({generator}, {shape}, {settings[option]!r})", ATOM)

    def _constant(self, value: Value) -> Phrase:
        factor, powers = CONSTANT.of(value).factor, CONSTANT.of(value).powers
        if not powers:
            return number(factor)
        text = number(factor).text
        above, below = (self._powers([(n, abs(p)) for n, p in powers if p * sign > 0]) for sign in (1, -1))
        if above:
            text = above if factor == 1 else f"{text} * {above}"
        if below:
            text = f"{text} / ({below})" if " * " in below else f"{text} / {below}"
        return Phrase(text, ATOM if text.isidentifier() else PRODUCT)

    def _powers(self, powers: list[tuple[str, int]]) -> str:
        sizes = [(self.count() if name == "batch" else self.sizes[name], power) for name, power in powers]
        return " * ".join(size if power == 1 else f"{size}**{power}" for size, power in sizes)

    def _full(self, value: Value) -> Phrase:
        shape = self.shape(value)
        of = self.operand(value.inputs[0]).text
        if not value.inputs[0].shape:
            return Phrase(f"np.full({shape}, {of}, np.{value.graph.dtype})", ATOM)
        return Phrase(f"np.broadcast_to({of}, {shape})", ATOM)

    def shape(self, value: Value) -> str:
        """Return a shape as NumPy's functions take it."""
        if len(value.shape) == 1:
            return self.size(value.shape[0])
        return f"({', '.join(map(self.size, value.shape))})"

    def size(self, dim: int | Size) -> str:
        """Return the size of an axis as Python writes it."""
        if isinstance(dim, int):
            return str(dim)
        factors = [str(dim.times)] if dim.times != 1 else []
        factors += [self.count() if name == "batch" else self.sizes[name] for name in dim.names]
        return " * ".join(factors)

    def _stretches(self, value: Value) -> bool:
        """Whether NumPy stretches a value by itself wherever it is used."""
        users = self._readers.get(value.index)
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


_DRAWN = {"dropout_mask": ("dropout_mask", "rate"), "normal_noise": ("normal_noise", "stddev")}
"""For what is drawn at random, the function that draws it, and the option that it is told."""


def number(factor: float) -> Phrase:
    """Return a number as a person writes it."""
    text = repr(int(factor)) if factor == int(factor) and abs(factor) < 1e6 else repr(factor)
    return Phrase(text, UNARY if factor < 0 else ATOM)


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


_NOUNS = {
    "add": "combined", "subtract": "difference", "multiply": "scaled", "divide": "ratio", "exp": "exponential",
    "reduce_sum": "total", "inner": "total", "matmul": "product", "negative": "negated", "reshape": "reshaped",
    "take_along_axis": "picked", "put_along_axis": "placed", "dropout_mask": "mask", "sqrt": "root",
    "greater": "positive",
    "log_softmax": "log_probabilities", "softmax": "probabilities", "square": "squares", "power": "power",
    "sigmoid": "gate", "softplus": "smooth", "erf": "error_function", "reduce_max": "largest", "cast": "numbers",
    "normal_noise": "noise", "batch_moments": "moments", "batch_norm": "normal", "layer_norm": "normal",
    "batch_norm_sums": "sums", "gather": "rows_of", "indices": "index", "crop": "part", "pad": "padded",
    "concat": "joined", "transpose": "turned", "scan": "states",
}  # fmt: skip


def _noun(value: Value) -> str:
    noun = _NOUNS.get(value.op.name, f"{value.op.name}_")
    return f"d_{noun}" if value.phase == "backward" and not value.op.random else noun
