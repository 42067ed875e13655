"""The optimizer's rule as lines over one parameter, its gradient and its slots."""

from __future__ import annotations

from dataclasses import dataclass, field

from specnet.compiler.printer import Names, NumpyPrinter
from specnet.graph import ops
from specnet.graph.builder import UpdateBuilder
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import leaf, leaves, name_of, number
from specnet.language.spec import Training
from specnet.passes.simplify import simplify
from specnet.runs.exports.forward import ancestors

SIZE = 7
"""The length that stands for any parameter's in the rule's graph."""

_PLURALS = {"momentum": "momenta"}


@dataclass(slots=True)
class Rule:
    """An optimizer's rule."""

    scalars: list[str] = field(default_factory=list)
    """What is the same for all parameters of a step."""
    lines: list[str] = field(default_factory=list)
    slots: dict[str, tuple[str, str]] = field(default_factory=dict)
    """For each slot its variable, the list of all parameters' slots, and how the list begins."""
    counts: bool = False
    """Whether it asks for the number of the step."""
    helpers: set[str] = field(default_factory=set)


def plural(name: str) -> str:
    """Return what a list of slots is called."""
    return _PLURALS.get(name, f"{name}s")


def rule_of(training: Training, dtype: str, names: Names, parameter: str, gradient: str, rate: str) -> Rule:
    """Return the optimizer's rule over variables of these names."""
    graph = Graph(dtype)  # type: ignore[arg-type]
    p, g = (leaf(graph, name, "state", (SIZE,)) for name in ("parameter", "gradient"))
    build = UpdateBuilder(graph, SIZE)
    graph.assign(p, training.optimizer.step(build, p, g, number(graph, "rate"), number(graph, "step")))
    graph = simplify(graph)
    given = {"parameter": parameter, "gradient": gradient, "rate": rate, "step": "step"}
    rule = Rule()
    for name, (shape, first) in build.slots.items():
        given[f"slot/{name}"] = names.new(name)
        start = f"np.full_like(parameter, {first!r})" if first else "np.zeros_like(parameter)"
        if shape != (SIZE,):
            start = f"np.full({shape}, {first!r}, dtype=parameter.dtype)"
        rule.slots[given[f"slot/{name}"]] = (names.new(plural(name)), start)
    arrays = leaves(graph)
    known = {array.index: given[name] for name, array in arrays.items()}
    printer = NumpyPrinter(graph, names, known)
    assigned = {value.index: leaf for leaf, value in graph.assignments}
    values = [value for _, value in graph.assignments]
    wished = {v.index: f"new_{given[name_of(assigned[v.index])]}" for v in values}
    rule.counts = "step" in arrays
    printer.count_uses(values)
    later: list[str] = []
    new = arrays["parameter"]
    last = next(value for each, value in graph.assignments if each is new)
    for value in values:
        slot = assigned[value.index]
        before = len(printer.lines)
        if value is last:
            printer.write_below(value)
            _move(printer, rule, before)
            rule.lines.append(_step(printer, value, new, parameter))
            continue
        printer.write_below(value)
        _move(printer, rule, before)
        variable = given[name_of(slot)]
        if _read_later(graph, slot, value):
            name = names.new(wished[value.index])
            rule.lines.append(f"{name} = {printer.expression(value)}")
            known[value.index] = name
            later.append(f"{variable}[...] = {name}")
        else:
            rule.lines.append(f"{variable}[...] = {printer.expression(value)}")
            known[value.index] = variable
    rule.lines += later
    rule.helpers |= printer.helpers
    return rule


def _move(printer: NumpyPrinter, rule: Rule, before: int) -> None:
    """Part new lines into those of the step and those of the parameter."""
    arrays = {"parameter", "gradient"}
    by_name = {name: index for index, name in printer.known.items()}
    for line, _ in printer.lines[before:]:
        text = line.partition("  #")[0].rstrip()
        value = printer.graph.values[by_name[text.partition(" = ")[0]]]
        needed = ancestors(value)
        over = {name for name, array in leaves(printer.graph).items() if array.index in needed}
        alone = not value.shape and not any(n in arrays or n.startswith("slot/") for n in over)
        (rule.scalars if alone else rule.lines).append(text)


def _step(printer: NumpyPrinter, value: Value, parameter: Value, name: str) -> str:
    if value.op is ops.subtract and value.inputs[0] is parameter:
        return f"{name} -= {printer.expression(value.inputs[1])}"
    return f"{name}[...] = {printer.expression(value)}"


def _read_later(graph: Graph, slot: Value, value: Value) -> bool:
    """Whether what a slot held before is read by anything but its own new value."""
    own = ancestors(value)
    reading = [v for v in graph.values if any(i is slot for i in v.inputs)]
    if any(v.index not in own for v in reading):
        return True
    # What reads it on the way must itself be read by nothing else.
    on_the_way = [
        v
        for v in graph.values
        if v.index in own and v is not value and slot.index in ancestors(v) and v is not slot
    ]
    return any(u.index not in own for v in on_the_way for u in graph.values if any(i is v for i in u.inputs))
