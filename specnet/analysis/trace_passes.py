"""The passes of one step, forward and backward, as lines with numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from specnet.analysis.formulas import Lines, NoFormula, Numbers, Stated, maths, short, symbol
from specnet.analysis.traced import Observed, TracedLayer, TracedLine, TracedParameter, TracedStep
from specnet.engines.execution import Executable
from specnet.engines.numpy.names import Names
from specnet.graph import ops
from specnet.graph.declarations import DONE
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import leaves
from specnet.graph.sizes import BATCH, Size
from specnet.model.compiled import CompiledModel
from specnet.model.lowered import Lowered
from specnet.model.naming import GRADIENT, VALUE
from specnet.model.network import Network
from specnet.model.parameters import Parameters, element_settings, views
from specnet.model.programs import share_graph, traced_graph
from specnet.model.reading import known_as, layer_values
from specnet.model.topology import every
from specnet.passes.pipeline import plan
from specnet.passes.plan import Plan
from specnet.passes.readable import readable
from specnet.passes.simplify import simplify

Array = np.ndarray[Any, Any]

WRITTEN = 4
"""Elements of a value whose formulas are written out with numbers."""

LOSS = "loss"
"""The section of what lies behind the layers."""


def _named(_: Network, lowered: Lowered) -> dict[str, Value]:
    """Return the sum and the output of each layer, and the predictions, by their names."""
    found: dict[str, Value] = {}
    for name, (_info, summed, output) in layer_values(lowered).items():
        if summed is not None and summed is not output:
            found[f"{name}.z"] = summed
        found[f"{name}.a"] = output
    for name, values in lowered.outputs.items():
        found[f"{name or LOSS}.prediction"] = values.prediction
    return found


class PassReader:
    """Reads the passes of steps: the run's own graph, with every value that has a name to look at."""

    def __init__(self, model: CompiledModel, batch_size: int) -> None:
        self._model, self._network = model, model.network
        self._kinds = {
            info.name: dict(every(self._network.spec.layers))[info.path] for info in self._network.layers
        }
        graph = readable(simplify(traced_graph(self._network, _named)))
        self._places: dict[int, tuple[str, str]] = {}
        """The section of a value, and what it is called there, by its index."""
        self._gradients: dict[int, tuple[str, str]] = {}
        self._lines = self._printed(graph)
        for number, stated in enumerate(self._lines.stated):
            graph.outputs[f"line {number}"] = stated.value
        self._graph = graph
        self._plan = plan(graph, batch_size, threads=self._network.threads)
        shares = share_graph(self._network)
        self._chosen = None if shares is None else leaves(shares)["chosen"].rank
        self._share_plan = None if shares is None else plan(shares, batch_size, threads=self._network.threads)

    def read(self, seen: Observed, scalars: tuple[float, ...]) -> TracedStep:
        """Return a step's passes, given what it begins with, and the scalars that the run computes in it."""
        network, rows, place = self._network, len(seen.rows), seen.place
        held = self._held(seen)
        executable = Executable(self._plan, deepcopy(dict(seen.streams)))
        bound = executable.bind(rows, {**held, **seen.arrays})
        with np.errstate(all="ignore"):
            found = (
                dict(zip(self._plan.scalars, bound.step(*self._given(self._plan, seen)), strict=True))
                | bound.arrays
            )
        share = self._share(seen, held)
        at = views(network.trained, np.asarray(found["gradients"]))
        before = views(network.arrays, seen.parameters)
        parameters = tuple(
            TracedParameter(
                p.name,
                before[p.name].copy(),
                at[p.name].copy(),
                None if share is None else share[1][p.name],
                {},
                before[p.name].copy(),
            )
            for p in network.trained
        )
        own = place is not None
        forward, backward = self._sections(seen, found) if own else ((), ())
        return TracedStep(
            step=seen.step,
            epoch=seen.epoch,
            rows=tuple(map(int, seen.rows)),
            learning_rate=seen.rate,
            loss=float(scalars[0]),
            penalty=float(scalars[1]) if "penalty" in self._plan.scalars else 0.0,
            share=None if share is None else share[0],
            mean=network.spec.loss.reduction == "mean",
            inputs={array.name: seen.arrays[array.name][place] for array in network.inputs} if own else {},
            targets={
                name: seen.arrays[name][place]
                for name in dict.fromkeys(o.target for o in network.outputs.values())
            }
            if own
            else {},
            comes=seen.comes,
            forward=forward,
            backward=backward,
            update=(),
            parameters=parameters,
            outputs={
                name: self._row(self._graph.outputs[f"{VALUE}{name}.a"], found[f"{VALUE}{name}.a"], seen)[0]
                for name in self._kinds
            }
            if own
            else {},
        )

    def _held(self, seen: Observed) -> dict[str, Array]:
        """Return the arrays of the model as they were when a step began."""
        parameters = Parameters(self._network.arrays, self._network.spec.dtype)
        parameters.flat[...] = seen.parameters
        own = {"parameters": parameters.trained, **parameters, **parameters.joined}
        return own | element_settings(self._network)

    def _share(self, seen: Observed, held: Mapping[str, Array]) -> tuple[float, Mapping[str, Array]] | None:
        """Return the row's share of the loss and of each gradient."""
        if self._share_plan is None or seen.place is None or self._chosen is None:
            return None
        rows = len(seen.rows)
        chosen = np.zeros((rows, *[1] * (self._chosen - 1)), self._network.spec.dtype)
        chosen[seen.place] = 1.0
        executable = Executable(self._share_plan, deepcopy(dict(seen.streams)))
        bound = executable.bind(rows, {**held, **seen.arrays, "chosen": chosen})
        with np.errstate(all="ignore"):
            loss = bound.step(*self._given(self._share_plan, seen))[0]
        gradients = views(self._network.trained, bound.arrays["gradients"].copy())
        return float(loss), gradients

    def _given(self, compiled: Plan, seen: Observed) -> list[float]:
        """Return the numbers that a plan takes: how many steps are done."""
        return [seen.step - 1.0] * len(compiled.numbers)

    # Lines

    def _printed(self, graph: Graph) -> Lines:
        """Return the lines of a graph, each with the section that it belongs to."""
        names = Names(["rows"])
        known: dict[int, str] = {}
        for name, leaf in leaves(graph).items():
            known[leaf.index] = names.new(name)
            layer, _, own = name.rpartition(".")
            self._places[leaf.index] = layer, own if layer else symbol(name)
        wished = self._wishes(graph)
        packed = next(value for value in graph.values if value.op is ops.pack)
        for parameter, value in zip(self._network.trained, packed.inputs, strict=True):
            self._gradients.setdefault(value.index, _parted(parameter.name))
            wished.setdefault(value.index, f"gradient {parameter.name}")
        for value in graph.values:
            name = known_as(value, wished)
            if name:
                wished.setdefault(value.index, name)
        lines = Lines(graph, names, known, lambda stream: f"rng({stream!r})")
        wanted = [v for key, v in graph.outputs.items() if key != "gradients"]
        lines.write([*wanted, *packed.inputs], wished)
        return lines

    def _wishes(self, graph: Graph) -> dict[int, str]:
        """Return the names of values that are looked at; they are given their sections."""
        wished: dict[int, str] = {}
        for key, value in graph.outputs.items():
            if key.startswith(VALUE) and value.index not in self._places:
                self._places[value.index] = _parted(key.removeprefix(VALUE))
                wished[value.index] = key
        for key in ("loss", "penalty"):
            if key in graph.outputs:
                self._places[graph.outputs[key].index] = LOSS, key
                wished[graph.outputs[key].index] = key
        for key, value in graph.outputs.items():
            if key.startswith(GRADIENT) and value.index not in self._places and value.phase != "forward":
                self._gradients.setdefault(value.index, _parted(key.removeprefix(GRADIENT)))
                wished.setdefault(value.index, key)
        return wished

    def _sections(
        self, seen: Observed, found: Mapping[str, Any]
    ) -> tuple[tuple[TracedLayer, ...], tuple[TracedLayer, ...]]:
        numbers = Numbers(self._lines, self._numbers(seen, found), len(seen.rows))
        passes: dict[bool, dict[str, list[Stated]]] = {True: {}, False: {}}
        waiting: dict[bool, list[Stated]] = {True: [], False: []}
        for stated in self._lines.stated:
            if stated.value.graph is not self._graph:  # within a loop: its steps are not observed
                continue
            forward = stated.value.phase == "forward"
            waiting[forward].append(stated)
            place = (self._places if forward else self._gradients).get(stated.value.index)
            if place is not None:
                passes[forward].setdefault(place[0] or LOSS, []).extend(waiting[forward])
                waiting[forward] = []
        for forward, rest in waiting.items():
            if rest:
                passes[forward].setdefault(LOSS, []).extend(rest)
        forward_layers, backward_layers = (
            [
                self._layer(name, tuple(self._line(stated, name, numbers, seen) for stated in lines))
                for name, lines in passes[way].items()
            ]
            for way in (True, False)
        )
        return tuple(self._with_unchanged(forward_layers, seen, found)), tuple(backward_layers)

    def _with_unchanged(
        self, sections: list[TracedLayer], seen: Observed, found: Mapping[str, Any]
    ) -> Iterator[TracedLayer]:
        """Yield the sections, and those of layers whose output is another layer's."""
        missing = [name for name in self._kinds if all(each.name != name for each in sections)]
        made: dict[str, list[TracedLayer]] = {}
        order = list(self._kinds)
        for name in missing:
            value = self._graph.outputs[f"{VALUE}{name}.a"]
            layer, own = self._places.get(value.index, ("", self._lines.known.get(value.index, "")))
            text = f"{layer}.{own}" if layer else own
            row, of_row = self._row(value, found[f"{VALUE}{name}.a"], seen)
            line = TracedLine("a", text, row, of_row)
            before = [each for each in order[: order.index(name)] if each not in missing]
            made.setdefault(before[-1] if before else "", []).append(self._layer(name, (line,)))
        yield from made.get("", [])
        for each in sections:
            yield each
            yield from made.get(each.name, [])

    def _layer(self, name: str, lines: tuple[TracedLine, ...]) -> TracedLayer:
        kind = self._kinds.get(name)
        if kind is None:
            loss = self._network.spec.loss
            return TracedLayer(name, loss.type, _summary(loss), lines)
        return TracedLayer(name, kind.type, _summary(kind), lines)

    def _line(self, stated: Stated, section: str, numbers: Numbers, seen: Observed) -> TracedLine:
        value = stated.value
        called = self._displayed(section)
        name = maths(called.get(stated.name, stated.name))
        held = numbers.held[value.index]
        row, of_row = self._row(value, held, seen)
        written = []
        if row.size <= WRITTEN and (of_row or row.size * len(seen.rows) <= WRITTEN * WRITTEN):
            for at in np.ndindex(row.shape):
                place = (seen.place, *at) if of_row and seen.place is not None else at
                try:
                    text = maths(numbers.element(value, place))
                except NoFormula:
                    break
                label = name + (f"[{', '.join(map(str, at))}]" if row.size > 1 else "")
                written.append(f"{label} = {text} = {short(row[at])}")
        return TracedLine(name, maths(stated.text, called), row, of_row, tuple(written))

    def _displayed(self, section: str) -> dict[str, str]:
        """Return what each variable is called in the section of a layer."""
        called = {}
        for places, lead in ((self._places, ""), (self._gradients, "∂loss/∂")):
            for index, (layer, own) in places.items():
                if index in self._lines.known:
                    here = own if layer in ("", section, LOSS) else f"{layer}.{own}"
                    called[self._lines.known[index]] = f"{lead}{here}"
        return called

    def _numbers(self, seen: Observed, found: Mapping[str, Any]) -> dict[int, Array]:
        held = {**self._held(seen), **seen.arrays, DONE: seen.step - 1.0}
        numbers = {
            leaf.index: np.asarray(held[name]) for name, leaf in leaves(self._graph).items() if name in held
        }
        for number, stated in enumerate(self._lines.stated):
            numbers[stated.value.index] = np.array(found[f"line {number}"])
        return numbers

    def _row(self, value: Value, array: Any, seen: Observed) -> tuple[Array, bool]:
        """Return the row's part of a value, and whether it is that."""
        whole = np.asarray(array)
        first = value.shape[0] if value.shape else 1
        if seen.place is None or not isinstance(first, Size) or first.names != BATCH.names:
            return whole.copy(), False
        if first == BATCH:
            return whole[seen.place].copy(), True
        return whole.reshape(len(seen.rows), first.times, *whole.shape[1:])[seen.place].copy(), True


def _parted(name: str) -> tuple[str, str]:
    """Return the layer and the own part of a name."""
    layer, _, own = name.rpartition(".")
    return layer, own


def _summary(kind: object) -> str:
    """Return the first line of what a kind says of itself."""
    return str(type(kind).__doc__).strip().partition("\n")[0]
