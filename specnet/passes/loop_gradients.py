"""The gradient of a loop: a loop the other way round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from specnet.graph import ops
from specnet.graph.graph import Node, Region, Value
from specnet.graph.leaves import ARGUMENT, CONSTANT, argument, constant
from specnet.graph.ops.scan import SCAN, ScanAttributes
from specnet.passes.rewriting import Rewriting, apply_again

FlowBack = Callable[[Region, Mapping[Value, Value], Sequence[Value]], list["Value | None"]]
"""Appends what flows back to values of a region from gradients that arrive at others."""


def loop_gradients(node: Node, gradients: Sequence[Value | None], flow_back: FlowBack) -> list[Value | None]:
    """Return the gradient of each input of a loop, given those of its results.

    What the way back reads of a step is kept by the loop itself, as further outputs: arrays that it computes, not what
    follows from them at no cost. Gradients of what stays the same are added up from step to step.
    """
    return _Back(node, gradients, flow_back).run()


@dataclass(frozen=True, slots=True)
class _Step:
    """A body with its way back appended to it."""

    joint: Region
    forward: int
    """How many of its nodes are the body's own."""
    states: dict[int, Value]
    """The gradient of each state after the step, by number, as an argument."""
    outputs: dict[int, Value]
    """The gradient of each output of the step, by number, as an argument."""
    found: list[Value | None]
    """The gradient of each argument of the body."""
    places: dict[Value, int]
    """The position of each argument of the body."""


