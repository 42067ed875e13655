"""The update phase of a step as lines.

In the graph all parameters lie in one vector, and so do their gradients and each slot of the optimizer. In a program
they are lists of arrays: what is done to the vectors is a loop over the parameters, or a line for each of them, and a
sum over a vector is the sum over the arrays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from specnet.engines.numpy.names import Names
from specnet.engines.numpy.printer import NumpyPrinter
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import CONSTANT, leaves, name_of, role_of
from specnet.interchange.numpy.layout import indented, listed
from specnet.model.naming import VALUE
from specnet.model.network import Network
from specnet.model.updates import AVERAGE, Update

PARAMETERS, ACCUMULATED, SLOT = "parameters", "accumulated", "slot/"

NUMBERS = {"rate": "learning_rate"}
"""The variables of numbers that are not called as in the graph."""

Change = tuple[Value, Value]
"""A leaf, and what it becomes."""

_PLURALS = {"momentum": "momenta", "velocity": "velocities"}

SHORT = 16
"""Letters of a scalar that stands in every line that uses it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept from step to step beside the parameters: the variables of arrays, and of lists of arrays."""

    arrays: dict[str, str]
    """The variable of each leaf that is one array, or a number."""
    lists: dict[str, tuple[str, str]]
    """For each leaf that lies along the parameters, the variable of one array and that of the list of all."""
    start: list[str]
    """The lines that make them."""


def kept_between_steps(network: Network, update: Update, names: Names) -> Kept:
    """Return the variables and the first values of what an update keeps and is given."""
    kept = Kept({}, {PARAMETERS: ("parameter", "parameters")}, [])
    for name, value in update.options.items():
        kept.arrays[name] = names.new(name)
        kept.start.append(f"{kept.arrays[name]} = {value!r}")
    for several, values in parameter_settings(network).items():
        kept.lists[several] = names.new(several.removesuffix("s")), names.new(several)
        kept.start.extend(listed(kept.lists[several][1], [repr(value) for value in values]))
    for name, (shape, first) in update.slots.items():
        wish = "average" if name == AVERAGE else name
        if shape != (network.trained_size,):
            kept.arrays[SLOT + name] = names.new(wish)
            kept.start.append(
                f"{kept.arrays[SLOT + name]} = np.full({shape}, {first!r}, np.{network.spec.dtype})"
            )
            continue
        one, several = names.new(wish), names.new(_PLURALS.get(wish, f"{wish}s"))
        kept.lists[SLOT + name] = one, several
        start = f"np.full_like(parameter, {first!r})" if first else "np.zeros_like(parameter)"
        start = "parameter.copy()" if name == AVERAGE else start
        kept.start.append(f"{several} = [{start} for parameter in parameters]")
    if network.spec.training.accumulate > 1:
        kept.lists[ACCUMULATED] = "so_far", "accumulated"
        kept.start.append("accumulated = [np.zeros_like(parameter) for parameter in parameters]")
    return kept


def parameter_settings(network: Network) -> dict[str, tuple[float, ...]]:
    """Return what each parameter has of its own, by the names of the leaves that hold it for each element."""
    settings = {"multipliers": tuple(p.rate for p in network.trained)} if network.rates_differ else {}
    return settings if network.weight_decays is None else {**settings, "weight_decays": network.weight_decays}


@dataclass
class _Printer(NumpyPrinter):
    """Keeps the lines about vectors, which are a loop's, by themselves."""

    vectors: set[int] = field(default_factory=set)
    loop: list[str] = field(default_factory=list)

    def state(self, value: Value, name: str) -> None:
        super().state(value, name)
        if value.index in self.vectors:
            self.loop.append(self.lines.pop()[0].partition("  #")[0].rstrip())

    def write_readers(
        self, leaf: Value, new: Value, named: Mapping[int, str], wanted: Iterable[Value]
    ) -> None:
        """Write the values with names that read a leaf as it is before it becomes `new`, which they do not need."""
        live = self._live(wanted)
        for value in self.graph.values:
            if value.index in named and value.index in live and value.index not in self.known:
                below = self._live([value])
                if leaf.index in below and new.index not in below:
                    self._write([value], named, set())

    def _plain(self, value: Value) -> bool:
        """Whether a value is short where it is used: a difference such as `1 - beta_1` needs no name."""
        short = not value.shape and all(v.op.leaf or v.op is CONSTANT for v in value.inputs)
        return (short and len(self._computed(value).text) <= SHORT) or super()._plain(value)

    def write_all_below(self, values: Sequence[Value]) -> None:
        """Write what some values need, but not themselves."""
        self._write(values, {}, {value.index for value in values})

    def state_readers(self, leaf: Value, wanted: Iterable[Value]) -> None:
        """Write all that some values still read of a leaf, which is about to be overwritten."""
        live = self._live(wanted)
        for value in self.graph.values:
            if value.index in live and value.index not in self.known and leaf in value.inputs:
                self.state(value, self.names.new(f"old_{self.known[leaf.index]}"))


