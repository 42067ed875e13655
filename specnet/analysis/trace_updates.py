"""The update of one step, as lines with numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from specnet.analysis.formulas import Lines, NoFormula, Numbers, Stated, maths, short
from specnet.analysis.traced import Observed, TracedParameter, TracedStep
from specnet.engines.execution import Executable
from specnet.engines.numpy.names import Names
from specnet.graph.graph import Value
from specnet.graph.leaves import leaves, name_of, role_of
from specnet.model.naming import VALUE
from specnet.model.network import Network
from specnet.model.parameters import element_settings, views
from specnet.model.updates import AVERAGE, update_graph
from specnet.passes.pipeline import plan
from specnet.passes.simplify import simplify
from specnet.vocabulary.optimizers import Searching

Array = np.ndarray[Any, Any]

WRITTEN = 3
"""Elements of a parameter whose updates are written out with numbers, where an update is one line."""

SYMBOLS = {
    "parameters": "p",
    "accumulated": "g",
    "multipliers": "multiplier",
    "weight_decays": "weight_decay",
    "rate": "learning_rate",
    "step": "t",
}


class UpdateReader:
    """Reads the updates of steps in the textbook's form of the optimizer."""

    def __init__(self, network: Network) -> None:
        self._network = network
        if isinstance(network.spec.training.optimizer, Searching):
            return
        update = update_graph(network, textbook=True)
        self._slots, self._origins, self._options = update.slots, update.origins, update.options
        graph = self._graph = simplify(update.graph)
        self._lines = self._printed()
        for number, stated in enumerate(self._lines.stated):
            graph.outputs[f"line {number}"] = stated.value
        self._plan = plan(graph, 1, threads=network.threads)

    def read(self, traced: TracedStep, seen: Observed, after: Array) -> TracedStep:
        """Return a step with its update, given what it began with, and the parameters after it."""
        network = self._network
        now = views(network.trained, after)
        if isinstance(network.spec.training.optimizer, Searching):
            moved = tuple(replace(each, after=now[each.name]) for each in traced.parameters)
            summary = str(type(network.spec.training.optimizer).__doc__).partition("\n")[0]
            return replace(traced, parameters=moved, update=((summary, ""),))
        gradient = seen.accumulated
        if gradient is None:
            gradient = np.concatenate([each.gradient.reshape(-1) for each in traced.parameters])
        size = network.trained_size
        arrays: dict[str, Array] = {
            "accumulated": gradient.astype(network.spec.dtype),
            "parameters": seen.parameters[:size].copy(),
        }
        arrays |= element_settings(network)
        for slot in self._slots:
            origin, scale = self._origins[slot]
            arrays[f"slot/{slot}"] = (seen.slots[origin] * scale).astype(network.spec.dtype)
        given = {"step": seen.step, "rate": seen.rate, **self._options}
        held = {
            leaf.index: np.array(arrays.get(name, given.get(name)))
            for name, leaf in leaves(self._graph).items()
        }
        bound = Executable(self._plan).bind(1, arrays)
        with np.errstate(all="ignore"):
            scalars = bound.step(*(given[name] for name in self._plan.numbers))
        found: dict[str, Any] = dict(zip(self._plan.scalars, scalars, strict=True)) | bound.arrays
        for number, stated in enumerate(self._lines.stated):
            held[stated.value.index] = np.array(found[f"line {number}"])
        numbers = Numbers(self._lines, held, 1)
        start, parameters = 0, []
        for each in traced.parameters:
            slots = {
                slot: arrays[f"slot/{slot}"][start : start + each.before.size]
                .reshape(each.before.shape)
                .copy()
                for slot, (shape, _) in self._slots.items()
                if shape == (size,) and slot != AVERAGE
            }
            written = self._written(each, start, numbers)
            parameters.append(replace(each, slots=slots, after=now[each.name], written=written))
            start += each.before.size
        formulas = tuple((stated.name, maths(stated.text)) for stated in self._lines.stated)
        return replace(traced, parameters=tuple(parameters), update=formulas)

    def _printed(self) -> Lines:
        """Return the lines of the update in the order in which it is made."""
        graph = self._graph
        names = Names()
        known = {
            leaf.index: names.new(SYMBOLS.get(name, name.removeprefix("slot/")))
            for name, leaf in leaves(graph).items()
        }
        lines = Lines(graph, names, known)
        named = {v.index: k.removeprefix(VALUE) for k, v in graph.outputs.items() if k.startswith(VALUE)}
        changes = {
            value.index: (leaf, value)
            for leaf, value in graph.assignments
            if leaf is not value and name_of(leaf) != "accumulated" and role_of(leaf) != "statistic"
        }
        lines.count_uses(value for _, value in changes.values())
        for value in sorted((v for v in graph.values if v.index in {*named, *changes}), key=_index):
            if value.index in lines.known:
                continue
            lines.write_below(value, named)
            if value.index in changes:
                leaf, _ = changes[value.index]
                name = lines.known[leaf.index]
                lines.stated.append(Stated(value, f"{name} ←", lines.expression(value)))
                lines.known[value.index] = name
            elif value.index in named:
                lines.state(value, names.new(named[value.index]))
        return lines

    def _written(self, parameter: TracedParameter, start: int, numbers: Numbers) -> tuple[str, ...]:
        """Return the update of the first elements, with numbers."""
        stated = [each for each in self._lines.stated if each.value.shape == (self._network.trained_size,)]
        written = []
        moving = np.flatnonzero(parameter.gradient.reshape(-1))
        places = moving if len(moving) else np.arange(parameter.before.size)
        for k in map(int, places[: WRITTEN if len(stated) == 1 else 1]):
            at = ", ".join(str(int(n)) for n in np.unravel_index(k, parameter.before.shape))
            for each in stated:
                name, arrow = each.name.removesuffix(" ←"), "←" if each.name.endswith("←") else "="
                try:
                    text = maths(numbers.element(each.value, (start + k,)))
                except NoFormula:
                    continue
                result = short(numbers.held[each.value.index][start + k])
                written.append(f"{name}[{at}] {arrow} {text} = {result}")
        return tuple(written)


def _index(value: Value) -> int:
    return value.index