class _Back:
    def __init__(self, node: Node, gradients: Sequence[Value | None], flow_back: FlowBack) -> None:
        self.node, self.gradients = node, gradients
        self.settings = SCAN.of(node)
        self.step = self._differentiated(flow_back)
        self.body = Region(node.graph.dtype)
        """The body of the way back."""
        self.body.phase = "backward"
        self.new: dict[int, Value] = {}
        """What stands in it for values of the joint body, by index."""

    def run(self) -> list[Value | None]:
        step, settings = self.step, self.settings
        first = settings.states + settings.arrays
        summed = [n for n in range(first, len(step.found)) if step.found[n] is not None]
        init, arrays, constants = [], [], []
        for number, value in step.states.items():
            self._argument(value)
            arriving = self.gradients[number]
            init.append(ops.zeros_like(self.node.results[number]) if arriving is None else arriving)
        sums = []
        for number in summed:
            source = self.node.inputs[number]
            # Scalars, which are no states, are added up in arrays of one element.
            shape = source.shape or (1,)
            sums.append(argument(self.body, shape, source.dtype))
            init.append(ops.expand(constant(source.graph, 0.0), shape=shape))
        for number, value in step.outputs.items():
            self._argument(value)
            arriving = self.gradients[settings.states + number]
            assert arriving is not None
            arrays.append(arriving)
        saved, given, cloned = self._read()
        for value, stacked in zip(saved, self._keep(saved), strict=True):
            self._argument(value)
            arrays.append(stacked)
        for number, value in given:
            if number < first:
                self._argument(value)
                arrays.append(self.node.inputs[number])
        for number, value in given:
            if number >= first:
                self._argument(value)
                constants.append(self.node.inputs[number])
        way_back = [node for node in step.joint.nodes[step.forward :] if node.op is not ARGUMENT]
        apply_again([*cloned, *way_back], self.body, self.new, "backward")
        return self._apply(summed, sums, init, arrays, constants)

    def _apply(
        self,
        summed: list[int],
        sums: list[Value],
        init: list[Value],
        arrays: list[Value],
        constants: list[Value],
    ) -> list[Value | None]:
        """Append the loop back, and return the gradient of each input of the loop forth."""
        step, settings, body = self.step, self.settings, self.body
        returns = []
        for number, arriving in step.states.items():
            found = step.found[number]
            returns.append(
                ops.zeros_like(self.new[arriving.index]) if found is None else self.new[found.index]
            )
        for number, so_far in zip(summed, sums, strict=True):
            found = step.found[number]
            assert found is not None
            returns.append(so_far + self.new[found.index])
        through = [
            n for n in range(settings.states, settings.states + settings.arrays) if step.found[n] is not None
        ]
        outputs = [self.new[found.index] for n in through if (found := step.found[n]) is not None]
        body.returns = (*returns, *outputs)
        back = ScanAttributes(body, len(returns), len(arrays), settings.length, not settings.reverse)
        results = self.node.graph.apply(SCAN, (*init, *arrays, *constants), back)
        gradients: list[Value | None] = [None] * len(self.node.inputs)
        for number, result in zip((*step.states, *summed, *through), results, strict=True):
            scalar = not self.node.inputs[number].shape
            gradients[number] = ops.sum_all(result) if scalar else result
        return gradients

    def _differentiated(self, flow_back: FlowBack) -> _Step:
        settings = self.settings
        joint = Rewriting(settings.body).run()
        assert isinstance(joint, Region)
        places = {value: number for number, value in enumerate(joint.arguments)}
        own, returns, forward = tuple(joint.arguments), joint.returns, len(joint.nodes)
        joint.phase = "backward"
        arriving: dict[Value, Value] = {}
        outputs = {
            number: _arrive(joint, arriving, value)
            for number, value in enumerate(returns[settings.states :])
            if self.gradients[settings.states + number] is not None
        }
        states = {
            number: _arrive(joint, arriving, value)
            for number, value in enumerate(returns[: settings.states])
            if _is_float(value)
        }
        wanted = [value for value in own if _is_float(value)]
        found = dict(zip(wanted, flow_back(joint, arriving, wanted), strict=True))
        return _Step(joint, forward, states, outputs, [found.get(value) for value in own], places)

    def _argument(self, value: Value) -> None:
        self.new[value.index] = argument(self.body, value.shape, value.dtype)

    def _read(self) -> tuple[list[Value], list[tuple[int, Value]], list[Node]]:
        """Return what the way back reads of the step: arrays to keep, arguments by number, and nodes to apply again."""
        step, settings = self.step, self.settings
        kept: dict[Value, None] = {}
        given: dict[int, Value] = {}
        again: dict[int, Node] = {}
        asked = [value for value in step.found if value is not None]
        asked += [value for node in step.joint.nodes[step.forward :] for value in node.inputs]
        while asked:
            value = asked.pop()
            node = value.node
            if node.index >= step.forward or value in kept or node.index in again:
                continue
            if node.op is ARGUMENT:
                number = step.places[value]
                if number < settings.states:
                    kept[value] = None
                else:
                    given[number] = value
            elif node.op is CONSTANT or node.op.alias or not value.shape:
                again[node.index] = node
                asked += node.inputs
            else:
                kept[value] = None
        in_order = sorted(kept, key=lambda value: value.index)
        return in_order, sorted(given.items()), [again[index] for index in sorted(again)]

    def _keep(self, saved: list[Value]) -> tuple[Value, ...]:
        """Have the loop give these values of its body at every step, and return them (steps, ...)."""
        body = _Forth(self.step.joint, self.step.forward, saved).run()
        assert isinstance(body, Region)
        kinds = [((self.settings.length, *value.shape), value.dtype) for value in saved]
        return self.node.widen(replace(self.settings, body=body), kinds)


class _Forth(Rewriting):
    """The part of a joint body that lies before its way back, which returns more values.

    Loops within it may by now give more than those of the body that it was made of.
    """

    def __init__(self, joint: Region, forward: int, saved: Sequence[Value]) -> None:
        super().__init__(joint)
        self.forward = forward
        self.wanted = (*joint.returns, *saved)

    def nodes(self) -> Iterable[Node]:
        return self.graph.nodes[: self.forward]

    def within(self, region: Region) -> Region:
        return Rewriting(region).run()  # type: ignore[return-value]


def _arrive(joint: Region, arriving: dict[Value, Value], value: Value) -> Value:
    """Return a new argument for the gradient that arrives at a value, beside what arrives there already."""
    gradient = argument(joint, value.shape, value.dtype)
    arriving[value] = arriving[value] + gradient if value in arriving else gradient
    return gradient


def _is_float(value: Value) -> bool:
    return value.dtype in ("float32", "float64")