class UpdateLines:
    """The lines of one graph's update phase.

    `known` holds the variable of each value that the phases before it have computed, and of the arrays that they
    read; `gradients` are the expressions of the parameters' gradients, in a graph that has some. `variables` are
    those of the model's arrays.
    """

    def __init__(
        self,
        graph: Graph,
        network: Network,
        names: Names,
        kept: Kept,
        variables: Mapping[str, str],
        known: Mapping[int, str],
        gradients: list[str],
    ) -> None:
        self._names, self._each_gradient = names, gradients
        self._parameters = [variables[p.name] for p in network.trained]
        self._settings = parameter_settings(network)
        self._lists = {"parameter": "parameters", "so_far": "accumulated", "gradient": "gradients"}
        self._lists |= kept.lists.values()
        found = leaves(graph)
        called = {name: one for name, (one, _) in kept.lists.items()} | kept.arrays | NUMBERS
        self._printer = _Printer(graph, names, dict(known))
        self._named = {
            value.index: name.removeprefix(VALUE)
            for name, value in graph.outputs.items()
            if name.startswith(VALUE) and value.phase == "update"
        }
        for name, leaf in found.items():
            if name in called or not leaf.shape:
                self._printer.known[leaf.index] = called.get(name, name)
        self._find_vectors([found[name] for name in kept.lists if name in found])
        changes = [(leaf, value) for leaf, value in graph.assignments if leaf is not value]
        self._printer.count_uses(value for _, value in changes)
        self.lines = self._update([pair for pair in changes if role_of(pair[0]) != "statistic"])
        self.statistics = self._follow([pair for pair in changes if role_of(pair[0]) == "statistic"])
        """The lines that move running statistics on."""
        self.helpers = self._printer.helpers

    def _find_vectors(self, along: Iterable[Value]) -> None:
        vectors = self._printer.vectors
        vectors.update(leaf.index for leaf in along)
        self._packed = None
        for value in self._printer.graph.values:
            if value.op is ops.pack:
                self._packed = value
                self._printer.known[value.index] = "gradient"
                vectors.add(value.index)
            elif value.op.elementwise and any(source.index in vectors for source in value.inputs):
                vectors.add(value.index)

    def _update(self, changes: Sequence[Change]) -> list[str]:
        printer = self._printer
        lists = self._measure()
        lines = lists + self._written(changes)
        if len(printer.loop) == 1 and not lists and name_of(changes[0][0]) == PARAMETERS:
            return lines + self._each(*changes[0])
        if printer.loop:
            lines += [f"{self._over(' '.join(printer.loop))}:", *indented(printer.loop)]
        return lines

    def _measure(self) -> list[str]:
        """Return the lines of what is summed over all parameters, such as the norm of the gradient."""
        printer, lines = self._printer, []
        for value in printer.graph.values:
            sources = [source for source in value.inputs if source.index in printer.vectors]
            if value.shape or not sources:
                continue
            for source in sources:
                if source.index not in printer.known:
                    each = printer.expression(source)
                    one, several = self._names.new("clipped"), self._names.new("clipped_gradients")
                    lines.append(f"{several} = [{each} {self._over(each)}]")
                    self._lists[one] = several
                    printer.known[source.index] = one
            term = printer.expression(value)
            printer.known[value.index] = f"float(sum({term} {self._over(term)}))"
            for root in printer.graph.values:
                if root.op is ops.sqrt and root.inputs[0] is value:
                    printer.state(root, self._names.new("norm"))
        return lines

    def _written(self, changes: Sequence[Change]) -> list[str]:
        """Write changes of leaves; return the lines that are no loop's."""
        printer = self._printer
        for place, (leaf, value) in enumerate(changes):
            printer.write_readers(leaf, value, self._named, (later for _, later in changes[place + 1 :]))
            printer.write_below(value, self._named)
            line = self._assignment(leaf, value)
            printer.known[value.index] = printer.known[leaf.index]
            printer.state_readers(leaf, (later for _, later in changes[place + 1 :]))
            if leaf.index in printer.vectors:
                printer.loop.append(line)
            else:
                printer.lines.append((line, value.phase))
        return self._taken()

    def _follow(self, changes: Sequence[Change]) -> list[str]:
        """Return the lines that move running statistics on: none reads another."""
        self._printer.write_all_below([value for _, value in changes])
        return self._taken() + [self._assignment(*change) for change in changes]

    def _taken(self) -> list[str]:
        """Return the lines that the printer has written apart from the loop's, and take them from it."""
        lines = [line for line, _ in self._printer.lines]
        self._printer.lines.clear()
        return lines

    def _each(self, leaf: Value, value: Value) -> list[str]:
        """Return a line for each parameter, where one line is the whole update."""
        printer, lines = self._printer, []
        del printer.known[value.index]
        found = leaves(printer.graph)
        settings = {found[name].index: values for name, values in self._settings.items() if name in found}
        for number, (variable, gradient) in enumerate(
            zip(self._parameters, self._each_gradient, strict=True)
        ):
            printer.known[leaf.index] = variable
            if self._packed is not None:
                printer.known[self._packed.index] = gradient if gradient.isidentifier() else f"({gradient})"
            printer.known |= {index: repr(values[number]) for index, values in settings.items()}
            lines.append(self._assignment(leaf, value))
        return lines

    def _assignment(self, leaf: Value, value: Value) -> str:
        """Return the line that gives an array its new value."""
        printer = self._printer
        variable = printer.known[leaf.index]
        sign = {ops.add: "+", ops.subtract: "-"}.get(value.op)
        if sign is not None and value.inputs[0] is leaf and value.index not in printer.known:
            return f"{variable} {sign}= {printer.expression(value.inputs[1])}"
        whole = value.inputs[0] if value.op is ops.expand and not value.inputs[0].shape else value
        return f"{variable}[...] = {printer.expression(whole)}"

    def _over(self, text: str) -> str:
        """Return the head of a loop over what a text is about."""
        ones = [one for one in self._lists if re.search(rf"\b{one}\b", text)]
        lists = [self._lists[one] for one in ones]
        several = lists[0] if len(lists) == 1 else f"zip({', '.join(lists)})"
        return f"for {', '.join(ones)} in {several}"
